"""An action's own count of its retries: when to ask for another one, and when to stop asking."""

import sys
from typing import NoReturn

from workhorse.core.checks import whole
from workhorse.core.durations import LONGEST, Duration, seconds
from workhorse.core.errors import RetryLater
from workhorse.core.retry import Exponential


class DoublingBackoff:
    """Retries of one action, each after twice the wait of the one before.

    `retries`: how many, 3 unless said. `first`: the wait before the first, in seconds or as a timedelta, half a second
    unless said. It counts for one action, in one direction, and never begins anew: give the rollback one of its own.
    DeclarationError for numbers out of range.
    """

    def __init__(self, retries: int = 3, first: Duration = 0.5) -> None:
        self._retries = whole(retries, "DoublingBackoff: retries")
        self._delay = Exponential(seconds(first, "DoublingBackoff: first"), 2, LONGEST)
        self._asked = 0

    def again(self, error: Exception | None = None) -> NoReturn:
        """Raise RetryLater while retries are left, then `error` (or an Exception), from what is being handled."""
        if self._asked < self._retries:
            self._asked += 1
            raise RetryLater(self._delay(self._asked)) from error or sys.exception()
        raise error or Exception(f"no success after {self._retries} retries")
