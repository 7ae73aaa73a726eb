"""What a person sees of a run from outside: how much is left, and the rows in the end."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from account import Final
from account.story import ENDED
from workhorse import Workhorse
from workhorse.app.patience import patiently
from workhorse.core import trail
from workhorse.core.contract import Filter, Inspector, Row

T = TypeVar("T")

PAGE = 1000
PATIENCE = 20.0
"""Seconds for which an engine may be away that nothing is done to any more."""


class Office:
    """An app of its own on the same data; close it before its disk is taken away."""

    def __init__(self, url: str, retain: float) -> None:
        self._app = Workhorse(url, name="ledger", retain=retain)
        self._app.run(self._app.engine())

    def close(self) -> None:
        """Let go of the data."""
        asyncio.run(self._app.close())

    def left(self) -> dict[str, int]:
        """How many jobs have not ended, by status."""
        counts = self._asked(lambda it: it.count("status"))
        return {status: sum(by_queue.values()) for status, by_queue in counts.items() if status not in ENDED}

    def rows(self) -> Iterator[Final]:
        """Of all jobs."""
        last = ""
        while page := self._asked(lambda it: it.list(Filter(after=last), PAGE)):  # noqa: B023
            yield from map(_final, page)
            last = page[-1].job.id

    def delete(self, ids: Sequence[str]) -> None:
        """As a person does who has seen enough of them."""
        for start in range(0, len(ids), PAGE):
            self._asked(lambda it: it.delete(Filter(ids=ids[start : start + PAGE])))  # noqa: B023

    def _asked(self, question: Callable[[Inspector], Awaitable[T]]) -> T:
        """The answer; a connection that a dead server left behind is found out by the first question."""

        async def asked() -> T:
            inspector = (await self._app.engine()).inspector
            assert inspector is not None
            return await question(inspector)

        return self._app.run(patiently(asked, PATIENCE))


def _final(row: Row) -> Final:
    errors = tuple(record.message for record in trail.load(row.job.trail).history)
    return Final(
        job=row.job.id,
        status=row.status,
        attempt=row.job.attempt,
        crashes=row.crashes,
        reason=row.reason,
        errors=errors,
    )
