"""The contract between Workhorse and an engine; a third party's engine implements it and registers a factory,
`(url: str) -> Engine`, under the entry point group `workhorse.engines`, named by its URL's scheme.

All verbs are asynchronous and move lists. Times are the engine's own clock; durations are seconds. `publish`, `claim`, `settle`
and `put` are never cancelled while in flight: their caller waits for the answer, or the answer is unknown.

The values are msgspec structs, frozen: one is made for each job at each hand-over, where a frozen dataclass of eighteen
fields costs ten times as much. `msgspec.structs.replace` makes a changed copy.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

ABSENT: Final = 0  # the version of a key that is not there


class Lane(msgspec.Struct, frozen=True, gc=False):
    """Jobs of one key of which at most `width` hold a slot; who has none is parked: no due, it costs a claim nothing.

    A job asks for its slot when it is due (ordered: at its acceptance, and keeps it through delay and retries). Only a job with a slot is
    claimed, except one asked to cancel, which needs none and frees none. A slot is freed when its job ends, is deleted, purged, or (not
    ordered) retried, released or replaced by a delayed one; whatever frees it admits the parked job accepted first (not ordered: of the
    highest priority first), due then, or at its own time if that is later. Publish and claim admit too, behind those parked. The numbers of
    the job published last hold for the lane.
    """

    key: str  # begins with the queue: "mail/send_mail:ada@example.org"
    width: int | None = 1  # None (a rate alone): any number run; one at a time is admitted, its claim admits the next
    ordered: bool = False  # first accepted, first run
    every: float = 0  # a rate, charged when claimed: what comes too early is put off inside the engine
    burst: int = 1  # this many at once before the spacing begins


class Unique(msgspec.Struct, frozen=True, gc=False):
    """At most one job of this key, until it is claimed, settled or no longer kept, and for no less than `within` seconds from
    its acceptance (also when its row is gone by then). A freed key is not taken again by a retry, a lost lease or a dead letter
    put back."""

    key: str
    until: Literal["claimed", "settled", "kept"] = "settled"
    within: float | None = None
    # replace: a waiting one takes this payload and due, and keeps its id, lane, priority; one that runs stays
    conflict: Literal["keep", "replace"] = "keep"


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """A job as engines see it: names, times and bytes."""

    id: str  # made by the client: a UUIDv7 in hex, or given
    task: str
    # the codec's document, which no engine looks into: version, arguments, what only a worker reads (retry, timeout,
    # result_ttl, max_crashes, follow-ups and on_dead as whole jobs), checksum
    payload: bytes
    queue: str = ""  # or:
    topic: str = ""  # copied to every queue that is bound to it, as `id@queue`
    headers: Mapping[str, str] = {}
    priority: int = 2
    delay: float = 0  # from its acceptance; or:
    at: float | None = None  # a moment, seconds since the epoch
    # seconds from its acceptance; the engine marks the claim, the worker settles it Dead("expired"), unrun
    expires: float | None = None
    attempt: int = 1
    dead: str = ""  # put straight among the dead, with this reason: moving house
    look: bool = False  # a copy, or a job with an identity of its own: look for its record before running it (AckLast)
    # history and hand-backs so far: what Retried and Released replace, so that no payload is rewritten
    trail: bytes = b""
    lane: Lane | None = None
    unique: Unique | None = None

    def __repr__(self) -> str:
        # Without headers and payload: they may hold secrets, and envelopes, claims and outcomes are shown in errors.
        return (
            f"Envelope(id={self.id!r}, task={self.task!r}, queue={self.queue or self.topic!r}, attempt={self.attempt})"
        )


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A job held by one worker until its lease ends."""

    job: Envelope
    token: str  # random, new at each call of claim; id and token together name a claim
    crashes: int = 0  # earlier claims of this attempt that nobody settled
    accepted: float = 0  # when, by the engine's clock
    expired: bool = False
    cancel: bool = False  # asked to end: run nothing new, settle Cancelled (a saga undoes its steps first)


class Put(msgspec.Struct, frozen=True, gc=False):
    """One write to a Store."""

    key: str
    value: bytes
    expect: int | None = None  # a version, ABSENT, or None: whatever is there
    ttl: float | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a claimed job, with the facts and jobs that go with it."""

    claim: Claim
    writes: Sequence[Put] = ()  # result, journal, group's fact
    publish: Sequence[Envelope] = ()  # follow-ups, wake-ups, the dead letter's task
    trail: bytes | None = None  # replaces the job's; None: as it was


class Succeeded(Outcome, frozen=True, gc=False):
    """It went well; also when it was skipped."""


class Cancelled(Outcome, frozen=True, gc=False):
    """It was asked to end, and did."""


class Dead(Outcome, frozen=True, gc=False):
    """It will not be tried again, for this reason; kept among the dead letters."""

    reason: str = ""


class Retried(Outcome, frozen=True, gc=False):
    """The next attempt, `after` seconds from now."""

    after: float = 0


class Released(Outcome, frozen=True, gc=False):
    """The same attempt again: a hand-back, a snooze, an unknown task. Never counted."""

    after: float = 0


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What became of one published job. The same id again is `accepted`: publishing twice is safe."""

    kind: Literal["accepted", "replaced", "duplicate", "refused"]
    of: str = ""  # duplicate, replaced: the id of the job that stands; the caller's handle is that one's
    reason: str = ""  # refused


class Features(msgspec.Struct, frozen=True, gc=False):
    """What the engine does by itself. What it does not is done once, above it, or refused at start-up; never imitated in silence."""

    transactions: bool  # a settle with its writes and jobs is one transaction
    remembers: float  # seconds that an id is known after its job's end; 0: not at all
    lanes: bool
    unique: bool
    priorities: int
    max_delay: float
    max_size: int
    fenced: bool  # the engine itself refuses a stale token
    counts_crashes: bool
    inspectable: bool
    statements: bool


class Broker(Protocol):
    """Moves work."""

    @property
    def features(self) -> Features:
        """What it does by itself."""
        ...

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        """Durable on return; one answer a job, in order. One job's refusal does not touch the others."""
        ...

    async def bind(
        self,
        topic: str,
        queue: str,
        bound: bool = True,
        /,
        *,
        priority: int | None = None,
        expires: float | None = None,
    ) -> None:
        """From now on copy each job published to the topic to the queue (with this priority and life, if given); bound=False ends it.
        Only here a topic may have `*`, for one part between dots."""
        ...

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        """What is due, at most `limit`, at once if nothing is: higher priority first (each level asked in turn), within a level
        the queues in their order, at most half of `limit` from one while another of them has due jobs. No job twice within a
        lease. Jobs asked to cancel come too, marked. Only ordered lanes promise an order."""
        ...

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        """Each outcome whole or not at all: end or reschedule it, write, publish, admit the next of its lane, free its unique
        key. Returned: what this call did not do, and why; the rest stands. "stale": not ours any more, dropped; "conflict":
        whoever wrote the put decides (a saga stops, a group looks again); a refusal: settled again as Dead with that reason. A
        lease that ran out but was not claimed again is still good where the engine fences. The same outcome settled twice is
        done once; it may come back as stale. A job asked to cancel that settles Retried or Released is due at once; Succeeded
        still counts."""
        ...

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> list[Literal["kept", "lost", "cancel"]]:
        """Keep them; one answer a claim, in order. lost: stop, settle nothing. cancel: still ours, wind up, settle Cancelled."""
        ...

    async def wait(self, queues: Sequence[str], limit: int, timeout: float, /) -> None:
        """Return when `claim` may find work (also because a due time came; paused queues do not count), at the latest after
        `timeout`; may return for nothing. May be cancelled. An engine that is pushed to may buffer at most `limit` jobs of these
        queues for the next claim."""
        ...


class Store(Protocol):
    """Remembers facts."""

    async def get(self, keys: Sequence[str], /) -> list[tuple[bytes, int] | None]:
        """Value and version of each."""
        ...

    async def put(self, puts: Sequence[Put], /) -> list[int | None]:
        """Each by itself, in order, committed together where the engine can: its new version, or None where `expect` did not hold.
        A version never comes back, not even after delete and expiry: one counter for the whole store."""
        ...

    async def delete(self, keys: Mapping[str, int | None], /) -> list[bool]:
        """Each key if it still has the expected version (None: any)."""
        ...

    async def scan(self, prefix: str, after: str = "", limit: int = 1000, /) -> list[tuple[str, bytes, int]]:
        """In the order of keys. May lag: whoever acts on a scan writes with ABSENT first."""
        ...

    async def now(self) -> float:
        """What time it is by the engine's clock, in seconds since the epoch: who asks need not believe his own."""
        ...

    async def wait(self, known: Mapping[str, int], timeout: float, /) -> None:
        """Return when a version is no longer the known one (at once if it is not now), at the latest after `timeout`; may
        return for nothing."""
        ...


Held: TypeAlias = Literal["scheduled", "parked", "ready", "pending", "running", "succeeded", "dead", "cancelled"]
"""What an engine says of a job."""


class Filter(msgspec.Struct, frozen=True, gc=False):
    """Which jobs a person means."""

    ids: Sequence[str] = ()
    queue: str | None = None
    task: str | None = None
    status: Held | None = None
    text: str | None = None
    after: str = ""  # a page's last id


class Row(msgspec.Struct, frozen=True, gc=False):
    """A job as people see it."""

    job: Envelope
    status: str
    accepted: float
    due: float | None = None
    ended: float | None = None
    crashes: int = 0
    reason: str = ""  # why it is dead, or parked
    worker: str = ""  # who runs it
    cancel: bool = False
    place: int = 0  # in the order of acceptance, where moments are equal too; 0: the engine does not say


class Inspector(Protocol):
    """Shows jobs to people, and takes their orders. Whatever ends a job here (cancel, delete) frees its lane's slot and its unique key."""

    async def count(self, by: Literal["queue", "task", "status"], /) -> dict[str, dict[str, int]]:
        """How many jobs of each status, by queue, by task or (as one group each) by status."""
        ...

    async def list(self, which: Filter, limit: int = 100, /) -> Sequence[Row]:
        """In the order of ids; the last one is the next page's `after`."""
        ...

    async def show(self, id: str, /) -> Row | None:
        """One job, or None when nothing is known of it."""
        ...

    async def retry(self, which: Filter, /) -> int:
        """Put dead ones back: attempts go on counting, with a fresh budget (kept in the trail) and no crashes."""
        ...

    async def cancel(self, which: Filter, /) -> int:
        """Mark them; a job that nobody holds becomes due at once, parked or not; one that is held is told by `extend`."""
        ...

    async def delete(self, which: Filter, /) -> int:
        """Remove them, and write `result/ID` for each that had not ended, so that who waits for it is told."""
        ...

    async def pause(self, queue: str, /) -> None:
        """Give nothing of this queue to claims until it is resumed; what runs goes on."""
        ...

    async def resume(self, queue: str, /) -> None:
        """End a pause."""
        ...


class Statements(Protocol):
    """SQL engines only: our rows in the caller's transaction, whatever driver runs it."""

    def statements(self, jobs: Sequence[Envelope], puts: Sequence[Put], /) -> list[tuple[str, tuple[object, ...]]]:
        """Text and parameters, to be run in order on the caller's connection; no answer is read. A put that expects ABSENT fails the
        caller's transaction when the key is there. Jobs with a lane are admitted later, by a claim."""
        ...


class Engine(Protocol):
    """What a URL names: a broker, a store, an inspector, or several of them over one connection."""

    @property
    def broker(self) -> Broker | None:
        """What moves work, if the URL names one."""
        ...

    @property
    def store(self) -> Store | None:
        """What remembers facts."""
        ...

    @property
    def inspector(self) -> Inspector | None:
        """What shows jobs to people."""
        ...

    @property
    def statements(self) -> Statements | None:
        """What writes in a caller's transaction."""
        ...

    async def open(self) -> None:
        """Connect, check versions and settings, create what is missing."""
        ...

    async def close(self) -> None:
        """Let go of everything; twice is fine."""
        ...
