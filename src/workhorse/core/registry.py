"""The tasks of an app by name, and the routers that bring them there."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar, Unpack, cast, overload

from workhorse.core import names
from workhorse.core.contract import Envelope
from workhorse.core.declare import DeclareTask
from workhorse.core.definition import Definition
from workhorse.core.errors import DeclarationError
from workhorse.core.events import media
from workhorse.core.events.described import Described, described
from workhorse.core.options import FOR_ALL, checked, merged
from workhorse.core.sagas.task import DeclareSaga, SagaDefinition, SagaTask
from workhorse.core.subscribing.declare import DeclareSubscription
from workhorse.core.subscribing.subscribers import Declared as Declared
from workhorse.core.subscribing.subscribers import Subscribers
from workhorse.core.subscribing.subscription import SubscriptionDefinition
from workhorse.core.task import AsyncFunction, Function, Task
from workhorse.core.typed import JobOptions, TaskOptions

C = TypeVar("C", bound=type[Any])
E = TypeVar("E")


class Registry:
    """Finds a task by its full name."""

    def __init__(self) -> None:
        self._tasks: dict[str, Declared] = {}
        self._older: dict[tuple[str, int], Declared] = {}
        self.subscribers = Subscribers()

    def add(self, task: Declared) -> None:
        """DeclarationError when the name is taken; it names both places. Sagas of one name are told by their versions: the
        newest is the one that is meant by the name."""
        known = self._tasks.setdefault(task.name, task)
        ours, theirs = task.definition.version, known.definition.version
        if ours != theirs and ours and theirs and (task.name, ours) not in self._older:
            newest, older = (task, known) if ours > theirs else (known, task)
            self._tasks[task.name], self._older[task.name, older.definition.version] = newest, older
        elif known is not task:
            raise DeclarationError(
                f"two tasks are named {task.name!r}: {known.definition.place} and {task.definition.place}; "
                f"give one of them another name="
            )
        elif isinstance(task.definition, SubscriptionDefinition):
            self.subscribers.add(task, task.definition)

    def get(self, name: str) -> Declared | None:
        """The task of this name, if there is one."""
        return self._tasks.get(name)

    def serving(self, job: Envelope) -> Declared | None:
        """Who runs this job: the task of its name; of an event's copy, whoever subscribed on its queue."""
        return self._tasks.get(job.task) or self.subscribers.serving(job.queue, job.task)

    def of_version(self, name: str, version: int) -> Declared | None:
        """The saga of this name and version, if there is one."""
        newest = self._tasks.get(name)
        if newest is not None and newest.definition.version == version:
            return newest
        return self._older.get((name, version))

    def find(self, name: str) -> Declared:
        """The task of this name; DeclarationError, with the nearest name, if there is none."""
        task = self._tasks.get(name)
        if task is None:
            raise DeclarationError(f"no task is named {name!r}{names.did_you_mean(name, self._tasks)}")
        return task

    def queues(self) -> list[str]:
        """The queues of all tasks, each once, in order of their declaration."""
        return list(dict.fromkeys(task.settings.queue for task in self))

    def check_mourners(self) -> None:
        """DeclarationError for tasks that are told of one another's deaths, round in a circle."""
        for task in self:
            told = [task.name]
            mourner = task.settings.on_dead
            while mourner is not None:
                told.append(mourner.name)
                if mourner.name in told[:-1]:
                    raise DeclarationError(f"on_dead goes round: {' -> '.join(told)}; leave one of them without")
                known = self._tasks.get(mourner.name)
                mourner = None if known is None else known.settings.on_dead

    def __iter__(self) -> Iterator[Declared]:
        return iter((*self._tasks.values(), *self._older.values()))

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, name: object) -> bool:
        return name in self._tasks


class Router:
    """Tasks, sagas and events of a module, to be included in an app.

    `prefix` stands before the names of its tasks; the other options are defaults for them: the app's are beaten by the
    outer router's, these by the inner one's, these by the task's own. Tasks may be declared before or after `include`.
    """

    def __init__(self, *, prefix: str = "", **defaults: Unpack[JobOptions]) -> None:
        if prefix:
            names.name(prefix, "prefix")
        self._prefix = prefix
        self._defaults: Mapping[str, Any] = checked(defaults, FOR_ALL, f"{type(self).__name__}()")
        self._parent: Router | None = None
        self._routers: list[Router] = []
        self._declared: list[Declared] = []
        self._described: list[Described] = []

    @property
    def task(self) -> DeclareTask:
        """Declare a task: `@app.task` or `@app.task(queue="mail", ...)`.

        DeclarationError for what cannot work: an option out of range, a misplaced Context, a method, a name that is
        taken.
        """
        return cast(DeclareTask, self._decorate)

    @property
    def saga(self) -> DeclareSaga:
        """Declare a saga: `@app.saga` or `@app.saga(version=2, ...)` on a coroutine function whose first parameter is a Saga.

        `version`: its number, 1 by default; a changed one beside the one before lets running sagas end with their own code.
        DeclarationError as of a task, and for a function of another kind.
        """
        return cast(DeclareSaga, partial(self._decorate, _kind=SagaDefinition))

    def event(self, media_type: str, *, strict: bool = False) -> Callable[[C], C]:
        """Declare a class as what describes events of this media type, or of a pattern: `@app.event("application/vnd.shop.order-placed")`.

        The class, which comes back unchanged, is a msgspec.Struct, a dataclass, an attrs class, a pydantic model, a
        TypedDict or a marshmallow Schema. Unknown fields are dropped, or refused if `strict`. A star stands for one whole
        part between dots. DeclarationError for another class, and for a second one of the same media type.
        """
        name = media.checked(media_type, "event")

        def describe(cls: C) -> C:
            it = described(name, cls, strict)
            self._lineage()[-1]._learnt(it)
            self._described.append(it)
            return cls

        return describe

    @overload
    def on(
        self, event: type[E], *, filter: Callable[[E], bool] | None = None, **options: Unpack[TaskOptions]
    ) -> DeclareSubscription[E]: ...
    @overload
    def on(
        self, event: str, *, filter: Callable[[Any], bool] | None = None, **options: Unpack[TaskOptions]
    ) -> DeclareSubscription[Any]: ...
    def on(self, event: Any, *, filter: Any = None, **options: Any) -> Any:
        """Subscribe a function, or an object with a `__call__`, to events of a class, a media type, or a pattern of them.

        It is a task of one argument, on the queue `APP.TASK` unless `queue` says another. `filter`: events for which it is
        false are skipped. `priority` and `expires` are its copies'; `unique`, `limit` and `ordered_by` name fields of the
        event, and take effect when a copy is first claimed. DeclarationError for what cannot be a subscriber.
        """
        return partial(self._decorate, _kind=SubscriptionDefinition, event=event, filter=filter, **options)

    def include(self, router: "Router") -> None:
        """Add all that a router declares, now and later. A router is included once, in one router or app."""
        if type(router)._arrived is not Router._arrived:
            raise DeclarationError(
                "include: expected a Router, got an app, whose tasks are its own; declare them on a Router"
            )
        if router in self._lineage():
            raise DeclarationError("include: a router cannot contain itself")
        if router._parent is not None:
            raise DeclarationError(
                f"include: the router {router._prefix!r} is included already; make a router for each app"
            )
        router._parent = self
        self._routers.append(router)
        for it in router._all_described():
            self._lineage()[-1]._learnt(it)
        for below, task in router._all():
            below._place(task)

    def _arrived(self, task: Declared, name: str, defaults: Mapping[str, Any]) -> None:
        """A task reached the topmost router, with its full name and all that was said of it on the way. This router is
        no app: the task learns its name so far. An app overrides this: it binds and registers the task."""
        task.definition.rename(name)

    def _learnt(self, it: Described) -> None:
        """An event type reached the topmost router. An app overrides this: it keeps it."""

    def _decorate(
        self, fn: Callable[..., Any] | None = None, /, *, _kind: type[Definition] = Definition, **options: Any
    ) -> Any:
        if fn is None:
            return partial(self._decorate, _kind=_kind, **options)
        if isinstance(fn, Task):
            raise DeclarationError(f"task {fn.name}: expected a function, got what is a task already")
        definition = _kind(fn, options)
        task = _task_of(definition)
        self._place(task)
        self._declared.append(task)
        return task

    def _place(self, task: Declared) -> None:
        lineage = self._lineage()
        name = "".join(router._prefix for router in reversed(lineage)) + task.definition.own_name
        layers = (*(router._defaults for router in reversed(lineage)), task.definition.own_options)
        lineage[-1]._arrived(task, name, merged(layers))

    def _lineage(self) -> "list[Router]":
        """This router, the one that includes it, and so on up."""
        lineage: list[Router] = [self]
        while (above := lineage[-1]._parent) is not None:
            lineage.append(above)
        return lineage

    def _all(self) -> "Iterator[tuple[Router, Declared]]":
        yield from ((self, task) for task in self._declared)
        for router in self._routers:
            yield from router._all()

    def _all_described(self) -> Iterator[Described]:
        yield from self._described
        for router in self._routers:
            yield from router._all_described()


def _task_of(definition: Definition) -> Declared:
    if isinstance(definition, SagaDefinition):
        return SagaTask[..., Any](definition)
    if definition.run_in == "async":
        return AsyncFunction[..., Any, ..., Any](definition)
    return Function[..., Any, ..., Any](definition)
