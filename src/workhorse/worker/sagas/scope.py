"""Places in a saga's code: each call has a number, and in a gather each branch numbers its own, so that who is faster never
changes what another is called."""

from contextvars import ContextVar


class Scope:
    """One line of control. `prefix` names it: "" for the saga's own, "3.1." for the second branch of its third call."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self._calls = self._looks = 0

    def next(self) -> str:
        """The place of the next call."""
        self._calls += 1
        return f"{self.prefix}{self._calls}"

    def look(self) -> str:
        """The place of the next look at the world beside: they do not shift the calls."""
        self._looks += 1
        return f"{self.prefix}look{self._looks}"


current: "ContextVar[Scope]" = ContextVar("workhorse-saga-scope")
"""That of the code that runs."""
