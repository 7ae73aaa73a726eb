"""How often to try again, after what wait, for which errors; and trying, here and now, without any broker."""

import asyncio
import inspect
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from typing import Any, Generic, ParamSpec, TypeVar, final

from workhorse.core.checks import MANY, exceptions, factor, in_seconds, into_seconds, share, whole
from workhorse.core.coroutines import closed, makes_coroutines
from workhorse.core.durations import Duration, seconds
from workhorse.core.effort import Attempt, Effort, Failure, Success
from workhorse.core.errors import DeclarationError, GiveUp, RetryLater, Skip

P = ParamSpec("P")
R = TypeVar("R")


@final
@dataclass(frozen=True)
class Fixed:
    """The same wait before every retry: 1 s, unless said. DeclarationError for no duration, or a negative one."""

    seconds: Duration = 1

    def __post_init__(self) -> None:
        into_seconds(self, "seconds")

    def __call__(self, retry: int, /) -> float:
        """The wait before the retry of this number, in seconds."""
        return in_seconds(self.seconds)


@final
@dataclass(frozen=True)
class Linear:
    """Waits that grow by a step: first, first + step, ..., never over `max`. Defaults: 1 s, 1 s, 1 hour.

    DeclarationError for what is no duration, or negative.
    """

    first: Duration = 1
    step: Duration = 1
    max: Duration = 3600

    def __post_init__(self) -> None:
        into_seconds(self, "first", "step", "max")

    def __call__(self, retry: int, /) -> float:
        """The wait before the retry of this number (from 1), in seconds."""
        grown = in_seconds(self.first) + in_seconds(self.step) * min(retry - 1, MANY)
        return min(grown, in_seconds(self.max))


@final
@dataclass(frozen=True)
class Exponential:
    """Waits that multiply: first, first * factor, ..., never under `min` or over `max`. Defaults: 1 s, 2, 1 hour, 0 s.

    DeclarationError for what is no duration, for a factor that is not over 0, for a `min` over `max`.
    """

    first: Duration = 1
    factor: float = 2
    max: Duration = 3600
    min: Duration = 0

    def __post_init__(self) -> None:
        into_seconds(self, "first", "max", "min")
        factor(self.factor, "Exponential: factor")
        if in_seconds(self.min) > in_seconds(self.max):
            raise DeclarationError(f"Exponential: expected min of at most max, got min={self.min}, max={self.max}")

    def __call__(self, retry: int, /) -> float:
        """The wait before the retry of this number (from 1), in seconds."""
        first, least, most = in_seconds(self.first), in_seconds(self.min), in_seconds(self.max)
        try:
            grown = first * float(self.factor) ** min(retry - 1, MANY)
        except OverflowError:  # any number of retries is fine: the cap is what holds
            grown = most if first else 0.0
        return max(least, min(grown, most))


DEFAULT_DELAY = Exponential()


@final
@dataclass(frozen=True)
class Retry:
    """How often to try again, after what wait, for which errors.

    `retries`: how many after the first attempt; 0 is one attempt. `delay`: Fixed, Linear, Exponential, or any callable
    from the retry's number (from 1) to seconds or a timedelta. `jitter`: the share of each wait, from 0 to 1, that is
    left to chance: the wait lies between (1 - jitter) times the delay and the delay; by default 1.0 for the default
    delay, 0 where a delay is given. `on`, `never`: which exceptions are tried again; `never` beats `on`.
    DeclarationError for numbers out of range, or exceptions that are none.
    """

    retries: int = 3
    delay: Callable[[int], Duration] = DEFAULT_DELAY
    _: KW_ONLY
    jitter: float | None = None
    on: tuple[type[Exception], ...] = (Exception,)
    never: tuple[type[Exception], ...] = ()

    def __post_init__(self) -> None:
        whole(self.retries, "Retry: retries")
        if not callable(self.delay):
            raise DeclarationError(
                f"Retry: delay: expected Fixed, Linear, Exponential or a function from a retry's number to seconds, "
                f"got {self.delay!r}; a fixed wait is Fixed({self.delay!r})"
            )
        if self.jitter is None:  # settled here, so that two equal policies wait alike
            object.__setattr__(self, "jitter", 1.0 if self.delay is DEFAULT_DELAY else 0.0)
        share(self.jitter, "Retry: jitter")
        exceptions(self.on, "Retry: on")
        exceptions(self.never, "Retry: never")

    def wait(self, retry: int) -> float:
        """Seconds to wait before the retry of this number (from 1): the delay less its random share, never negative,
        never under an Exponential's own `min`. DeclarationError when the delay's callable returns no duration."""
        delay = seconds(self.delay(retry), f"what {self.delay!r} returned for retry {retry}")
        floor = in_seconds(self.delay.min) if isinstance(self.delay, Exponential) else 0.0
        return max(floor, delay * (1.0 - (self.jitter or 0.0) * random.random()))

    def allows(self, error: BaseException) -> bool:
        """Whether this error is tried again at all: RetryLater always is, GiveUp and Skip never are."""
        if isinstance(error, RetryLater):
            return True
        return isinstance(error, self.on) and not isinstance(error, (GiveUp, Skip, *self.never))

    def attempt(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Effort[R]:
        """Call `fn` here and now, again while it fails; never raises what `fn` raises.

        Sleeps between attempts, never after the last. RetryLater says its own wait, GiveUp stops. KeyboardInterrupt,
        SystemExit and their like pass through. TypeError for a coroutine function: that is `attempt_async`'s.
        """
        _refuse_coroutine_function(fn)
        trial = _Trial[R](self)
        while True:
            try:
                value = fn(*args, **kwargs)
            except Exception as error:
                trial.failed(error)
            else:
                return trial.succeeded(_plain(value, fn))
            if trial.pause is None:
                return trial.effort()
            time.sleep(trial.pause)
            trial.begin()

    async def attempt_async(self, fn: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> Effort[R]:
        """The same for a coroutine function; a cancellation passes through. TypeError when no awaitable comes back."""
        trial = _Trial[R](self)
        while True:
            try:
                value = await _awaitable(fn, *args, **kwargs)
            except _NotAwaitable as error:
                raise TypeError(str(error)) from None
            except Exception as error:
                trial.failed(error)
            else:
                return trial.succeeded(value)
            if trial.pause is None:
                return trial.effort()
            await asyncio.sleep(trial.pause)
            trial.begin()


class _Trial(Generic[R]):
    """The attempts so far; `pause` is the wait before the next one, None when there is none."""

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        self._attempts: list[Attempt[R]] = []
        self._counted = 0
        self.pause: float | None = None
        self.begin()

    def begin(self) -> None:
        self._started = datetime.now(UTC)

    def succeeded(self, value: R) -> Effort[R]:
        self._attempts.append(Success(value, self._started, datetime.now(UTC)))
        return self.effort()

    def failed(self, error: Exception) -> None:
        if isinstance(error, RetryLater) and not error.counts:  # a snooze, as often as it likes: it leaves no attempt
            self.pause = error.after
            return
        self._attempts.append(Failure(error, self._started, datetime.now(UTC)))
        self.pause = self._pause(error)

    def effort(self) -> Effort[R]:
        return Effort(tuple(self._attempts), self._attempts[-1])

    def _pause(self, error: Exception) -> float | None:
        retry = len(self._attempts)
        if retry > self._retry.retries or not self._retry.allows(error):
            return None
        return error.after if isinstance(error, RetryLater) else self._retry.wait(retry)


class _NotAwaitable(BaseException):
    """Not an Exception, so that no policy tries it again."""


def _refuse_coroutine_function(fn: Callable[..., Any]) -> None:
    if makes_coroutines(fn):
        raise TypeError(f"attempt: expected a plain function, got the coroutine function {fn!r}; use attempt_async")


def _plain(value: R, fn: object) -> R:
    if closed(value):
        raise TypeError(f"attempt: expected a plain function, and {fn!r} returned a coroutine; use attempt_async")
    return value


async def _awaitable(fn: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    answer = fn(*args, **kwargs)
    if not inspect.isawaitable(answer):
        raise _NotAwaitable(f"attempt_async: expected a coroutine function, got {fn!r}, a plain one; use attempt")
    return await answer
