"""The half of the front door through which events go out."""

from collections.abc import Mapping
from typing import Any, overload

from workhorse.app.events import Events
from workhorse.app.outbox import Outbox
from workhorse.core.durations import Duration
from workhorse.core.events.typed import Event
from workhorse.core.registry import Router


class Publishing(Router):
    """An app as who publishes sees it."""

    events: Events

    @overload
    async def publish(self, event: Event, /, *, delay: Duration = 0) -> str: ...
    @overload
    async def publish(
        self, event: str, content: Mapping[str, Any] = ..., /, *, delay: Duration = 0, **fields: Any
    ) -> str: ...
    async def publish(
        self, event: Any, content: Mapping[str, Any] | None = None, /, *, delay: Duration = 0, **fields: Any
    ) -> str:
        """Tell all subscribers: an event, or a media type and its fields, of which keywords beat the mapping.

        Returns the event's id; durable when it returns. `delay`: seconds until it is told. EnqueueRefused when it does not
        fit its schema or is too large; DeclarationError for a media type that nobody declared, or that has no topic;
        BrokerUnavailable when there is no answer within `enqueue_timeout`.
        """
        return await self.events.publish(event, content, fields, delay)

    def outbox(self, *, dry_run: bool = False) -> Outbox:
        """Collect what is enqueued and published inside `async with app.outbox() as box:`, and send it when the block ends.

        What does not fit is refused where it is said; when the block raises, nothing is sent. Up to 1,000 items and 8 MiB go in
        one publish, more in several, in their order. `box.items` says what became of each. `dry_run`: everything is checked,
        nothing sent.
        """
        return self.events.outbox(dry_run)
