"""The bus: what happens is said once, here; logs, traces, metrics and hooks listen."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

E = TypeVar("E")

log = logging.getLogger("workhorse")


class Bus:
    """Carries happenings (values of any class) to who listens for their class, in the thread where they happen.

    A listener that raises is logged and never hurts the work; it must be quick, and it must not block.
    """

    def __init__(self) -> None:
        self._listeners: dict[type[Any], tuple[Callable[[Any], object], ...]] = {}

    def listen(self, kind: type[E], listener: Callable[[E], object]) -> Callable[[], None]:
        """From now on call `listener` with each happening of exactly this class; what is returned ends that."""
        self._listeners[kind] = (*self._listeners.get(kind, ()), listener)

        def end() -> None:
            left = tuple(each for each in self._listeners.get(kind, ()) if each is not listener)
            if left:
                self._listeners[kind] = left
            else:
                self._listeners.pop(kind, None)

        return end

    def wants(self, kind: type[Any]) -> bool:
        """Whether anyone listens: the hot path asks before it builds a happening."""
        return kind in self._listeners

    def say(self, happening: object) -> None:
        """Tell all who listen for this class."""
        for listener in self._listeners.get(type(happening), ()):
            try:
                listener(happening)
            except Exception:
                log.exception("a listener of %s failed", type(happening).__name__)
