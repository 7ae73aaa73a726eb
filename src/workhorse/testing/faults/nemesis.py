"""When something goes wrong: as a test writes it down, or as a seed has it; and the list of what went wrong."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, get_args

from workhorse.core.errors import BrokerUnavailable
from workhorse.testing.faults.fault import Away, Call, Fault, Lost, Verb


@dataclass(frozen=True)
class Happened:
    """A fault that a call of this verb met."""

    verb: Verb
    fault: Fault


class Nemesis:
    """Stands between callers and engines, as many as it is given to; here it lets everything pass.

    A subclass chooses; `calls` and `happened` are in the order in which calls began.
    """

    def __init__(self) -> None:
        self.calls: list[Verb] = []
        self.happened: list[Happened] = []

    def choose(self, call: Call) -> Fault | None:
        """What this call meets; None: nothing goes wrong."""

    async def meet(self, call: Call) -> Any:
        """The call's answer, or what became of it."""
        self.calls.append(call.verb)
        fault = self.choose(call)
        if fault is None:
            return await call.do()
        self.happened.append(Happened(call.verb, fault))
        return await fault.meet(call)


class Script(Nemesis):
    """What a test says: the next calls of a verb, all of them, or everything."""

    def __init__(self) -> None:
        super().__init__()
        self._next: defaultdict[Verb, deque[Fault | None]] = defaultdict(deque)
        self._always: dict[Verb, Fault] = {}
        self._cut = False

    def next(self, verb: Verb, *faults: Fault | None) -> None:
        """The next calls of this verb meet these, one each; None: nothing."""
        self._next[_known(verb)].extend(faults)

    def always(self, fault: Fault, *verbs: Verb) -> None:
        """From now on all calls of these verbs (without any: of all verbs) meet this, but those that `next` speaks of."""
        self._always |= dict.fromkeys([_known(verb) for verb in verbs] or get_args(Verb), fault)

    def cut(self) -> None:
        """From now on nobody is reached, and what is under way loses its answer."""
        self._cut = True

    def heal(self) -> None:
        """From now on nothing goes wrong."""
        self._cut = False
        self._next.clear()
        self._always.clear()

    def choose(self, call: Call) -> Fault | None:
        if self._cut:
            return Away()
        following = self._next[call.verb]
        return following.popleft() if following else self._always.get(call.verb)

    async def meet(self, call: Call) -> Any:
        answer = await super().meet(call)
        if self._cut:  # meanwhile
            self.happened.append(Happened(call.verb, Lost()))
            raise BrokerUnavailable(f"{call.verb}: the answer is lost")
        return answer


class Seeded(Nemesis):
    """By chance: for each verb how often a call meets which fault, as a share of 1.

    Seeded(Random(7), {"publish": {Away(): 0.1, Lost(): 0.1}, "settle": {Lost(): 0.2}})
    """

    def __init__(self, random: Random, rates: Mapping[Verb, Mapping[Fault, float]]) -> None:
        super().__init__()
        self._random = random
        self._rates = {_known(verb): dict(faults) for verb, faults in rates.items()}
        for verb, faults in self._rates.items():
            if min(faults.values(), default=0) < 0 or sum(faults.values()) > 1 + 1e-9:
                raise ValueError(f"{verb}: expected rates of 0 or more that add up to at most 1, got {faults}")

    def heal(self) -> None:
        """From now on nothing goes wrong."""
        self._rates.clear()

    def choose(self, call: Call) -> Fault | None:
        rest = self._random.random()
        for fault, rate in self._rates.get(call.verb, {}).items():
            rest -= rate
            if rest < 0:
                return fault
        return None


def _known(verb: Verb) -> Verb:
    if verb not in get_args(Verb):
        raise ValueError(f"expected a verb of the contract, got {verb!r}: one of {', '.join(get_args(Verb))}")
    return verb
