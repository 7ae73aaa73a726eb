"""Subscribers to events that carry a link instead of the state: the resource is fetched, and its present state handled."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar, cast, get_args, get_origin

import msgspec

from workhorse.core import models
from workhorse.core.checks import whole
from workhorse.core.codec import located
from workhorse.core.context import Context
from workhorse.core.durations import Duration, seconds
from workhorse.core.errors import DeclarationError, FetchFailed, GiveUp, RetryLater, Skip
from workhorse.core.fitting import fit, to_wire
from workhorse.core.kinds import field_names
from workhorse.core.looks import class_of, is_mapping
from workhorse.events.resource_cache import Cache
from workhorse.events.resource_fetch import Fetch, require_httpx, shown
from workhorse.events.resource_hosts import Hosts

R = TypeVar("R")


class ResourceHandler(ABC, Generic[R]):
    """A subscriber to events with a `uri`: fetches the resource, then handles its present state.

    `class Orders(ResourceHandler[Order])`, given to `app.on(media_type)(Orders())`. Each of these may be set on the class
    or in its `__init__`:

    `hosts`: who may be asked, over http and https, redirects included: "api.example.org", with a port ("api.example.org:8080")
    where it is not the scheme's own, "*.example.org", "*" for the public internet. An address of this machine or this link is
    asked only if it stands here itself. All else is a dead letter. `not_found_after`: seconds until it is tried again when the
    resource is not there yet (None: FetchFailed); `not_found`: which statuses say so. `stale_after`: the same when it does not
    show the change that the event tells of (None: it is not looked at). `cache`: for how many seconds a resource is taken as
    it was fetched. `timeout`: seconds for one fetch; `max_size`: bytes; `max_redirects`: how many. `passed_on`: which headers
    of the event's job are sent along.

    What is tried again counts as an attempt: the retries of the subscription say how often.
    """

    hosts: Sequence[str] = ()
    not_found_after: Duration | None = 1
    not_found: Sequence[int] = (404,)
    stale_after: Duration | None = 1
    cache: Duration = 0
    timeout: Duration = 10
    max_size: int = 10_485_760
    max_redirects: int = 5
    passed_on: Sequence[str] = ("traceparent", "tracestate", "baggage")

    _hint: ClassVar[Any] = Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """DeclarationError where httpx is not installed."""
        super().__init_subclass__(**kwargs)
        require_httpx(cls.__qualname__)
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is ResourceHandler and not isinstance(get_args(base)[0], TypeVar):
                cls._hint = get_args(base)[0]
        if isinstance(cls._hint, str) or type(cls._hint).__name__ == "ForwardRef":
            raise DeclarationError(
                f"{cls.__qualname__}: expected a class in ResourceHandler[...], got its name: {cls._hint}"
            )

    async def __call__(self, event: Any) -> bool:
        """Handle one event. False when `handle` ignored it; Skip, RetryLater and GiveUp as said above; FetchFailed for
        a resource that cannot be had."""
        fields = _fields(event)
        if reason := self.reason_to_skip(fields):
            raise Skip(reason)
        uri = fields.get("uri")
        if not isinstance(uri, str):
            raise GiveUp(f"expected an event with a uri, got {'none' if uri is None else type(uri).__name__}")
        resource = await self._present(uri, fields)
        return await self.handle(self.convert(resource)) is not False

    def reason_to_skip(self, event: Mapping[str, Any]) -> str | None:
        """A reason not to fetch at all."""

    def headers(self, event: Mapping[str, Any]) -> Mapping[str, str]:
        """What to send along; by default those of the event's job that `passed_on` names."""
        context = Context.current()
        given: Mapping[str, str] = {} if context is None else context.job.headers
        return {name: value for name, value in given.items() if name.lower() in self._passed_on}

    def changed(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Which fields of the resource must have which values by now; by default what `field_name` and `new_value` say."""
        name = event.get("field_name")
        return {name: event["new_value"]} if isinstance(name, str) and "new_value" in event else {}

    def convert(self, resource: Any) -> R:
        """The resource as `handle` takes it; by default of the class in `ResourceHandler[...]`. GiveUp where it does not fit."""
        try:
            return cast(R, fit(resource, self._hint))
        except (TypeError, ValueError, RecursionError) as error:
            raise GiveUp(f"the resource does not fit: {located(error, 'resource')}") from None

    @abstractmethod
    async def handle(self, resource: R) -> bool:
        """Its present state; False: ignored."""

    # ---- fetching

    async def _present(self, uri: str, event: Mapping[str, Any]) -> Any:
        headers = self.headers(event)
        # whose it is counts, which trace it belongs to does not
        key = uri, frozenset((name, value) for name, value in headers.items() if name.lower() not in self._passed_on)
        kept = self._cache.get(key)
        if kept is not None and not self._stale(resource := _decoded(uri, kept), event):
            return resource
        body = await self._fetched(uri, headers)
        resource = _decoded(uri, body)
        if why := self._stale(resource, event):
            assert self.stale_after is not None
            raise _later(self.stale_after, f"{shown(uri)}: {why}")
        self._cache.put(key, body)
        return resource

    async def _fetched(self, uri: str, headers: Mapping[str, str]) -> bytes:
        answer = await self._fetch.get(uri, headers)
        if answer.status in self.not_found and self.not_found_after is not None:
            raise _later(self.not_found_after, f"{shown(uri)} is not there yet: {answer.status}")
        if not 200 <= answer.status < 300:
            raise FetchFailed(f"{shown(uri)}: expected a resource, got status {answer.status}")
        return answer.body

    def _stale(self, resource: Any, event: Mapping[str, Any]) -> str:
        """What it does not show yet; empty: nothing."""
        if self.stale_after is None or not is_mapping(resource):
            return ""
        told = self.changed(event)
        return next(
            (f"its {name} is not yet as the event says" for name in told if not _shows(resource, name, told)), ""
        )

    @cached_property
    def _passed_on(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.passed_on)

    @cached_property
    def _cache(self) -> Cache:
        return Cache(seconds(self.cache, "cache"))

    @cached_property
    def _fetch(self) -> Fetch:
        return Fetch(
            Hosts(self.hosts),
            seconds(self.timeout, "timeout", least=0.001),
            whole(self.max_size, "max_size", least=1),
            whole(self.max_redirects, "max_redirects"),
        )


def _later(after: Duration, why: str) -> RetryLater:
    later = RetryLater(after)
    later.args = (f"{why}; {later}",)
    return later


def _decoded(uri: str, body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise FetchFailed(f"{shown(uri)}: expected JSON, got {len(body):,} bytes of something else: {error}") from None


def _fields(event: Any) -> Mapping[str, Any]:
    """An event's fields by their names, of whatever class it is."""
    if is_mapping(event):
        return event
    cls = class_of(event)
    names = tuple(getattr(cls, "model_fields", ())) if models.is_model(cls) else field_names(cls)
    return {name: getattr(event, name) for name in names or ()}


def _shows(resource: Mapping[str, Any], name: str, told: Mapping[str, Any]) -> bool:
    plain = msgspec.to_builtins(told[name], str_keys=True, enc_hook=to_wire)
    # 9.90 may be text in one of the two, and a number in the other
    return name in resource and (resource[name] == plain or str(resource[name]) == str(plain))
