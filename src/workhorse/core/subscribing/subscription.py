"""A task that subscribes to events: which ones, on which queue, and what of a copy it is given."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import msgspec

from workhorse.core import names
from workhorse.core.cloud_event import CloudEvent
from workhorse.core.codec import Unfit, located
from workhorse.core.definition import Definition
from workhorse.core.document import Document
from workhorse.core.errors import DeclarationError, Skip
from workhorse.core.events import media
from workhorse.core.events.catalog import Catalog
from workhorse.core.events.fields import names_of
from workhorse.core.fitting import fit
from workhorse.core.handle import Door
from workhorse.core.looks import is_dict
from workhorse.core.options import FOR_TASKS, Settings
from workhorse.core.shape import Shape, place_of, shape_of
from workhorse.core.subscribing.keys import EventSchema

FOR_SUBSCRIPTIONS: Final = FOR_TASKS - {"schedule", "batch"}

Filter = Callable[[Any], bool]


class SubscriptionDefinition(Definition):
    """A subscription as it was declared: `event` is a class, or a media type, or a pattern of them."""

    known = FOR_SUBSCRIPTIONS
    who = "on()"

    def __init__(self, fn: Callable[..., Any], given: Mapping[str, Any]) -> None:
        said = dict(given)
        event, self._filter = said.pop("event"), said.pop("filter", None)
        self._event: Any = event if isinstance(event, type) else media.checked(event, "on")
        self._catalog: Catalog | None = None
        if self._filter is not None and not callable(self._filter):
            raise DeclarationError(f"on: filter: expected a function of the event, got {self._filter!r}")
        if "name" not in said and not hasattr(fn, "__name__"):
            said["name"] = media.snake(type(fn).__name__)  # an object with a __call__
        super().__init__(fn, said)
        self.runs = self._guarded()

    def bind(self, name: str, settings: Settings, door: Door) -> None:
        """On a queue of its own, `APP.TASK`, unless it says another itself."""
        queue = self.own_options.get("queue") or names.name(f"{door.name}.{name}", f"on: the queue of {name}")
        self._catalog = door.catalog
        super().bind(name, msgspec.structs.replace(settings, queue=queue), door)

    @cached_property
    def wanted(self) -> str:
        """The media type, or pattern. DeclarationError for a class that nobody declared."""
        if isinstance(self._event, str):
            return self._event
        try:
            return self._known.of_class(self._event).media_type
        except DeclarationError as error:
            raise DeclarationError(f"on: {self.name} ({self.place}): {error}") from None

    def wants(self, media_type: str) -> bool:
        """Whether it asked for events of this type."""
        return media.matches(self.wanted, media_type)

    def arguments(self, document: Document) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """The event, as it was described; Unfit where it does not fit."""
        if document.event is None:
            return super().arguments(document)
        return [self._content(document.event)], {}

    def _content(self, event: CloudEvent) -> Any:
        its, codec = self._known.find(event.type), self.schema.parameters[0].codec
        if its is None:  # nobody described it here: the annotation does
            return codec.decode(event.data, False, event.type)
        content = its.decode(event.data)
        if not isinstance(self._event, str):
            return content
        if not is_dict(content):
            return codec.decode(its.encode(content), False, event.type)
        try:
            return fit(content, codec.hint)
        except (TypeError, ValueError, RecursionError) as error:
            raise Unfit(located(error, event.type)) from None

    @property
    def _known(self) -> Catalog:
        if self._catalog is None:
            raise DeclarationError(f"on: {self.name} ({self.place}): its router belongs to no app yet")
        return self._catalog

    @cached_property
    def _parameters(self) -> tuple[str, ...] | None:
        """Of its keys: the fields of the event, where a class says them."""
        return None if isinstance(self._event, str) else names_of(self._event)

    def _schema(self, name: str) -> EventSchema:
        return EventSchema(self.fn, name, int(self.takes_context))

    def _shape(self, fn: object, run_in: str | None) -> Shape:
        shape = shape_of(fn, run_in)
        assert callable(fn)
        passed = list(inspect.signature(fn).parameters.values())[shape.skip :]
        by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        needed = [each for each in passed[1:] if each.default is each.empty]
        if not passed or passed[0].kind not in by_position or any(each.kind not in _LOOSE for each in needed):
            raise DeclarationError(
                f"on: {place_of(fn)}: expected a function of the event alone, got {inspect.signature(fn)}"
            )
        return shape

    def _guarded(self) -> Callable[..., Any]:
        """What a worker calls: it skips what the filter leaves out, and says that False is a skip, too."""
        fn, wanted, at = self.fn, self._filter, int(self.takes_context)

        def begin(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
            if wanted is not None and not wanted(args[at] if len(args) > at else next(iter(kwargs.values()))):
                raise Skip("its filter left it out")

        async def handled_async(*args: Any, **kwargs: Any) -> Any:
            begin(args, kwargs)
            return _unless_false(await fn(*args, **kwargs))

        def handled(*args: Any, **kwargs: Any) -> Any:
            begin(args, kwargs)
            return _unless_false(fn(*args, **kwargs))

        return functools.wraps(fn, updated=())(handled_async if self.run_in == "async" else handled)


_LOOSE: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _unless_false(value: Any) -> Any:
    if value is False:
        raise Skip("it returned False")
    return value
