"""An app's events: published, and bound to the queues of its subscribers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from msgspec import Raw

from workhorse.app.connections import Connection
from workhorse.app.letters import Letters
from workhorse.app.outbox import Outbox
from workhorse.core import cloud_event, ids
from workhorse.core.cloud_event import CloudEvent
from workhorse.core.contract import Engine, Envelope
from workhorse.core.durations import Duration, seconds
from workhorse.core.errors import BrokerUnavailable, DeclarationError, EnqueueRefused
from workhorse.core.events.catalog import Catalog
from workhorse.core.events.described import merged
from workhorse.core.events.topics import Topics
from workhorse.core.looks import class_of, is_class, is_mapping
from workhorse.core.origin import here
from workhorse.core.registry import Registry
from workhorse.core.schema import Unfit
from workhorse.core.subscribing.subscribers import Subscription
from workhorse.durable import subscriptions
from workhorse.durable.subscriptions import Binding

NO_FIELDS: Final[Mapping[str, Any]] = {}


class Events:
    """`source` is the service's name; `soon` gives the open connection; `now` the time in seconds since the epoch."""

    def __init__(
        self,
        source: str,
        registry: Registry,
        catalog: Catalog,
        topics: Topics,
        letters: Letters,
        soon: Callable[[], Awaitable[Connection]],
        now: Callable[[], float],
    ) -> None:
        self._source, self._registry, self._catalog, self._topics = source, registry, catalog, topics
        self._letters, self._soon, self._now = letters, soon, now
        self._bound: WeakKeyDictionary[Engine, set[Binding]] = WeakKeyDictionary()

    # ---- publishing

    async def publish(self, event: Any, content: Any, named: Mapping[str, Any], delay: Duration) -> str:
        """Tell all subscribers; the event's id, once it is durable."""
        id = ids.new_id()
        try:
            media_type, text = self._described(event, content, named)
        except Unfit as error:
            raise EnqueueRefused([(id, str(error))]) from None
        envelope = self._envelope(id, media_type, text, seconds(delay, "delay"))
        if (box := Outbox.current(self._registry)) is not None:
            box.put(envelope)
            return envelope.id
        try:
            connection = await self._soon()
            self._fits(envelope, connection.sender.max_size)
            answer = await connection.sender.send(envelope)
        except BrokerUnavailable as error:
            again = f"whether event {envelope.id} was published is unknown; publishing it again may tell it twice"
            raise BrokerUnavailable(f"{error}; {again}", [envelope]) from error
        if answer.kind == "refused":
            raise EnqueueRefused([(envelope.id, answer.reason)])
        return envelope.id

    def _described(self, event: Any, content: Any, named: Mapping[str, Any]) -> tuple[str, bytes]:
        if not isinstance(event, str):
            return self._of_class(event, content, named)
        if content is not None and not is_mapping(content):
            raise DeclarationError(f"publish: expected a mapping of fields, got a {type(content).__name__}")
        its = self._catalog.needed(event)
        return event, its.encode(merged(content or NO_FIELDS, named))

    def _of_class(self, event: Any, content: Any, named: Mapping[str, Any]) -> tuple[str, bytes]:
        if is_class(event) or content is not None or named:
            raise DeclarationError(
                "publish: expected an event, or a media type and its fields, got "
                + (f"the class {event.__qualname__}" if is_class(event) else "an event and fields beside it")
            )
        its = self._catalog.of_class(class_of(event))
        if "*" in its.media_type:
            raise DeclarationError(
                f"publish: {class_of(event).__qualname__} describes {its.media_type!r}, many media types; say which: "
                f"publish('…', fields)"
            )
        return its.media_type, its.encode(event)

    def _envelope(self, id: str, media_type: str, text: bytes, delay: float) -> Envelope:
        origin = here()
        event = CloudEvent(
            specversion=cloud_event.SPEC,
            id=id,
            source=f"/{self._source}",
            type=media_type,
            time=cloud_event.moment(self._now()),
            datacontenttype=cloud_event.JSON,
            correlationid=origin.correlation or id,
            causationid=origin.job,
            hops=origin.hops,
            data=Raw(text),
        )
        envelope = Envelope(
            id=id,
            task=media_type,
            payload=cloud_event.encode(event),
            topic=self._topics.of(media_type),
            headers=origin.headers,
            delay=delay,
        )
        self._fits(envelope, None)
        return envelope

    def _fits(self, envelope: Envelope, most: int | None) -> None:
        try:
            self._letters.fits(envelope, most, f"{envelope.task}: it takes")
        except Unfit as error:
            raise EnqueueRefused([(envelope.id, str(error))]) from None

    def outbox(self, dry_run: bool) -> Outbox:
        """What collects, until its block ends."""
        return Outbox(self._registry, self._soon, dry_run)

    # ---- subscribing

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """Those that the app declares."""
        return list(self._registry.subscribers)

    def prepare(self) -> None:
        """DeclarationError for an event that cannot travel, and for subscriptions that cannot be served."""
        for it in self._catalog:
            it.prepare()
        self._registry.subscribers.check()
        self._bindings()

    async def bind(self, engine: Engine) -> None:
        """From now on copies come to each subscriber's queue, whether it is there or not; what is bound already is left."""
        bound = self._bound.setdefault(engine, set())
        if missing := [it for it in self._bindings() if it not in bound]:
            await subscriptions.bind(engine, missing)
            bound.update(missing)

    async def unbind(self, engine: Engine, queue: str) -> list[str]:
        """No more copies come to this queue; the topics from which they came. What is there stays."""
        known = list(await subscriptions.known(engine.store, queue)) if engine.store is not None else []
        known += [it for it in self._bindings() if it.queue == queue]
        topics = {it.topic: it for it in known}
        for binding in topics.values():
            await subscriptions.unbind(engine, binding)
        self._bound.pop(engine, None)
        return list(topics)

    def _bindings(self) -> list[Binding]:
        found: list[Binding] = []
        for it in self._registry.subscribers:
            settings = it.task.settings
            if settings.expires is not None and not isinstance(settings.expires, float):
                raise DeclarationError(
                    f"on: {it.task.name}: expires: expected a duration, each copy's life, got a moment: {settings.expires}"
                )
            found += [
                Binding(topic, it.queue, int(settings.priority), settings.expires) for topic in self._topics_of(it)
            ]
        return found

    def _topics_of(self, it: Subscription) -> list[str]:
        try:
            if "*" in it.wanted:
                return self._topics.of_pattern(it.wanted, self._catalog.matching(it.wanted))
            return [self._topics.of(it.wanted)]
        except DeclarationError as error:
            raise DeclarationError(f"on: {it.task.name}: {error}") from None
