"""An engine whose inside is rough: calls and answers are lost, late, repeated, and a caller who knows the contract gets through.

    class TestMyEngineRoughly(Conformance):
        @pytest.fixture(autouse=True)
        def nemesis(self, request: pytest.FixtureRequest) -> None:
            self.rough = Rough(Random(request.node.name))

        def engine(self, name: str) -> Engine:
            return FaultyEngine(MyEngine(name), self.rough)

The suite sees an engine that keeps every promise, if it does. What no caller can tell from outside is not lost here: the answers
of claims, of puts and deletes that expect something, of counts; the chapters on lost answers speak of those.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from workhorse.core.contract import Outcome
from workhorse.core.errors import BrokerUnavailable
from workhorse.testing.faults import Away, Call, Fault, Late, Lost, Repeated, Seeded, Stalled
from workhorse.testing.faults.fault import Verb

_TRIES: Final = 100
"""An engine that is away for so long is not made so by chance."""


async def _turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Resent(Fault):
    """A settle whose answer was lost and which was sent again: the second time may call stale what is done, and nothing else."""

    async def meet(self, call: Call, /) -> Any:
        first: Sequence[tuple[Outcome, str]] = await call.do()
        for outcome, why in await call.do():
            said = [reason for other, reason in first if other == outcome]
            assert why in (said or ["stale"]), f"expected {said or 'stale'} of an outcome settled again, got {why!r}"
        return first


_AWAY: Final[dict[Fault, float]] = {Away(): 0.3}
_MOVED: Final[dict[Fault, float]] = {Away(): 0.2, Stalled(_turns): 0.1, Late(_turns): 0.1}
_AGAIN: Final[dict[Fault, float]] = {**_MOVED, Lost(): 0.15, Repeated(): 0.15}

RATES: Final[dict[Verb, dict[Fault, float]]] = {
    **dict.fromkeys(("open", "wait"), _AWAY),
    **dict.fromkeys(
        ("publish", "bind", "extend", "get", "scan", "now", "count", "list", "show", "pause", "resume"), _AGAIN
    ),
    "settle": {**_MOVED, Resent(): 0.3},
    **dict.fromkeys(("claim", "put", "delete", "retry", "cancel"), _MOVED),
}
"""How often a call of a verb meets which fault: about half of all calls meet one."""


class Rough(Seeded):
    """Faults of every kind by chance, and a caller who calls again as long as the engine seems to be away."""

    def __init__(self, random: Random) -> None:
        super().__init__(random, RATES)

    async def meet(self, call: Call) -> Any:
        """The answer that comes in the end."""
        for _ in range(_TRIES):
            try:
                return await super().meet(call)
            except BrokerUnavailable:
                await asyncio.sleep(0)
        return await call.do()
