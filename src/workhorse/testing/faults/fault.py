"""What can go wrong with one call of a verb."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from workhorse.core.errors import BrokerUnavailable

Verb: TypeAlias = Literal[
    "open",
    "publish", "bind", "claim", "settle", "extend", "wait",
    "get", "put", "delete", "scan", "now",
    "count", "list", "show", "retry", "cancel", "pause", "resume",
]  # fmt: skip
"""Of an engine, its broker, store and inspector; `wait` and `delete` are two verbs of one name each."""


@dataclass(frozen=True)
class Call:
    """One call of a verb; `do` carries it out, as often as it is called."""

    verb: Verb
    arguments: tuple[Any, ...]
    do: Callable[[], Awaitable[Any]]


class Fault(Protocol):
    """What goes wrong; it can be hashed, as a frozen dataclass can."""

    async def meet(self, call: Call, /) -> Any:
        """The answer that the caller gets, or the error."""
        ...


@dataclass(frozen=True)
class Away(Fault):
    """It fails before it took effect: with this error, by default BrokerUnavailable."""

    error: Exception | None = None

    async def meet(self, call: Call, /) -> Any:
        raise self.error or BrokerUnavailable(f"{call.verb}: the engine is away")


@dataclass(frozen=True)
class Lost(Fault):
    """It takes effect, and its answer is lost: BrokerUnavailable."""

    async def meet(self, call: Call, /) -> Any:
        await call.do()
        raise BrokerUnavailable(f"{call.verb}: the answer is lost")


@dataclass(frozen=True)
class Stalled(Fault):
    """It takes effect only when `until()` is over: `gate.wait`, or `lambda: clock.sleep(31)`."""

    until: Callable[[], Awaitable[object]]

    async def meet(self, call: Call, /) -> Any:
        await self.until()
        return await call.do()


@dataclass(frozen=True)
class Late(Fault):
    """It takes effect at once, and its answer comes when `until()` is over."""

    until: Callable[[], Awaitable[object]]

    async def meet(self, call: Call, /) -> Any:
        answer = await call.do()
        await self.until()
        return answer


@dataclass(frozen=True)
class Repeated(Fault):
    """It is done twice, as when a connection sends again; the second answer is the one that comes."""

    async def meet(self, call: Call, /) -> Any:
        await call.do()
        return await call.do()
