"""What can be said of tasks and jobs: checked at the door, once, and merged from the app down to the job."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Any, NoReturn, cast

import msgspec

from workhorse.core import names
from workhorse.core.batch import Batch
from workhorse.core.checks import whole
from workhorse.core.durations import moment, seconds
from workhorse.core.errors import DeclarationError
from workhorse.core.limit import Limit, fields
from workhorse.core.retry import Exponential, Fixed, Linear, Retry
from workhorse.core.schedule import Schedule
from workhorse.core.unique import Unique


class Priority(IntEnum):
    """Which of two due jobs goes first: the higher."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Settings(msgspec.Struct, frozen=True):
    """What holds for a declared task, all layers merged. Durations are seconds; a moment stays a datetime."""

    queue: str
    priority: Priority = Priority.MEDIUM
    retry: Retry = Retry()
    timeout: float | None = 600.0
    expires: float | datetime | None = None
    unique: Unique | None = None
    limit: Limit | None = None
    ordered_by: str | None = None
    result_ttl: float = 3600.0
    headers: Mapping[str, str] = {}
    on_dead: Any = None
    max_crashes: int = 3

    def of(self, options: Iterable[str]) -> dict[str, Any]:
        """Those of these options that are not None."""
        return {name: value for name in options if (value := getattr(self, name)) is not None}


KEYED = ("unique", "limit", "ordered_by")
"""What the engine keeps by a key, which is made of the job's arguments."""

ENVELOPED = ("expires", *KEYED)
"""What a task says and its jobs' envelopes carry."""

SHORTEST = 0.001
"""Seconds: a timeout or a life below it is a mistake, since nothing runs in no time."""


def checked(given: Mapping[str, Any], known: frozenset[str], who: str) -> dict[str, Any]:
    """The options as values that hold: durations in seconds, moments as they are, all in range.

    TypeError for a name that is not in `known`, as Python's own; DeclarationError, naming `who`, for the rest.
    """
    for name in given.keys() - known:
        _unknown(name, known, who)
    if "delay" in given and "at" in given:
        raise DeclarationError(f"{who}: expected delay or at, got both; say one of them")
    return {name: _CHECKS[name](value, f"{who}: {name}") for name, value in given.items()}


def checked_once(given: Mapping[str, Any], who: str) -> dict[str, Any]:
    """The options of one job; a retry that cannot travel is a DeclarationError, too."""
    return _portably(checked(given, FOR_JOBS, who), who)


def _portably(once: dict[str, Any], who: str) -> dict[str, Any]:
    if "retry" in once:
        _portable(once["retry"], f"{who}: retry")
    return once


def restated(options: Mapping[str, Any], who: str) -> dict[str, Any]:
    """The options as a job keeps them, `at` as seconds since the epoch; what is kept so already stays as it is."""
    at = options.get("at")
    if not isinstance(at, float):
        return _portably(checked(options, KEPT, who), who)
    rest = {name: value for name, value in options.items() if name != "at"}
    if "delay" in rest:
        raise DeclarationError(f"{who}: expected delay or at, got both; say one of them")
    return {**_portably(checked(rest, KEPT, who), who), "at": at}


def merged(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Later layers beat earlier ones; headers add up, name by name; of delay and at the later said stands alone."""
    result: dict[str, Any] = {}
    for layer in layers:
        headers = {**result.get("headers", {}), **layer.get("headers", {})}
        if "delay" in layer or "at" in layer:
            result.pop("delay", None)
            result.pop("at", None)
        result.update(layer)
        if headers:
            result["headers"] = headers
    return result


def settled(queue: str, layers: Iterable[Mapping[str, Any]]) -> Settings:
    """The settings of a task: the layers over the defaults, on `queue` where none of them says another."""
    said = merged(layers)
    said.setdefault("queue", queue)
    return Settings(**{name: value for name, value in said.items() if name in FOR_ALL})


def _unknown(name: str, known: frozenset[str], who: str) -> NoReturn:
    hint = names.did_you_mean(name, known)
    raise TypeError(f"{who} got an unexpected keyword argument {name!r}{hint}")


def _priority(value: object, what: str) -> Priority:
    if isinstance(value, bool) or not isinstance(value, int) or value not in (1, 2, 3):
        raise DeclarationError(f"{what}: expected Priority.LOW, MEDIUM or HIGH, got {value!r}")
    return Priority(value)


def _retry(value: object, what: str) -> Retry:
    if not isinstance(value, Retry):
        raise DeclarationError(f"{what}: expected a Retry, got {value!r}; a number of retries is Retry({value!r})")
    return value


def _portable(retry: Retry, what: str) -> None:
    if not isinstance(retry.delay, Fixed | Linear | Exponential) or retry.on != (Exception,) or retry.never:
        raise DeclarationError(
            f"{what}: a retry of one job travels with it, as Fixed, Linear or Exponential without on= and never=; "
            f"got {retry!r}; put it on the task"
        )


def _timeout(value: object, what: str) -> float | None:
    return None if value is None else seconds(value, what, least=SHORTEST)


def _expires(value: object, what: str) -> float | datetime | None:
    if isinstance(value, datetime):
        moment(value, what)
        return value
    return None if value is None else seconds(value, what, least=SHORTEST)


def _unique(value: object, what: str) -> Unique | None:
    if value is not None and not isinstance(value, Unique):
        raise DeclarationError(f"{what}: expected a Unique, got {value!r}; one for all its arguments is Unique()")
    return value


def _limit(value: object, what: str) -> Limit | None:
    if value is not None and not isinstance(value, Limit):
        raise DeclarationError(
            f"{what}: expected a Limit, got {value!r}; say Limit(concurrency=...) or Limit(rate=...)"
        )
    return value


def _ordered_by(value: object, what: str) -> object:
    if value is not None:
        fields(value, what)
    return value


def _crashes(value: object, what: str) -> int:
    return whole(value, what, least=1)


def _headers(value: object, what: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise DeclarationError(f"{what}: expected a mapping of text to text, got a {type(value).__name__}")
    given = cast(Mapping[object, object], value)
    return {_text(name, what): _text(text, f"{what}: {name}") for name, text in given.items()}


def _text(value: object, what: str) -> str:
    # Told without its value: a header may hold a secret.
    if not isinstance(value, str):
        raise DeclarationError(f"{what}: expected text, got a {type(value).__name__}")
    if "\0" in value or not _encodes(value):
        raise DeclarationError(f"{what}: expected text that every engine can store, got a NUL or a lone surrogate")
    return value


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _on_dead(value: object, what: str) -> object:
    if value is not None and not callable(getattr(value, "job", None)) and not hasattr(value, "task"):
        raise DeclarationError(f"{what}: expected a task that takes the dead job, got {value!r}")
    return value


def _then(value: object, what: str) -> object:
    if not isinstance(value, tuple) or not all(hasattr(job, "task") for job in cast(tuple[object, ...], value)):
        raise DeclarationError(f"{what}: expected a tuple of jobs, got {value!r}; tasks have .then() for it")
    return cast(object, value)


def _member(value: object, what: str) -> object:
    return value


def _batch(value: object, what: str) -> Batch:
    if not isinstance(value, Batch):
        raise DeclarationError(f"{what}: expected a Batch, got {value!r}; say Batch(size=..., wait=...)")
    return value


def _run_in(value: object, what: str) -> str:
    if value not in ("thread", "process"):
        raise DeclarationError(f"{what}: expected 'thread' or 'process', got {value!r}")
    return str(value)


def _schedule(value: object, what: str) -> Schedule:
    if not isinstance(value, Schedule):
        raise DeclarationError(f"{what}: expected Cron('0 4 * * *') or Every(minutes=5), say, got {value!r}")
    return value


def _id(value: object, what: str) -> str:
    return names.given_id(value)


_CHECKS: Mapping[str, Callable[[object, str], Any]] = {
    "queue": names.name,
    "priority": _priority,
    "retry": _retry,
    "timeout": _timeout,
    "expires": _expires,
    "unique": _unique,
    "limit": _limit,
    "ordered_by": _ordered_by,
    "result_ttl": seconds,
    "headers": _headers,
    "on_dead": _on_dead,
    "max_crashes": _crashes,
    "id": _id,
    "delay": seconds,
    "at": moment,
    "name": names.name,
    "run_in": _run_in,
    "schedule": _schedule,
    "batch": _batch,
    "then": _then,
    "member": _member,
}

FOR_JOBS = frozenset(_CHECKS.keys() - {"name", "run_in", "schedule", "batch", "then", "member"})
FOR_TASKS = frozenset(_CHECKS.keys() - {"id", "delay", "at", "then", "member"})
FOR_ALL = FOR_JOBS & FOR_TASKS
KEPT = FOR_JOBS | {"then", "member"}
"""What a job keeps: what was said of it, its follow-ups, and its place in a group."""
