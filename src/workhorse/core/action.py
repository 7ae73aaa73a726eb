"""An action: something done that can be undone. Who runs it, in which order and how often, is not decided here."""

import inspect
from typing import Protocol

from workhorse.core.errors import DeclarationError


class Action(Protocol):
    """Something done that can be undone; both methods may be `async`.

    Inheriting is optional: any object with these two methods will do. One object serves both directions, so `execute`
    may keep on `self` what `rollback` needs. Either may raise RetryLater to be called again; here both do nothing.
    """

    def execute(self) -> object:
        """Do it. What it returns is not looked at."""
        return None

    def rollback(self) -> object:
        """Take it back. It is called also when `execute` raised, so it takes back what there is."""
        return None


def checked(action: object, what: str) -> None:
    """DeclarationError, naming `what`, for an object that lacks one of the two methods, and for a class."""
    missing = [name for name in ("execute", "rollback") if not callable(getattr(action, name, None))]
    if missing:
        lacks = " and ".join(missing)
        raise DeclarationError(f"{what}: expected an object with execute and rollback, got {action!r} without {lacks}")
    if inspect.isclass(action):
        raise DeclarationError(
            f"{what}: expected an object, got the class {action!r}; make one: {action.__name__}(...)"
        )


def is_asynchronous(method: object) -> bool:
    """Whether calling this gives something to await, as far as can be seen before it is called."""
    call = getattr(method, "__call__", None)  # noqa: B004 - an object with an async __call__ is one, too
    return inspect.iscoroutinefunction(method) or inspect.iscoroutinefunction(call)
