"""Whence an event comes: of the job in which it is published, as much as travels with it."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, runtime_checkable

import msgspec

from workhorse.core import context
from workhorse.core.document import Document


class Origin(msgspec.Struct, frozen=True, gc=False):
    """`hops`: how many events and jobs this job followed, itself included; `headers` are the context that goes along."""

    job: str = ""
    hops: int = 0
    correlation: str = ""
    headers: Mapping[str, str] = {}


NOWHERE = Origin()


@runtime_checkable
class Rooted(Protocol):
    """A bearer of a context that knows it: a job of a worker, and no context made by hand."""

    def origin(self) -> Origin:
        """Of what is published from here."""
        ...


def here() -> Origin:
    """Of the job that this code runs for; outside of one there is nothing to tell."""
    bearer = context.current()
    return bearer.origin() if isinstance(bearer, Rooted) else _told.get()


def of(document: Document, job: str, headers: Mapping[str, str]) -> Origin:
    """Of what this job publishes."""
    correlation = "" if document.event is None else document.event.correlationid
    return Origin(job, document.overrides.hops + 1, correlation or job, headers)


@contextmanager
def told(origin: Origin) -> Generator[None]:
    """Where no context can follow, in a process of its own: within the block this is it."""
    token = _told.set(origin)
    try:
        yield
    finally:
        _told.reset(token)


_told: "ContextVar[Origin]" = ContextVar("workhorse-origin", default=NOWHERE)
