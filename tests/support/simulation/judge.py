"""The account of one run: every line of it must be empty. Most lines look at one happening, and at all lives as they were before it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from simulation.history import Happening, History
from simulation.lives import Holding, Life, Lives
from simulation.program import Program, Spec
from simulation.sequels import Sequels
from simulation.tasks import MAX_CRASHES, RETRIES

STATES = ("live", "parked", "Succeeded", "Dead", "Cancelled")

TICK = 0.00001
"""Times are rounded to microseconds more than once."""

Rows = Mapping[str, tuple[Any, ...]]


def judge(history: History, program: Program, rows: Rows, results: Mapping[str, bytes]) -> list[str]:
    """What is wrong, a line each: `line: job ...`."""
    court = _Court(history, program)
    for happening in history:
        court.hear(happening)
    court.close(rows, results)
    return court.wrong


class _Court:
    def __init__(self, history: History, program: Program) -> None:
        self._history, self._program = history, program
        self._lives = Lives()
        self._acked: set[str] = set()
        self._faults: list[Happening] = []
        self.wrong: list[str] = []
        self._sequels = Sequels(program)

    def hear(self, it: Happening) -> None:
        """The lines that one happening can break."""
        lines = {"accepted": self._on_accepted, "claimed": self._on_claimed, "settled": self._on_settled}
        for line in lines.get(it.word, _nothing)(it):
            self._say(line, it.job, f"at {it.at:g} by {it.process}")
        self._lives.follow(it)
        if it.word in ("killed", "frozen", "jump", "fault"):
            self._faults.append(it)
        if it.word == "started":
            self._on_started(it)
        elif it.word == "got":
            self._sequels.hear(it)
        elif it.word == "acked":
            self._acked.add(it.job)
        elif it.word == "error":
            self._say("error", it.process, str(it.more))

    def close(self, rows: Rows, results: Mapping[str, bytes]) -> None:
        """The lines that only the end can tell."""
        for id in sorted(self._acked - self._lives.current.keys()):
            self._say("lost", id, "acknowledged, and never seen again")
        for life in self._lives.current.values():
            for line in self._on_end(life, rows.get(life.id), results):
                self._say(line, life.id, "at the end")
        for line, job in self._sequels.wrong(self._lives):
            self._say(line, job, "at the end")

    def _say(self, line: str, job: str, more: str) -> None:
        self.wrong.append(f"{line}: {job} {more}")

    # ---- publish

    def _on_accepted(self, it: Happening) -> Iterator[str]:
        spec = self._spec(it.job)
        known = self._lives.current.get(it.job)
        if spec.unique and (known is None or known.over):
            others = [life for life in self._lives.living() if self._spec(life.id).unique == spec.unique]
            if others:
                yield "two live of one unique key"

    # ---- claim

    def _on_claimed(self, it: Happening) -> Iterator[str]:
        life = self._lives.current.get(it.job)
        if life is None or life.over:
            yield "claimed after its end" if life else "unexpected"
            return
        yield from self._on_lease(it, life)
        yield from self._on_lane(it, life)
        if it.more["attempt"] != 1 + life.failures:
            yield "attempts charged wrongly"
        if it.more["crashes"] != len(_unsettled(life)):
            yield "crashes over the deaths of its holders"
        if life.cancel is not None and not it.more["cancel"]:
            yield "cancelled before start, yet claimed to run"
        if it.wall < life.due - TICK and life.cancel is None and not life.held:
            yield "delayed run early"

    def _on_lease(self, it: Happening, life: Life) -> Iterator[str]:
        last = life.holdings[-1] if life.holdings else None
        if last is None or last.settled is not None:
            return
        if it.wall < last.until:
            yield "two claims alive inside a valid lease"
        if not self._explained(last, it.at):
            yield "duplicate not explained by a fault of its holder"

    def _on_lane(self, it: Happening, life: Life) -> Iterator[str]:
        spec = self._spec(life.id)
        if not spec.lane or it.more["cancel"]:
            return
        mates = [
            other for other in self._lives.living() if other is not life and self._spec(other.id).lane == spec.lane
        ]
        if spec.ordered and any(other.number < life.number and other.cancel is None for other in mates):
            yield "lane order broken"
        if sum(_has_slot(other) for other in mates) >= spec.width:
            yield "lane width exceeded"

    def _explained(self, holding: Holding, until: float) -> bool:
        """Whether something was done to its holder, between its claim and now, that may cost a lease."""
        failed = 0
        for it in self._harm(holding, until):
            if it.word in ("killed", "frozen", "jump"):
                return True
            verb, fault = it.more["verb"], it.more["fault"]
            if verb == "claim" or (verb == "extend" and fault == "stall"):
                return True
            failed += verb == "extend"
        return failed > 1  # a lease outlives one that fails

    def _harm(self, holding: Holding, until: float) -> list[Happening]:
        """What was done to its holder, or to the clock of all, and lasted into this time."""
        return [
            it
            for it in self._faults
            if it.process in (holding.process, "operator")
            and it.at <= until
            and it.at + it.more.get("seconds", 0) >= holding.claimed.at
        ]

    # ---- run and settle

    def _on_started(self, it: Happening) -> None:
        life = next((life for life in reversed(self._lives.all) if life.id == it.job), None)
        if life is None:
            refused = any(one.word == "refused" and one.job == it.job for one in self._history)
            self._say("ran after a refusal" if refused else "unexpected", it.job, f"at {it.at:g}")
            return
        holding = next((one for one in reversed(life.holdings) if any(run is it for run in one.runs)), None)
        if holding is not None and holding.claimed.more["cancel"]:
            self._say("cancelled before start, yet run", it.job, f"at {it.at:g} by {it.process}")

    def _on_settled(self, it: Happening) -> Iterator[str]:
        if it.more["undone"]:
            return
        life = self._lives.current.get(it.job)
        holding = life.holding(it.more["token"]) if life else None
        if life is None or holding is None or holding is not life.holdings[-1] or life.deleted is not None:
            yield "stale finish"
            return
        if holding.settled is not None or life.ended is not None:
            yield "ended twice"
        if it.more["kind"] == "Succeeded" and not holding.finished:
            yield "succeeded without a finished run"
        if it.more["kind"] == "Dead":
            yield from self._on_dead(it, life)

    def _on_dead(self, it: Happening, life: Life) -> Iterator[str]:
        spec, crashed = self._spec(life.id), it.more["reason"].startswith("crashed")
        if crashed and spec.kind != "poison" and not any(self._by_nemesis(one, it.at) for one in _unsettled(life)):
            yield "bystander dead"
        if crashed and len(_unsettled(life)[:-1]) < MAX_CRASHES:
            yield "dead before its crashes were used up"
        if not crashed and not (spec.kind == "hopeless" and life.failures == RETRIES):
            yield "dead without a reason"

    def _by_nemesis(self, holding: Holding, until: float) -> bool:
        return any(it.more.get("why") != "poison" for it in self._harm(holding, until))

    # ---- the end

    def _on_end(self, life: Life, row: tuple[Any, ...] | None, results: Mapping[str, bytes]) -> Iterator[str]:
        if life.deleted is not None:
            if row is not None:
                yield "deleted, yet there"
            return
        if row is None:
            yield "lost"
            return
        if row[0] < 2:
            yield "not ended after the drain"
            return
        state, ended = STATES[row[0]], life.ended
        if ended is None or ended.more["kind"] != state:
            yield "ended otherwise than settled"
        elif state == "Succeeded" and not _is_result(ended, life, results.get(life.id)):
            yield "its result is not of the run that was settled"
        if self._spec(life.id).kind in ("hopeless", "poison") and state == "Succeeded":
            yield "succeeded, and cannot have"

    def _spec(self, id: str) -> Spec:
        return self._program.specs.get(id) or Spec(id)


def _nothing(it: Happening) -> Iterator[str]:
    return iter(())


def _unsettled(life: Life) -> list[Holding]:
    """Claims of this attempt that nobody settled."""
    found: list[Holding] = []
    for holding in life.holdings:
        if holding.settled is None:
            found.append(holding)
        elif holding.settled.more["kind"] == "Retried":
            found.clear()
    return found


def _has_slot(life: Life) -> bool:
    """A slot is the job's from its claim until a settle, whatever becomes of its holder; one asked to cancel needs none."""
    slot = False
    for holding in life.holdings:
        slot = (slot or not holding.claimed.more["cancel"]) and holding.settled is None
    return slot


def _is_result(ended: Happening, life: Life, result: bytes | None) -> bool:
    holding = life.holding(ended.more["token"])
    if result is None or holding is None:
        return False
    return msgspec.json.decode(result).get("value") in holding.finished
