"""An action: something done that can be undone. Who runs it, in which order and how often, is not decided here."""

from typing import Protocol, cast

from workhorse.core.coroutines import makes_coroutines
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


def checked(action: object, what: str) -> Action:
    """The action itself. DeclarationError, naming `what`, for an object that lacks one of its methods, and for a class."""
    missing = [name for name in ("execute", "rollback") if not callable(getattr(action, name, None))]
    if missing:
        lacks = " and ".join(missing)
        raise DeclarationError(f"{what}: expected an object with execute and rollback, got {action!r} without {lacks}")
    if isinstance(action, type):
        raise DeclarationError(f"{what}: expected an object, got the class {action.__name__}; make one of it")
    return cast(Action, action)


def is_asynchronous(action: Action) -> bool:
    """Whether one of its methods, at least, is a coroutine function."""
    return makes_coroutines(action.execute) or makes_coroutines(action.rollback)
