"""The subscriptions of an app, by the queue on which their copies come."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from workhorse.core.errors import DeclarationError
from workhorse.core.events import media
from workhorse.core.subscribing.subscription import SubscriptionDefinition
from workhorse.core.task import Task

Declared: TypeAlias = Task[..., Any]


class Subscription(NamedTuple):
    """Which task subscribes to which media type, or pattern, on which queue."""

    wanted: str
    queue: str
    task: Declared


class Subscribers:
    """Finds the one that a copy is for: an exact media type beats a pattern, and of patterns the first declared counts."""

    def __init__(self) -> None:
        self._by_queue: dict[str, list[tuple[Declared, SubscriptionDefinition]]] = {}

    def add(self, task: Declared, its: SubscriptionDefinition) -> None:
        """Once it belongs to its app."""
        self._by_queue.setdefault(its.settings.queue, []).append((task, its))

    def serving(self, queue: str, media_type: str) -> Declared | None:
        """Who asked for this type on this queue, if anybody did."""
        asked = [(its.wanted, task) for task, its in self._by_queue.get(queue, ()) if its.wants(media_type)]
        exact = (task for wanted, task in asked if not media.is_pattern(wanted))
        return next(exact, None) or (asked[0][1] if asked else None)

    def on(self, queue: str) -> bool:
        """Whether anybody subscribes on this queue."""
        return queue in self._by_queue

    def check(self) -> None:
        """DeclarationError for a class that nobody declared, and for two that ask for the same on one queue."""
        seen: dict[tuple[str, str], Declared] = {}
        for it in self:
            other = seen.setdefault((it.queue, it.wanted), it.task)
            if other is not it.task:
                raise DeclarationError(
                    f"two subscriptions to {it.wanted!r} share the queue {it.queue!r}: {other.name} "
                    f"({other.definition.place}) and {it.task.name} ({it.task.definition.place}); "
                    f"give one of them another queue="
                )

    def __iter__(self) -> Iterator[Subscription]:
        for queue, asked in self._by_queue.items():
            for task, its in asked:
                yield Subscription(its.wanted, queue, task)
