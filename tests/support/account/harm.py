"""What was done to whom: which faults explain that a claim was not settled, or that a job ran once more."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from account.records import Claimed, Claiming, ClaimOver, Fault, Record
from account.story import Story

EVERYBODY = "*"


class Harm:
    """All faults of a run, and the claims that nobody heard the answer of."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._faults: dict[str, list[Fault]] = {}
        unheard: dict[tuple[str, float], float] = {}
        for record in records:
            match record:
                case Fault():
                    self._faults.setdefault(record.victim, []).append(record)
                case Claiming():
                    unheard[record.who, record.at] = math.inf
                case ClaimOver(failed=True):
                    unheard[record.who, record.since] = record.at
                case ClaimOver():
                    unheard.pop((record.who, record.since), None)
                case _:
                    pass
        self._unheard = [(who, at, min(over, self._gone(who))) for (who, at), over in unheard.items()]
        self._begun = sorted(begun for _, begun, _ in self._unheard)
        self._over = sorted(over for _, _, over in self._unheard)

    def to(self, claim: Claimed, until: float = math.inf) -> list[Fault]:
        """Faults of the holder, or of all, between the claim and a moment."""
        return [
            fault
            for victim in (claim.who, EVERYBODY)
            for fault in self._faults.get(victim, ())
            if fault.begins <= until and fault.ends >= claim.since
        ]

    def jumped(self, since: float, until: float) -> bool:
        """Whether the engine's clock did, meanwhile."""
        return any(
            fault.kind == "jump" and fault.begins <= until and fault.ends >= since
            for fault in self._faults.get(EVERYBODY, ())
        )

    def death(self, who: str, since: float) -> float:
        """When this process was killed, if it was after `since`."""
        return min((it.begins for it in self._deaths(who) if it.ends >= since), default=math.inf)

    def unheard(self, since: float, until: float) -> int:
        """Claims that were under way in this time, whenever they began, and whose answer nobody heard."""
        return bisect_right(self._begun, until) - bisect_left(self._over, since)

    def unheard_claims(self, since: float, until: float) -> list[tuple[str, float, float]]:
        """The same, one by one: whose, from when, and until when at most."""
        return [it for it in self._unheard if it[1] <= until and it[2] >= since]

    def during(self, since: float, until: float) -> list[Fault]:
        """Of anybody."""
        faults = [fault for faults in self._faults.values() for fault in faults]
        return [fault for fault in faults if fault.begins <= until and fault.ends >= since]

    def explains(self, story: Story, claim: Claimed, until: float) -> str:
        """The kind of a fault for which a job was claimed or run again after this claim; empty: nothing explains it."""
        kinds = [fault.kind for fault in self.to(claim, until)]
        handed_back = any(it.token == claim.token and it.kind == "Released" for it in story.settling)
        return next((kind for kind in kinds if kind != "term" or handed_back), "")

    def _gone(self, who: str) -> float:
        """From when on this process does nothing more."""
        return max((it.ends for it in self._deaths(who)), default=math.inf)

    def _deaths(self, who: str) -> list[Fault]:
        return [it for it in self._faults.get(who, ()) if it.kind in ("kill", "poison")]
