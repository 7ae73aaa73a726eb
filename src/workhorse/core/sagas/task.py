"""A declared saga: enqueued with its own arguments, run as a chain of short jobs in a lane of its own."""

import inspect
import typing
from collections.abc import Callable, Coroutine, Mapping
from typing import (
    Any,
    Concatenate,
    Final,
    NoReturn,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    overload,
)

import msgspec

from workhorse.core.checks import whole
from workhorse.core.contract import Envelope, Lane
from workhorse.core.definition import Definition
from workhorse.core.durations import Duration
from workhorse.core.errors import DeclarationError
from workhorse.core.follow_up import FollowUp
from workhorse.core.options import Priority
from workhorse.core.sagas.handle import SagaHandle
from workhorse.core.sagas.saga import Saga
from workhorse.core.shape import Shape, shape_of
from workhorse.core.task import Task

P = ParamSpec("P")
F = ParamSpec("F")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Async: TypeAlias = Callable[P, Coroutine[Any, Any, R]]

LONGEST_ID: Final = 120
"""Characters of a saga's id: the ids of its turns and of the jobs that it calls are made of it, and none is over 200."""


class SagaOptions(TypedDict, total=False):
    """What can be said of a saga; one run a key: give an `id`, its journal keeps it unique while it lives."""

    name: str  # the function's name, after the router's prefix
    queue: str  # the app's name
    priority: Priority  # Priority.MEDIUM
    headers: Mapping[str, str]  # {}
    result_ttl: Duration  # 3600; 0: keep no result
    max_crashes: int  # 3: a step under which its worker died that often has failed for good


FOR_SAGAS: Final = frozenset(SagaOptions.__annotations__)


class SagaDefinition(Definition):
    """A saga as it was declared; `version` is its own number, for deliberate changes of its code."""

    known = FOR_SAGAS
    who = "saga()"

    def __init__(self, fn: Callable[..., Any], given: Mapping[str, Any]) -> None:
        said = dict(given)
        version = whole(said.pop("version", 1), "saga: version", least=1)
        super().__init__(fn, said)
        self.version = version

    def _shape(self, fn: object, run_in: str | None) -> Shape:
        try:
            shape = shape_of(fn, run_in)
        except DeclarationError as error:
            raise DeclarationError(f"saga {str(error).removeprefix('task ')}") from None
        if shape.run_in != "async":
            raise DeclarationError(
                f"saga {shape.place}: expected a coroutine function, got a plain one; write async def"
            )
        if shape.skip or not _takes_saga(cast(Callable[..., Any], fn)):
            raise DeclarationError(f"saga {shape.place}: expected `saga: Saga` as its first parameter")
        return shape._replace(skip=1)


class SagaTask(Task[P, R_co]):
    """A declared saga."""

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> SagaHandle[R_co]:
        """Put its first job on the queue; durable when this returns. Raises as of a task; DeclarationError for a given id of
        more than 120 characters."""
        return cast(SagaHandle[R_co], await super().enqueue(*args, **kwargs))

    def enqueue_sync(self, *args: P.args, **kwargs: P.kwargs) -> SagaHandle[R_co]:
        """The same from synchronous code, with or without a running loop."""
        return cast(SagaHandle[R_co], super().enqueue_sync(*args, **kwargs))

    def handle(self, id: str) -> SagaHandle[R_co]:
        """The handle of a saga that was enqueued earlier."""
        return SagaHandle(id, self.definition.door, self.schema.decode_result)

    def then(self, task: FollowUp[R_co, F, object], *args: F.args, **kwargs: F.kwargs) -> NoReturn:
        """A saga has no follow-ups: DeclarationError. What is to come after it is its own last step."""
        raise DeclarationError(
            f"saga {self.name}: expected a task before .then(), got a saga; call {task!r} in it: await saga.call(...)"
        )

    def dressed(self, envelope: Envelope) -> Envelope:
        """In its own lane: one turn at a time."""
        if len(envelope.id) > LONGEST_ID and "~" not in envelope.id:
            raise DeclarationError(f"id: expected at most {LONGEST_ID} characters for a saga, got {len(envelope.id)}")
        return msgspec.structs.replace(envelope, lane=lane(envelope.id))


class DeclareSaga(Protocol):
    """`@app.saga`, and `@app.saga(version=2)`."""

    @overload
    def __call__(self, fn: Async[Concatenate[Saga, P], R], /) -> SagaTask[P, R]: ...
    @overload
    def __call__(
        self, *, version: int = 1, **options: Unpack[SagaOptions]
    ) -> Callable[[Async[Concatenate[Saga, P], R]], SagaTask[P, R]]: ...


def lane(id: str) -> Lane:
    """Where all turns of a saga run, one at a time."""
    return Lane(f"saga/{id}")


def _takes_saga(fn: Callable[..., Any]) -> bool:
    first = next(iter(inspect.signature(fn).parameters.values()), None)
    if first is None or first.kind not in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD):
        return False
    if isinstance(first.annotation, str):
        return first.annotation.strip("'\" ").rpartition(".")[2] == "Saga"
    return first.annotation is first.empty or (typing.get_origin(first.annotation) is None and first.annotation is Saga)
