"""A toy engine: jobs in the memory of this process, by `toy://NAME`. It moves work and remembers no facts; its Features say so."""

import asyncio
import itertools
import math
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from workhorse.engine import Answer, Claim, Engine, Envelope, Features, Outcome, Released, Retried
from workhorse.errors import DeclarationError

LOOK: Final = 0.005
"""Seconds between two looks of `wait`. A real engine is told."""

FEATURES: Final = Features(
    transactions=True, remembers=0, lanes=False, unique=False, priorities=3, max_delay=1e9, max_size=1 << 20,
    fenced=True, counts_crashes=True, inspectable=False, statements=False,
)  # fmt: skip


def refusal(job: Envelope) -> str:
    """Why it cannot be put on a shelf; empty: it can."""
    if not (job.id and job.task and (job.queue or job.topic)) or len(job.payload) > FEATURES.max_size:
        return "expected an id, a task, a queue or a topic, and at most a mebibyte"
    return "expected neither lane nor unique key: a toy has none" if job.lane or job.unique else ""


class Held:
    """One job on a shelf."""

    def __init__(self, job: Envelope, place: int, now: float) -> None:
        self.job, self.place, self.accepted = job, place, now
        self.due = math.inf if job.dead else max(now, job.at) if job.at is not None else now + job.delay
        self.expires = None if job.expires is None else now + job.expires
        self.token, self.crashes = "", 0

    def claimed(self, token: str, now: float, lease: float) -> Claim:
        """Whoever had it before, and did not settle it, is charged."""
        self.crashes += bool(self.token)
        self.token, self.due = token, now + lease
        expired = self.expires is not None and self.expires <= now
        return Claim(self.job, token, self.crashes, self.accepted, expired)

    def again(self, outcome: Retried | Released, now: float) -> None:
        """The same job, later."""
        attempt = self.job.attempt + isinstance(outcome, Retried)
        trail = self.job.trail if outcome.trail is None else outcome.trail
        self.job = msgspec.structs.replace(self.job, attempt=attempt, trail=trail)
        self.due, self.token = now + outcome.after, ""
        self.crashes = 0 if isinstance(outcome, Retried) else self.crashes


class Shelf:
    """The jobs of one name, for all loops and threads of this process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.jobs: dict[str, Held] = {}
        self.bound: dict[tuple[str, str], tuple[int | None, float | None]] = {}
        self.clock, self.places = clock, itertools.count()
        self._lock = threading.Lock()

    @contextmanager
    def locked(self) -> Iterator[float]:
        """One at a time; it is this moment."""
        with self._lock:
            yield self.clock()

    def put(self, job: Envelope, now: float) -> Answer:
        if why := refusal(job):
            return Answer("refused", reason=why)
        for each in [job] if job.queue else self.copies(job):
            if each.id not in self.jobs:  # the same id again is accepted, and changes nothing
                self.jobs[each.id] = Held(each, next(self.places), now)
        return Answer("accepted")

    def copies(self, event: Envelope) -> Iterator[Envelope]:
        """One for each queue that is bound to its topic."""
        for (topic, queue), (priority, expires) in self.bound.items():
            if topic.count(".") == event.topic.count(".") and fnmatchcase(event.topic, topic):
                yield msgspec.structs.replace(
                    event, id=f"{event.id}@{queue}", queue=queue, priority=priority or event.priority,
                    expires=event.expires if expires is None else expires,
                )  # fmt: skip

    def due(self, queues: Sequence[str], now: float) -> list[Held]:
        """What may be claimed, the order of claims."""
        found = [held for held in self.jobs.values() if held.job.queue in queues and held.due <= now]
        return sorted(found, key=lambda it: (-it.job.priority, queues.index(it.job.queue), it.due, it.place))

    def of(self, claim: Claim) -> Held | None:
        """The job, if this claim still holds it."""
        held = self.jobs.get(claim.job.id)
        return held if held is not None and held.token == claim.token else None

    def settle(self, outcome: Outcome, now: float) -> str:
        """Why it is not done; empty: it is."""
        held = self.of(outcome.claim)
        if held is None:
            return "stale"
        if outcome.writes:
            return "this engine keeps no facts: set result_ttl=0, or give the app a store"
        if refused := next(filter(None, map(refusal, outcome.publish)), ""):
            return f"a follow-up: {refused}"
        if isinstance(outcome, Retried | Released):
            held.again(outcome, now)
        else:
            del self.jobs[held.job.id]
        for job in outcome.publish:
            self.put(job, now)
        return ""


SHELVES: Final[defaultdict[str, Shelf]] = defaultdict(Shelf)


class ToyBroker:
    """As the contract says: every verb takes a list."""

    features: Final = FEATURES

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        with self._shelf.locked() as now:
            return [self._shelf.put(job, now) for job in jobs]

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
        with self._shelf.locked():
            self._shelf.bound.pop((topic, queue), None)
            if bound:
                self._shelf.bound[topic, queue] = priority, expires

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        token, taken, claims = secrets.token_hex(8), defaultdict[str, int](int), list[Claim]()
        with self._shelf.locked() as now:
            due = self._shelf.due(queues, now)
            several = len({held.job.queue for held in due}) > 1
            for held in due:
                if len(claims) < limit and not (several and taken[held.job.queue] >= max(1, limit // 2)):
                    taken[held.job.queue] += 1
                    claims.append(held.claimed(token, now, lease))
        return claims

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        with self._shelf.locked() as now:
            answers = [(outcome, self._shelf.settle(outcome, now)) for outcome in outcomes]
        return [(outcome, why) for outcome, why in answers if why]

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> list[Literal["kept", "lost", "cancel"]]:
        with self._shelf.locked() as now:
            held = [self._shelf.of(claim) for claim in claims]
            for each in held:
                if each is not None:
                    each.due = now + lease
        return ["lost" if each is None else "kept" for each in held]

    async def wait(self, queues: Sequence[str], limit: int, timeout: float, /) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with self._shelf.locked() as now:
                if self._shelf.due(queues, now):
                    return
            await asyncio.sleep(LOOK)


class ToyEngine:
    """A broker, and no more: no store, nothing to show, no SQL."""

    store = inspector = statements = None

    def __init__(self, shelf: Shelf) -> None:
        self.broker = ToyBroker(shelf)

    async def open(self) -> None:
        """There is nothing to connect to."""

    async def close(self) -> None:
        """The jobs stay for the next who opens the name, as long as the process lives."""


def toy(url: str) -> Engine:
    """The engine that `toy://NAME` names."""
    parts = urlsplit(url)
    if not parts.netloc or parts.path:
        raise DeclarationError(f"{url}: expected toy://NAME")
    return ToyEngine(SHELVES[parts.netloc])
