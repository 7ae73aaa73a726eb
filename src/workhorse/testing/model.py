"""The contract as a model of plain dicts: what must be true of every job, key and fact, whatever came before.

It says what the contract determines, and leaves free what that leaves free: which of two equals is claimed, who of an unordered
lane is admitted. `histories` drives an engine beside it. Times are seconds of the machine's own clock, which begins at 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from workhorse.core.contract import ABSENT, Answer, Claim, Envelope, Lane, Outcome, Put, Released, Retried, Unique
from workhorse.core.trail import renewed

ENDED = {"succeeded", "dead", "cancelled"}
ACCEPTED = Answer("accepted")


@dataclass(slots=True)
class Life:
    """One job: `due` is when it may be claimed; while it is held, that is the end of its lease."""

    job: Envelope
    number: int  # in the order of acceptance
    due: float
    expires: float | None
    status: str = "waiting"  # held, or one of ENDED
    token: str = ""  # of who holds it
    crashes: int = 0
    cancel: bool = False
    slot: bool = False  # ordered: holds one. Not ordered: holds one for certain
    reason: str = ""

    @property
    def may_be_forgotten(self) -> bool:
        """How long an ended job is shown is the engine's to say; a dead one stays."""
        return self.status in ("succeeded", "cancelled")

    @property
    def lane(self) -> Lane | None:
        return self.job.lane

    def change(self, **fields: object) -> None:
        self.job = msgspec.structs.replace(self.job, **fields)


@dataclass(slots=True)
class Key:
    """A unique key, and the job it stands for."""

    id: str
    until: str
    within: float
    freed: bool = False


@dataclass(slots=True)
class Fact:
    value: bytes
    version: int | None  # None: written with an outcome, and not looked at since
    ends: float


@dataclass(slots=True)
class Model:
    """All that an engine holds."""

    now: float = 0
    jobs: dict[str, Life] = field(default_factory=dict[str, Life])
    keys: dict[str, Key] = field(default_factory=dict[str, Key])
    facts: dict[str, Fact] = field(default_factory=dict[str, Fact])
    charged: dict[str, float] = field(default_factory=dict[str, float])  # by lane: when its rate has caught up
    bindings: dict[tuple[str, str], tuple[int | None, float | None]] = field(
        default_factory=dict[tuple[str, str], tuple[int | None, float | None]]
    )
    paused: set[str] = field(default_factory=set[str])
    accepted: int = 0

    # ---- publish

    def publish(self, job: Envelope) -> Answer:
        """What is answered."""
        if job.topic:
            for queue, (priority, expires) in self._bound(job.topic).items():
                copy = {"priority": priority or job.priority, "expires": job.expires if expires is None else expires}
                self.publish(msgspec.structs.replace(job, id=f"{job.id}@{queue}", queue=queue, topic="", **copy))
            return ACCEPTED
        if job.id in self.jobs:
            return ACCEPTED
        if job.unique and (standing := self.standing(job.unique.key)):
            return self._collide(job, job.unique, standing)
        self._accept(job)
        return ACCEPTED

    def standing(self, key: str) -> str:
        """The id that the key stands for; empty: it is free."""
        found = self.keys.get(key)
        return found.id if found and (not found.freed or found.within > self.now) else ""

    def _bound(self, topic: str) -> dict[str, tuple[int | None, float | None]]:
        patterns = {topic, topic.partition(".")[0] + ".*"}
        return {queue: given for (pattern, queue), given in self.bindings.items() if pattern in patterns}

    def _collide(self, job: Envelope, unique: Unique, standing: str) -> Answer:
        life = self.jobs.get(standing)
        if unique.conflict == "keep" or life is None or life.status != "waiting" or not _has(life, unique.key):
            return Answer("duplicate", of=standing)
        life.change(payload=job.payload)
        life.due = self.now + job.delay
        return Answer("replaced", of=standing)

    def _accept(self, job: Envelope) -> None:
        expires = None if job.expires is None else self.now + job.expires
        life = self.jobs[job.id] = Life(job, self.accepted, self.now + job.delay, expires)
        self.accepted += 1
        if job.dead:
            life.status, life.reason = "dead", job.dead
        elif job.unique:
            within = self.now + (job.unique.within or 0)
            self.keys[job.unique.key] = Key(job.id, job.unique.until, within)
        self._admit(job.lane)

    # ---- lanes

    def members(self, lane: Lane) -> list[Life]:
        """The jobs of the lane that have not ended, first accepted first."""
        found = [life for life in self.jobs.values() if life.lane and life.lane.key == lane.key]
        return sorted((life for life in found if life.status not in ENDED), key=lambda life: life.number)

    def _admit(self, lane: Lane | None) -> None:
        """Ordered: free slots go to those accepted first, due then, or at their own time if that is later."""
        if lane is None or not lane.ordered or lane.width is None:
            return
        members = self.members(lane)
        parked = [life for life in members if not life.slot and not life.cancel]
        for life in parked[: max(0, lane.width - sum(each.slot for each in members))]:
            life.slot, life.due = True, max(life.due, self.now)

    def may_be_admitted(self, lane: Lane) -> bool:
        """Not ordered: whether a slot may be free, and the rate allows a claim."""
        return self._within_rate(lane) and sum(life.slot for life in self.members(lane)) < (lane.width or 1)

    def _within_rate(self, lane: Lane) -> bool:
        return self.charged.get(lane.key, 0) - (lane.burst - 1) * lane.every <= self.now

    # ---- claim

    def may_claim(self, life: Life, queues: Sequence[str]) -> bool:
        """Whether a claim of these queues may bring it now."""
        if life.status in ENDED or life.due > self.now or life.job.queue in self.paused or life.job.queue not in queues:
            return False
        lane = life.lane
        if lane is None or life.cancel or (life.slot and not lane.every):
            return True
        return not lane.ordered and (self.may_be_admitted(lane) or (life.slot and self._within_rate(lane)))

    def must_claim(self, life: Life, queues: Sequence[str]) -> bool:
        """Whether it is brought where there is room enough: nothing that the contract leaves free stands in between."""
        rated = life.lane is not None and life.lane.every > 0
        return self.may_claim(life, queues) and (life.lane is None or ((life.slot or life.cancel) and not rated))

    def must_be_admitted(self, life: Life, queues: Sequence[str]) -> bool:
        """Whether its lane, which is not ordered, has room for it for certain. Who is asked to cancel may have got a slot before."""
        lane = life.lane
        if lane is None or not self.may_claim(life, queues):
            return False
        return life.slot or sum(each.slot or each.cancel for each in self.members(lane)) < (lane.width or 1)

    def claim(self, claim: Claim, lease: float) -> None:
        """It was claimed, as it may be."""
        life = self.jobs[claim.job.id]
        if (lane := life.lane) and not life.cancel:
            life.slot = lane.width is not None
            if lane.every:
                self.charged[lane.key] = max(self.charged.get(lane.key, 0), self.now) + lane.every
        if life.status == "held":
            life.crashes += 1
        life.status, life.token, life.due = "held", claim.token, self.now + lease
        self._free_key(life, "claimed")

    def extend(self, claim: Claim, lease: float) -> str:
        """What is answered."""
        if not self.holds(claim):
            return "lost"
        life = self.jobs[claim.job.id]
        life.due = self.now + lease
        return "cancel" if life.cancel else "kept"

    # ---- settle

    def holds(self, claim: Claim) -> bool:
        """Whether this claim is still the job's."""
        life = self.jobs.get(claim.job.id)
        return life is not None and life.status == "held" and life.token == claim.token

    def settle(self, outcome: Outcome) -> str:
        """Why it is not done; empty: it is."""
        if not self.holds(outcome.claim):
            return "stale"
        before = dict(self.facts)
        if not all(self.put(each) for each in outcome.writes):
            self.facts = before
            return "conflict"
        life = self.jobs[outcome.claim.job.id]
        if outcome.trail is not None:
            life.change(trail=outcome.trail)
        if isinstance(outcome, Retried | Released):
            self._again(life, outcome)
        else:
            life.reason = getattr(outcome, "reason", "")
            self._end(life, type(outcome).__name__.lower())
        for job in outcome.publish:
            self.publish(job)
        return ""

    def _again(self, life: Life, outcome: Retried | Released) -> None:
        life.status, life.token = "waiting", ""
        life.due = self.now if life.cancel else self.now + outcome.after
        if isinstance(outcome, Retried):
            life.change(attempt=life.job.attempt + 1)
            life.crashes = 0
        life.slot = life.slot and bool(life.lane and life.lane.ordered)

    def _end(self, life: Life, status: str) -> None:
        life.status, life.token, life.slot = status, "", False
        self._free_key(life, "settled")
        self._admit(life.lane)

    def _free_key(self, life: Life, moment: str) -> None:
        key = self.keys.get(life.job.unique.key) if life.job.unique else None
        order = ("claimed", "settled", "kept")
        if key and key.id == life.job.id and order.index(key.until) <= order.index(moment):
            key.freed = True

    # ---- a person's orders

    def retry(self, life: Life) -> None:
        """A dead one, put back: the next attempt, with a fresh budget."""
        attempt = life.job.attempt
        life.change(attempt=attempt + 1, trail=renewed(life.job.trail, attempt))
        life.status, life.due, life.crashes, life.cancel, life.expires = "waiting", self.now, 0, False, None
        self._admit(life.lane)

    def cancel(self, life: Life) -> None:
        """Asked to end: due at once if nobody holds it."""
        life.cancel = True
        if life.status == "waiting":
            life.due = self.now

    def delete(self, life: Life) -> None:
        del self.jobs[life.job.id]
        self._end(life, "cancelled")
        self._free_key(life, "kept")

    def statuses(self, id: str) -> set[str]:
        """What it may be said to be."""
        life, later = self.jobs[id], self.jobs[id].due > self.now
        if life.status in ENDED:
            return {life.status}
        if life.status == "held":
            put_off = {"scheduled"} if life.lane and life.lane.every else set[str]()  # its lease has run out
            return {"running"} if later else {"running", "ready"} | put_off
        if life.lane is None or life.cancel or (life.lane.ordered and life.slot):
            return {"scheduled"} if later else {"ready"}
        if life.lane.ordered:
            return {"parked"}
        return {"scheduled"} if later else {"ready", "parked", "scheduled"}

    # ---- facts

    def fact(self, key: str) -> Fact | None:
        found = self.facts.get(key)
        return found if found and found.ends > self.now else None

    def put(self, put: Put) -> bool:
        """Whether it takes effect; its version is the engine's to say."""
        found = self.fact(put.key)
        if put.expect is not None and put.expect != (found.version if found else ABSENT):
            return False
        self.facts[put.key] = Fact(put.value, None, self.now + put.ttl if put.ttl is not None else float("inf"))
        return True


def carried(job: Envelope) -> tuple[object, ...]:
    """What a worker and a person get to see of it."""
    return (job.id, job.task, job.payload, job.queue, job.priority, job.attempt, job.trail, dict(job.headers))


def _has(life: Life, key: str) -> bool:
    return life.job.unique is not None and life.job.unique.key == key
