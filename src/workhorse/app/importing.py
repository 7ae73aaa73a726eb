"""Items enqueued in their order, once each, by a program that may die and begin again: where it was is a fact beside the jobs."""

import dataclasses
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice
from secrets import token_hex
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from workhorse.app.patience import patiently
from workhorse.core.contract import ABSENT, Put, Store
from workhorse.core.errors import DeclarationError, EngineRefused, WorkhorseError
from workhorse.core.job import Job

T = TypeVar("T")

Enqueue: TypeAlias = Callable[[Iterable[Job[Any]]], Awaitable[object]]
"""An app's `enqueue_many`."""

CHUNK: Final = 1000
"""Items that are durable at once, before their number is."""

NAME: Final = re.compile(r"[A-Za-z0-9_.:+-]{1,120}")


class Mark(msgspec.Struct, frozen=True):
    """So many items are enqueued; `run` is in the ids of all of them."""

    run: str
    at: int = 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Mark).decode


class Progress:
    """An import that goes on where it was when it is begun again, with the same items in the same order.

    DeclarationError for a name of other characters than A-Z a-z 0-9 _ . : + -, or more than 120.
    """

    def __init__(self, name: str, enqueue: Enqueue, marks: Callable[[], Awaitable[Store]], patience: float) -> None:
        if not NAME.fullmatch(name):
            raise DeclarationError(f"progress: expected 1 to 120 of the characters A-Z a-z 0-9 _ . : + -, got {name!r}")
        self._name, self._key = name, f"import/{name}"
        self._enqueue, self._marks, self._patience = enqueue, marks, patience

    async def at(self) -> int:
        """How many of its items are enqueued."""
        found, _ = await self._read(await self._marks())
        return 0 if found is None else found.at

    async def enqueue_many(self, jobs: Iterable[Job[Any]]) -> int:
        """Enqueue the items that are not yet, once each; how many there are in all.

        `jobs` begins with the very first; those enqueued in earlier runs are passed over. Each gets an id made of the name and
        its number, so that what was enqueued just before a death is known. EnqueueRefused: an item does not fit, and it stops at
        its chunk; BrokerUnavailable: the engine is away. Both may be followed by the same call.
        """
        store = await self._marks()
        mark, version = await self._begun(store)
        rest = iter(jobs)
        at = mark.at
        self._pass_over(rest, at)
        while chunk := [self._numbered(job, mark.run, at + n) for n, job in enumerate(islice(rest, CHUNK))]:
            await self._enqueue(chunk)
            at += len(chunk)
            if at > mark.at:  # else another program, which runs the same import, is ahead
                mark, version = await self._moved(store, Mark(mark.run, at), version)
        return at

    async def forget(self) -> None:
        """The next run begins with the first item, and all of them are new."""
        store = await self._marks()
        await self._patiently(lambda: store.delete({self._key: None}))

    async def _begun(self, store: Store) -> tuple[Mark, int]:
        """The mark, put down before any job has an id of it."""
        while True:
            mark, version = await self._read(store)
            if mark is not None:
                return mark, version
            put = Put(self._key, _encode(Mark(token_hex(8))), ABSENT)
            await self._patiently(lambda: store.put([put]))  # noqa: B023  called before the next turn

    async def _moved(self, store: Store, mark: Mark, version: int) -> tuple[Mark, int]:
        """Forward only: another may be ahead, or this is the second try of a put that was done."""
        while True:
            put = Put(self._key, _encode(mark), version)
            (new,) = await self._patiently(lambda: store.put([put]))  # noqa: B023
            if new is not None:
                return mark, new
            found, version = await self._read(store)
            if found is None or found.run != mark.run:
                raise WorkhorseError(f"progress {self._name}: it was forgotten while it ran; begin it again")
            if found.at >= mark.at:
                return found, version

    async def _read(self, store: Store) -> tuple[Mark | None, int]:
        (found,) = await self._patiently(lambda: store.get([self._key]))
        return (None, ABSENT) if found is None else (_decode(found[0]), found[1])

    async def _patiently(self, verb: Callable[[], Awaitable[T]]) -> T:
        return await patiently(verb, self._patience)

    def _numbered(self, job: Job[Any], run: str, n: int) -> Job[Any]:
        return dataclasses.replace(job, id=f"{self._name}:{run}:{n}")

    def _pass_over(self, items: Iterator[Job[Any]], count: int) -> None:
        passed = sum(1 for _ in islice(items, count))
        if passed < count:
            raise WorkhorseError(
                f"progress {self._name}: expected the {count:,} items that are enqueued already and those behind, got {passed:,}; "
                "give the same items in the same order, or forget() it first"
            )


def kept(store: Store | None) -> Store:
    """EngineRefused where no facts are kept."""
    if store is None:
        raise EngineRefused("progress: no store keeps it; give the app a store=, 'sqlite:///facts.db' say")
    return store
