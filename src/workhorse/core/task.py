"""A declared function, and what one does with it: enqueue it, build a job of it, find a job again, call it."""

import functools
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Generic, NamedTuple, ParamSpec, Self, TypeVar, Unpack

from workhorse.core import ids
from workhorse.core.contract import Envelope
from workhorse.core.definition import Definition
from workhorse.core.errors import DeclarationError
from workhorse.core.follow_up import RESULT, FollowUp
from workhorse.core.handle import Door, JobHandle
from workhorse.core.job import Job, swift
from workhorse.core.options import ENVELOPED, Priority, Settings, checked_once, merged
from workhorse.core.schema import Schema
from workhorse.core.shape import RunIn
from workhorse.core.typed import OnceOptions

P = ParamSpec("P")
Q = ParamSpec("Q")
F = ParamSpec("F")
R_co = TypeVar("R_co", covariant=True)
C_co = TypeVar("C_co", covariant=True)


class _Mould(NamedTuple):
    """What all jobs of one task have in common, worked out before the first one."""

    task: str
    queue: str
    priority: Priority
    headers: Mapping[str, str]
    options: Mapping[str, Any]
    id: str | None


class Task(Generic[P, R_co]):
    """A declared function: enqueue it with its own arguments."""

    def __init__(self, definition: Definition, once: Mapping[str, Any] | None = None) -> None:
        self._definition = definition
        self._once: Mapping[str, Any] = once or {}
        self._poured: _Mould | None = None

    @property
    def name(self) -> str:
        """Its full name, after the prefixes of its routers."""
        return self._definition.name

    @property
    def fn(self) -> Callable[..., Any]:
        """The function itself."""
        return self._definition.fn

    @property
    def run_in(self) -> RunIn:
        """Where a worker runs it: on the loop, in a thread, in a process of its own."""
        return self._definition.run_in

    @property
    def takes_context(self) -> bool:
        """Whether its first parameter is the injected Context."""
        return self._definition.takes_context

    @property
    def settings(self) -> Settings:
        """What holds for it, defaults merged. DeclarationError while its router belongs to no app."""
        return self._definition.settings

    @property
    def schema(self) -> Schema:
        """Its signature as it travels. DeclarationError while its router belongs to no app."""
        return self._definition.schema

    @property
    def definition(self) -> Definition:
        """What was declared, and where."""
        return self._definition

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R_co]:
        """Put one job on the queue; durable when this returns.

        Raises EnqueueRefused when the arguments do not fit, BrokerUnavailable when there is no answer in time, and
        DeclarationError while the task's router belongs to no app.
        """
        return await self._definition.door.enqueue(self.job(*args, **kwargs))

    def enqueue_sync(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R_co]:
        """The same from synchronous code, with or without a running loop."""
        return self._definition.door.run(self.enqueue(*args, **kwargs))

    def job(self, *args: P.args, **kwargs: P.kwargs) -> Job[R_co]:
        """Build a job without enqueueing it; its arguments are checked when it is enqueued."""
        mould = self._poured or self._pour()
        return swift(
            mould.id or ids.new_id(),
            mould.task,
            args,
            kwargs,
            mould.queue,
            mould.priority,
            mould.headers,
            mould.options,
        )

    def handle(self, id: str) -> JobHandle[R_co]:
        """The handle of a job that was enqueued earlier."""
        return JobHandle(id, self._definition.door, self._definition.schema.decode_result)

    def options(self, **options: Unpack[OnceOptions]) -> Self:
        """The same task with other options. TypeError for one that does not exist, DeclarationError for a value that
        cannot work."""
        once = merged((self._once, checked_once(options, "options()")))
        self._definition.check_keys(once)
        return self._copy(once)

    def then(self, task: FollowUp[R_co, F, object], *args: F.args, **kwargs: F.kwargs) -> Self:
        """When it succeeds, enqueue `task` with its result first, then these arguments.

        Twice said, there are two follow-ups; `task` may have follow-ups of its own. DeclarationError for what is no task.
        """
        made: FollowUp[Any, ..., object] = task
        if not isinstance(task, Task):
            raise DeclarationError(f"then: expected a task, got {task!r}")

        def follow_up() -> Job[Any]:
            return made.job(RESULT, *args, **kwargs)

        return self._copy({**self._once, "then": (*self._once.get("then", ()), follow_up)})

    def dressed(self, envelope: Envelope) -> Envelope:
        """The envelope of a job of it, with what all jobs of this kind of task carry: nothing more."""
        return envelope

    def _copy(self, once: Mapping[str, Any]) -> Self:
        return type(self)(self._definition, once)

    def _pour(self) -> _Mould:
        settings, once = self._definition.settings, self._once
        own = {name: value for name, value in once.items() if name not in ("id", "queue", "priority", "headers")}
        options = {**settings.of(ENVELOPED), **own}
        self._definition.check_keys(options)
        if "then" in options:
            options["then"] = tuple(follow_up() for follow_up in options["then"])
        self._poured = _Mould(
            self._definition.name,
            once.get("queue", settings.queue),
            once.get("priority", settings.priority),
            {**settings.headers, **once.get("headers", {})},
            options,
            once.get("id"),
        )
        return self._poured

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class Function(Task[P, R_co], Generic[P, R_co, Q, C_co]):
    """A task made of a function: calling it calls the function, here and now."""

    def __init__(self, definition: Definition, once: Mapping[str, Any] | None = None) -> None:
        super().__init__(definition, once)
        # an object with a __call__ keeps its attributes to itself
        functools.update_wrapper(
            self, definition.fn, updated=("__dict__",) if hasattr(definition.fn, "__name__") else ()
        )

    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> C_co:
        result: C_co = self._definition.fn(*args, **kwargs)
        return result


class AsyncFunction(Function[P, R_co, Q, Coroutine[Any, Any, C_co]], Generic[P, R_co, Q, C_co]):
    """The same of a coroutine function."""

    async def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> C_co:
        result: C_co = await self._definition.fn(*args, **kwargs)
        return result


class RemoteTask(Task[..., Any]):
    """A task of another service, of which only the name is known: its arguments travel tagged, unchecked."""


def remote(name: str, settings: Settings, door: Door, options: Mapping[str, Any]) -> RemoteTask:
    """The task of this name in another service. DeclarationError for a bad name, TypeError for an unknown option."""
    definition = Definition(_elsewhere, {"name": name}, signed=False)
    definition.bind(name, settings, door)
    return RemoteTask(definition, checked_once(options, "remote()"))


def _elsewhere(*args: Any, **kwargs: Any) -> Any:
    raise DeclarationError("this task lives in another service: it can be enqueued, and not called")
