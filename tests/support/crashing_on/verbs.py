"""Points of an engine that speaks to a server: what it asks for is done there, whoever asked is dead or not.

A verb has four: `asked` (before anything is said), `statement` (before each request), `sent` (each request is on its way, and nobody waits
for its answer), `committed` (all are answered, and nobody is told).
"""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final, TypeVar

from crashing import always, cross, of_put, of_settle

T = TypeVar("T")

_during: Final[ContextVar[list[str] | None]] = ContextVar("_during", default=None)
"""Whose requests these are, in a list of its own, so that what a verb leaves running knows when it is over."""

BROKER: Final = {
    "publish": always("publish"), "claim": always("claim"), "settle": of_settle, "extend": always("extend"),
}  # fmt: skip
STORE: Final = {"put": of_put}
INSPECTOR: Final = {"cancel": always("cancel"), "retry": always("retry")}
PRUNER: Final = {"prune": always("prune")}


def during() -> str:
    """The verb that is asked for; empty: none."""
    name = _during.get()
    return name[0] if name else ""


@contextmanager
def asked_for(verb: str) -> Generator[None]:
    """Requests are this verb's, and nobody's when it is over."""
    name = [verb]
    before = _during.set(name)
    try:
        yield
    finally:
        name[0] = ""
        _during.reset(before)


def watch(owner: type, verbs: dict[str, Callable[..., str]]) -> None:
    """Put points around these verbs of it, each with what it is called for its first argument."""
    for name, label in verbs.items():
        setattr(owner, name, _watched(getattr(owner, name), label))


def _watched(verb: Callable[..., Any], label: Callable[..., str]) -> Callable[..., Any]:
    @wraps(verb)
    async def watched(self: Any, *args: Any) -> Any:
        name = label(args[0] if args else None)
        cross(f"{name}.asked")
        with asked_for(name):
            found = await verb(self, *args)
        if name and (found or name != "claim"):  # a claim that finds nothing holds nothing
            cross(f"{name}.committed")
        return found

    return watched


class Waiting(Awaitable[T]):
    """Awaits another, and passes a point whenever that one has to wait."""

    def __init__(self, other: Awaitable[T], point: Callable[[], object]) -> None:
        self._other, self._point = other, point

    def __await__(self) -> Generator[Any, Any, T]:
        waiting = self._other.__await__()
        try:
            signal = next(waiting)
            while True:
                self._point()
                try:
                    said = yield signal
                except BaseException as error:
                    signal = waiting.throw(error)
                else:
                    signal = waiting.send(said)
        except StopIteration as over:
            return over.value  # type: ignore[no-any-return]
