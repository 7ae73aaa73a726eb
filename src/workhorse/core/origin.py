"""Whence an event comes: of the job in which it is published, as much as travels with it."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec

from workhorse.core import context


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
    return bearer.origin() if isinstance(bearer, Rooted) else NOWHERE
