"""What a person sees of a run from outside: how much is left, and the rows in the end."""

import asyncio
from collections.abc import Iterator, Sequence

from account import Final
from account.story import ENDED
from workhorse import Workhorse
from workhorse.core import trail
from workhorse.core.contract import Filter, Inspector, Row

PAGE = 1000


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
        counts = self._app.run(self._inspector.count("status"))
        return {status: sum(by_queue.values()) for status, by_queue in counts.items() if status not in ENDED}

    def rows(self) -> Iterator[Final]:
        """Of all jobs."""
        last = ""
        while page := self._app.run(self._inspector.list(Filter(after=last), PAGE)):
            yield from map(_final, page)
            last = page[-1].job.id

    def delete(self, ids: Sequence[str]) -> None:
        """As a person does who has seen enough of them."""
        self._app.run(self._inspector.delete(Filter(ids=ids)))

    @property
    def _inspector(self) -> Inspector:
        inspector = self._app.run(self._app.engine()).inspector
        assert inspector is not None
        return inspector


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
