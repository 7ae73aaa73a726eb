"""The history as records for the account that is shared with runs of real processes. Each life of an id is a job of its own there."""

import math
from collections.abc import Iterator
from typing import Any

from account import (
    ALWAYS,
    Accepted,
    Asked,
    CancelAcknowledged,
    Claimed,
    Cut,
    Extended,
    Failed,
    Fault,
    Final,
    Finished,
    Record,
    Refused,
    Settled,
    Settling,
    Started,
    Wish,
)
from simulation.history import Happening, History
from simulation.lives import Life, Lives
from simulation.program import Program, Spec
from simulation.tasks import MAX_CRASHES, RETRIES
from workhorse.core import trail as trails

NEXT = 1e-9
"""Seconds between two happenings of one moment: their order is known, and the records must not lose it."""

STATUSES = ("ready", "parked", "succeeded", "dead", "cancelled")


class Records:
    """What the account reads: `all` while it lasted, `rows` at the end."""

    def __init__(self, history: History, program: Program, rows: dict[str, Any]) -> None:
        self._program, self._lives = program, Lives()
        self._names: dict[int, str] = {}
        self._runs: dict[int, str] = {}
        self.all: list[Record] = []
        for place, it in enumerate(history):
            before = self._lives.current.get(it.job)
            self._lives.follow(it)
            self.all += self._of(it, it.at + place * NEXT, before)
        self.rows = [row for life in self._lives.all if (row := self._row(life, rows)) is not None]

    def _of(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        tell = getattr(self, f"_{it.word.replace(' ', '_')}", None)
        if tell is not None:
            yield from tell(it, at, before)

    # ---- jobs

    def _accepted(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        life = self._lives.current[it.job]
        if life is not before:
            yield Asked(at=at, who=it.process, job=self._name(life), wish=_wish(self._spec(it.job)))
        yield Accepted(at=at, who=it.process, job=self._name(life))

    def _refused(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        if before is None:
            yield Asked(at=at, who=it.process, job=it.job, wish=_wish(self._spec(it.job)))
            yield Refused(at=at, who=it.process, job=it.job)

    def _cancelled(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        if before is not None and not before.over:
            yield CancelAcknowledged(at=at, who=it.process, job=self._name(before))
            if not before.held:  # it needs no slot any more, and nobody waits for it
                yield Settling(at=at, who=it.process, job=self._name(before), token="", kind="Cancelled")

    _cancel_acked = _cancelled

    def _deleted(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        """To the account, a cancel that was carried out."""
        if before is not None:
            yield CancelAcknowledged(at=at, who=it.process, job=self._name(before))
            token = before.holdings[-1].token if before.holdings else ""
            yield Settling(at=at, who=it.process, job=self._name(before), token=token, kind="Cancelled")

    # ---- claims

    def _claimed(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        yield Claimed(
            at=at,
            since=at,
            who=it.process,
            job=it.job if before is None else self._name(before),
            token=it.more["token"],
            lease=it.more["lease"],
            attempt=it.more["attempt"],
            crashes=it.more["crashes"],
        )

    def _extended(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        token, lease, answer = it.more["token"], it.more["lease"], it.more["answer"]
        yield Extended(
            at=at, since=at, who=it.process, job=self._held(it), token=token, lease=lease, answer=answer
        )  # fmt: skip

    def _settled(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        token, kind, answer, job = it.more["token"], it.more["kind"], it.more["undone"], self._held(it)
        yield Settling(at=at, who=it.process, job=job, token=token, kind=kind)
        yield Settled(at=at, since=at, who=it.process, job=job, token=token, kind=kind, answer=answer)

    # ---- runs

    def _started(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        run = it.more["run"]
        self._runs[run] = self._run_by(it)
        yield Started(at=at, who=it.process, job=self._runs[run], run=str(run), attempt=it.more["attempt"])

    def _finished(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        yield Finished(at=at, who=it.process, job=self._runs[it.more["run"]], run=str(it.more["run"]))

    def _failed(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        job, error = self._runs[it.more["run"]], it.more["error"]
        yield Failed(at=at, who=it.process, job=job, run=str(it.more["run"]), error=error)

    def _interrupted(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        yield Cut(at=at, who=it.process, job=self._runs[it.more["run"]], run=str(it.more["run"]))

    # ---- faults

    def _killed(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        """For ever: what it had asked for may take effect after its death."""
        yield _fault("poison" if it.more["why"] == "poison" else "kill", it.process, at, math.inf)

    def _frozen(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        yield _fault("freeze", it.process, at, it.more["seconds"])

    def _told(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        yield _fault("term", it.process, at, math.inf)

    def _jump(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        yield _fault("jump", "*", at)

    def _fault(self, it: Happening, at: float, before: Life | None) -> Iterator[Record]:
        """Only what can cost a lease."""
        fault, verb = it.more["fault"], it.more["verb"]
        if fault in ("unavailable", "lost", "stall") and verb in ("claim", "extend"):
            yield _fault(fault, it.process, at, it.more["seconds"])

    # ---- names

    def _name(self, life: Life) -> str:
        if life.number not in self._names:
            again = sum(other.id == life.id for other in self._lives.all[: life.number])
            self._names[life.number] = f"{life.id}#{again + 1}" if again else life.id
        return self._names[life.number]

    def _held(self, it: Happening) -> str:
        """The life that the token is of."""
        return next((self._name(life) for life in self._of_id(it.job) if life.holding(it.more["token"])), it.job)

    def _run_by(self, it: Happening) -> str:
        """The life that its process claimed last."""
        held = (life for life in self._of_id(it.job) if any(one.process == it.process for one in life.holdings))
        return next((self._name(life) for life in held), it.job)

    def _of_id(self, id: str) -> Iterator[Life]:
        return (life for life in reversed(self._lives.all) if life.id == id)

    def _spec(self, id: str) -> Spec:
        return self._program.specs.get(id) or Spec(id)

    def _row(self, life: Life, rows: dict[str, Any]) -> Final | None:
        name = self._name(life)
        if life.deleted is not None:
            return Final(job=name, status="cancelled")
        if life is not self._lives.current[life.id] or life.id not in rows:
            return None
        state, _, attempt, crashes, reason, trail = rows[life.id]
        errors = tuple(record.message for record in trails.load(trail or b"").history)
        return Final(
            job=name, status=STATUSES[state], attempt=attempt, crashes=crashes, reason=reason or "", errors=errors
        )  # fmt: skip


def _wish(spec: Spec) -> Wish:
    return Wish(
        kind=spec.kind,
        fails=ALWAYS if spec.kind == "hopeless" else spec.fails,
        retries=RETRIES,
        max_crashes=MAX_CRASHES,
        poison=spec.kind == "poison",
        delay=spec.delay,
        lane=spec.lane,
        width=spec.width,
        ordered=spec.ordered,
        unique=spec.unique,
    )


def _fault(kind: str, victim: str, at: float, seconds: float = 0.0) -> Fault:
    return Fault(at=at, who="nemesis", kind=kind, victim=victim, begins=at, ends=at + seconds)
