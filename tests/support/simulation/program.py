"""What a run is about: jobs of all kinds, and what a producer does about them, and when."""

import dataclasses
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import msgspec

from simulation.tasks import LEASE, RETRIES, app, collect, flaky, follow, mourn, poison, together, work
from workhorse.core.contract import Envelope, Lane, Unique
from workhorse.core.document import Gathering, Member
from workhorse.core.envelope import encode_job, follow_up
from workhorse.core.follow_up import RESULT
from workhorse.core.job import Job
from workhorse.durable.groups import Head

Word = Literal["publish", "group", "cancel", "delete", "again", "stop"]


@dataclass(frozen=True, slots=True)
class Spec:
    """One job. `kind` is its task, in words: work, flaky, hopeless, poison, together. `followed`: by another, whether it succeeds
    or dies. `group`: the id of the one that it is in, as `place` of `of`."""

    id: str
    kind: str = "work"
    takes: float = 0.01
    fails: int = 0
    delay: float = 0.0
    lane: str = ""
    width: int = 1
    ordered: bool = False
    unique: str = ""
    priority: int = 2
    followed: bool = False
    group: str = ""
    place: int = 0
    of: int = 0

    def envelope(self) -> Envelope:
        """As the app sends it, with what the app cannot say yet."""
        job = self._job()
        lane = Lane(f"sim/{self.lane}", self.width, self.ordered) if self.lane else None
        unique = Unique(self.unique) if self.unique else None
        if self.group:
            job = dataclasses.replace(job, options={**job.options, "member": Member(self.group, self.place, self.of)})
        plain = encode_job(job, app.registry.get(job.task), find=app.registry.get)
        return msgspec.structs.replace(
            plain, id=self.id, delay=self.delay, lane=lane, unique=unique, priority=self.priority
        )

    def _job(self) -> Job[int]:
        if self.kind == "together":
            return together.job(self.id)
        if self.kind in ("flaky", "hopeless"):
            task = flaky.then(follow).options(on_dead=mourn) if self.followed else flaky
            return task.job(self.takes, self.fails)
        plain = {"work": work, "poison": poison}[self.kind]
        return (plain.then(follow) if self.followed else plain).job(self.takes)


def head_of(spec: Spec) -> Head:
    """Of the group that it is in."""
    doc = follow_up(collect.job(RESULT))
    gathers = msgspec.structs.replace(doc.overrides, gathers=Gathering(spec.of, ends=True))
    return Head(spec.of, msgspec.structs.replace(doc, id=spec.group, overrides=gathers))


@dataclass(frozen=True, slots=True)
class Step:
    """After `wait` seconds: publish these (also as a group), cancel, delete or publish one again; or tell a worker to stop."""

    wait: float
    word: Word
    jobs: tuple[Spec, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """`jumps`: when the wall clock is set, and by how much."""

    name: str
    steps: Sequence[Step]
    workers: int = 2
    slots: int = 3
    jumps: Sequence[tuple[float, float]] = ()
    specs: dict[str, Spec] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.specs.update({spec.id: spec for step in self.steps for spec in step.jobs})


LONG: Final = 2.2 * LEASE


def whole() -> Program:
    """All kinds, in some twenty jobs."""
    long = Spec("long", takes=LONG)
    jobs = (
        Spec("plain"),
        Spec("flaky", "flaky", fails=1),
        Spec("hopeless", "hopeless", fails=99),
        Spec("parent", followed=True),
        Spec("mourned", "hopeless", fails=99, followed=True),
    )
    ordered = tuple(Spec(f"ordered{n}", lane="ordered", ordered=True, takes=0.3) for n in range(3))
    wide = tuple(Spec(f"wide{n}", lane="wide", width=2, takes=0.4) for n in range(3))
    later, unwanted = Spec("later", delay=1.0), Spec("unwanted", delay=2.0)
    return Program(
        "whole",
        (
            Step(0.0, "publish", jobs),
            Step(0.1, "publish", ordered),
            Step(0.0, "publish", wide),
            Step(0.0, "publish", (long,)),
            Step(0.1, "publish", (Spec("unique1", unique="key", takes=0.5),)),
            Step(0.1, "publish", (Spec("unique2", unique="key"),)),
            Step(0.0, "publish", (later, unwanted)),
            Step(0.3, "cancel", (unwanted,)),
            Step(0.2, "delete", (long,)),
            Step(0.2, "again", (long,)),
            Step(0.5, "publish", (Spec("poison", "poison"),)),
            Step(1.0, "stop"),
        ),
    )


def tiny() -> Program:
    """A few jobs, for a sweep that takes seconds."""
    long = Spec("long", takes=1.5 * LEASE)
    jobs = (Spec("flaky", "flaky", fails=1), Spec("parent", followed=True), long)
    ordered = tuple(Spec(f"ordered{n}", lane="ordered", ordered=True, takes=0.2) for n in range(2))
    unwanted = Spec("unwanted", delay=1.0)
    return Program(
        "tiny",
        (
            Step(0.0, "publish", (*jobs, unwanted)),
            Step(0.0, "publish", ordered),
            Step(0.2, "cancel", (unwanted,)),
            Step(0.2, "delete", (long,)),
            Step(0.1, "again", (long,)),
            Step(0.3, "stop"),
        ),
    )


def grouped() -> Program:
    """A group, of which one fails for good and one takes longer than a lease; and a batch."""
    of = 4
    members = (
        Spec("member0", takes=0.1, group="group", place=0, of=of),
        Spec("member1", "flaky", fails=1, followed=True, group="group", place=1, of=of),
        Spec("member2", "hopeless", fails=99, followed=True, group="group", place=2, of=of),
        Spec("member3", takes=1.3 * LEASE, group="group", place=3, of=of),
    )
    batch = tuple(Spec(f"item{n}", "together") for n in range(4))
    return Program("grouped", (Step(0.0, "group", members), Step(0.1, "publish", batch), Step(0.3, "stop")))


FIXED: Final[Mapping[str, Callable[[], Program]]] = {"tiny": tiny, "whole": whole, "grouped": grouped}


def by_chance(chance: random.Random) -> Program:
    """Some twenty jobs, and what is done about them."""
    names = (f"job{n}" for n in range(1, 100))
    steps = [Step(chance.uniform(0, 0.4), "publish", _some(chance, names)) for _ in range(8)]
    steps += [Step(chance.uniform(0, 0.4), "group", _group(chance, f"group{n}")) for n in range(2)]
    steps += _meddling(chance, [spec for step in steps for spec in step.jobs])
    steps.insert(chance.randrange(8), Step(0.1, "publish", (Spec("poison", "poison", takes=0.2),)))
    for _ in range(chance.randrange(3)):
        steps.insert(chance.randrange(len(steps)), Step(chance.uniform(0, 1), "stop"))
    return Program("", steps, workers=chance.choice((2, 2, 3)), slots=chance.choice((2, 3, 8)), jumps=_jumps(chance))


def _meddling(chance: random.Random, known: Sequence[Spec]) -> list[Step]:
    """Some are cancelled; two that take long, and may be held, are deleted and published again."""
    steps = [Step(chance.uniform(0, 1), "cancel", (chance.choice(known),)) for _ in range(3)]
    alone = [spec for spec in known if not spec.followed]  # what follows a job is its first life's
    longs = [spec for spec in alone if spec.takes > 1 and not spec.lane] or alone
    for spec in chance.sample(longs, min(2, len(longs))):
        steps += [Step(chance.uniform(0, 1), "delete", (spec,)), Step(chance.uniform(0, 0.3), "again", (spec,))]
    return steps


def _some(chance: random.Random, names: Iterator[str]) -> tuple[Spec, ...]:
    return tuple(_one(chance, next(names)) for _ in range(chance.randint(1, 4)))


def _group(chance: random.Random, id: str) -> tuple[Spec, ...]:
    of = chance.randint(1, 5)
    kinds = [chance.choice(("work", "flaky", "hopeless")) for _ in range(of)]
    fails = {"work": 0, "flaky": 1, "hopeless": RETRIES + 1}
    takes = (0.0, 0.01, 0.2, LEASE * 1.5)
    return tuple(
        Spec(f"{id}.{n}", kind, chance.choice(takes), fails[kind], followed=True, group=id, place=n, of=of)
        for n, kind in enumerate(kinds)
    )


def _one(chance: random.Random, id: str) -> Spec:
    quick = Spec(id, takes=chance.choice((0.0, 0.01, 0.2)), priority=chance.choice((1, 2, 2, 3)))
    kind = chance.randrange(12)
    if kind == 0:
        return replace(quick, kind="flaky", fails=1)
    if kind == 1:
        return replace(quick, kind="hopeless", fails=RETRIES + 1)
    if kind == 2:
        return replace(quick, delay=chance.uniform(0.1, 4))
    if kind in (3, 4):
        return replace(quick, lane=f"ordered{chance.randrange(2)}", ordered=True, priority=2)
    if kind in (5, 6):
        return replace(quick, lane="wide", width=2)
    if kind == 7:
        return replace(quick, unique=f"key{chance.randrange(2)}")
    if kind == 8:
        return replace(quick, kind="together") if chance.random() < 0.5 else replace(quick, followed=True)
    if kind in (9, 10):
        return replace(quick, takes=LEASE * chance.uniform(1.1, 2.5))
    return quick


def _jumps(chance: random.Random) -> tuple[tuple[float, float], ...]:
    """Half of the runs see the clock set by an hour, and set right again."""
    if chance.random() < 0.5:
        return ()
    by, at = chance.choice((3600.0, -3600.0)), chance.uniform(0.5, 6)
    return (at, by), (at + chance.uniform(0.5, 4), -by)
