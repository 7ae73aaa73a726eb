"""The part of the app that hands out messages to code that is no task."""

from abc import abstractmethod
from collections.abc import Awaitable
from typing import Any, TypeVar, Unpack, overload

from workhorse.core import names
from workhorse.core.durations import Duration, seconds
from workhorse.core.registry import Declared
from workhorse.core.task import Task
from workhorse.core.typed import OnceOptions
from workhorse.worker.consuming import reading
from workhorse.worker.consuming.consumer import Consumer, Tasks
from workhorse.worker.consuming.reading import Read
from workhorse.worker.crew import Parts

E = TypeVar("E")
T = TypeVar("T")


class Consuming:
    """Makes consumers of what an app has."""

    _patience: float

    @overload
    def consumer(self, queue: str, event: type[E], *, lease: Duration = 30) -> Consumer[E]: ...
    @overload
    def consumer(self, queue: str, *, lease: Duration = 30) -> Consumer[Any]: ...
    def consumer(self, queue: str, event: type[Any] | None = None, *, lease: Duration = 30) -> Consumer[Any]:
        """Take the messages of one queue by hand: `async with app.consumer("mail") as consumer`.

        `event`: the class of their content (None: any); `lease`: for how many seconds a silent holder keeps them.
        DeclarationError for a bad name, a lease under 0.1 s, or a class whose values cannot travel.
        """
        queue = names.name(queue, "queue")
        lasting = seconds(lease, "lease", least=0.1)

        def stranger(task: str) -> Declared:
            return self.remote(task, queue=queue)

        tasks = Tasks(self._parts().registry, stranger)
        return Consumer(self._parts(), tasks, queue, self._reads(event), lasting, self._patience, self.run)

    def _reads(self, event: type[Any] | None) -> Read:
        """How their content is read."""
        return reading.arguments if event is None else reading.of_class(event)

    @abstractmethod
    def _parts(self) -> Parts:
        """What a worker of the app is given."""

    @abstractmethod
    def remote(self, task: str, /, **options: Unpack[OnceOptions]) -> Task[..., Any]:
        """A task of which only the name is known."""

    @abstractmethod
    def run(self, awaitable: Awaitable[T], /) -> T:
        """An asynchronous call from synchronous code."""
