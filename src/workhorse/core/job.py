"""A job as a value: one request to run a task. Nothing happens until it is enqueued."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, final

from workhorse.core import names
from workhorse.core.contract import Envelope
from workhorse.core.effort import Attempt
from workhorse.core.errors import DeclarationError
from workhorse.core.options import FOR_ALL, checked, restated
from workhorse.core.options import Priority as Priority

R_co = TypeVar("R_co", covariant=True)


OWN_ID = re.compile(r"[A-Za-z0-9_.:+~@-]{1,200}")
"""Given ids and ours: a job made anew from one that was found keeps its id."""


@final
@dataclass(frozen=True)
class Job(Generic[R_co]):
    """One request to run a task; nothing happens until it is enqueued.

    `options` holds what else was said of this one job, durations as seconds: `retry`, `timeout`, `expires`,
    `result_ttl`, `max_crashes`, `delay`, and `at` as seconds since the epoch. The repr leaves out headers and options:
    secrets travel in them. DeclarationError for names, numbers and options out of range.
    """

    id: str
    task: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    queue: str
    priority: Priority
    headers: Mapping[str, str] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    attempts: tuple[Attempt[R_co], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        _own_id(self.id)
        names.name(self.task, "Job: task")
        said = {"queue": self.queue, "priority": self.priority, "headers": self.headers}
        for name, value in checked(said, FOR_ALL, "Job").items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "args", tuple(self.args))
        object.__setattr__(self, "options", restated(self.options, "Job: options"))


def _own_id(text: object) -> None:
    if not isinstance(text, str) or not OWN_ID.fullmatch(text):
        raise DeclarationError(f"Job: id: expected 1 to 200 of the characters A-Z a-z 0-9 _ . : + - ~ @, got {text!r}")


_new: Callable[[Any], Any] = object.__new__
_set = object.__setattr__


def swift(
    id: str,
    task: str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    queue: str,
    priority: Priority,
    headers: Mapping[str, str],
    options: Mapping[str, Any],
) -> Job[Any]:
    """A Job in a quarter of the time: a frozen dataclass sets its fields one by one, and every enqueue makes one."""
    job: Job[Any] = _new(Job)
    _set(
        job,
        "__dict__",
        {
            "id": id,
            "task": task,
            "args": args,
            "kwargs": kwargs,
            "queue": queue,
            "priority": priority,
            "headers": headers,
            "options": options,
            "attempts": (),
        },
    )
    return job


def job_of(envelope: Envelope, arguments: tuple[Sequence[Any], Mapping[str, Any]]) -> Job[Any]:
    """The job that an envelope carries, once its arguments are decoded; how it was delayed is past, and left out."""
    args, kwargs = arguments
    priority = Priority(min(max(envelope.priority, Priority.LOW), Priority.HIGH))
    return swift(envelope.id, envelope.task, tuple(args), kwargs, envelope.queue, priority, envelope.headers, {})
