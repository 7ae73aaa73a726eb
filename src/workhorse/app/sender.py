"""Publishes for all who enqueue at once: what one turn of the loop brings goes in one durable batch."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from workhorse.app.patience import patiently
from workhorse.core import ids
from workhorse.core.contract import Answer, Envelope
from workhorse.core.errors import BrokerUnavailable


class Publisher(Protocol):
    """A broker, or who promises the same of this one verb."""

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        """Durable on return; one answer a job, in order."""
        ...


class Sender:
    """Group commit to one publisher. Publishing again is safe: every job has its id before the first try.

    `max_size`: bytes that the engine takes at most.
    """

    def __init__(self, to: Publisher, max_size: int, patience: float) -> None:
        self.max_size, self._to, self._patience = max_size, to, patience
        self._said = ""
        self._gathered: list[tuple[Envelope, asyncio.Future[Answer]]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def send(self, job: Envelope) -> Answer:
        """Durable on return. BrokerUnavailable when there is no answer within the patience."""
        if job.unique is not None or not ids.is_ours(job.id):
            # another's open transaction may hold this id or key, and must not hold up strangers
            return (await self.send_many([job]))[0]
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._gathered.append((job, future))
        if len(self._gathered) == 1:
            task = loop.create_task(self._deliver())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return await future

    async def send_many(self, jobs: Sequence[Envelope]) -> list[Answer]:
        """The same for a batch, by itself."""
        # shielded: a publish that is cancelled in flight has an unknown effect, and a caller may be cancelled
        publishing = asyncio.ensure_future(self._publish(jobs))
        done, _ = await asyncio.wait([publishing], timeout=self._patience)
        if not done:
            publishing.add_done_callback(forget)
            raise self._unanswered()
        return publishing.result()

    async def _deliver(self) -> None:
        """What this turn of the loop brought: the task begins with the next one."""
        gathered, self._gathered = self._gathered, []
        patience = asyncio.get_running_loop().call_later(self._patience, self._give_up, gathered)
        try:
            answers = await self._publish([job for job, _ in gathered])
        except BaseException as error:
            _fail(gathered, error if isinstance(error, Exception) else BrokerUnavailable(repr(error)))
            return
        finally:
            patience.cancel()
        for (_, future), answer in zip(gathered, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    def _give_up(self, gathered: list[tuple[Envelope, "asyncio.Future[Answer]"]]) -> None:
        _fail(gathered, self._unanswered())

    def _unanswered(self) -> BrokerUnavailable:
        return BrokerUnavailable(f"publish: the engine did not answer within {self._patience:g} s{self._said}")

    async def _publish(self, jobs: Sequence[Envelope]) -> list[Answer]:
        return await patiently(lambda: self._asked(jobs), self._patience)

    async def _asked(self, jobs: Sequence[Envelope]) -> list[Answer]:
        try:
            answers = await self._to.publish(jobs)
        except BrokerUnavailable as error:
            self._said = f"; last it was {error}"  # the next try may hang, and who gives up then wants to know why
            raise
        self._said = ""
        return answers


def _fail(gathered: list[tuple[Envelope, "asyncio.Future[Answer]"]], error: Exception) -> None:
    for _, future in gathered:
        if not future.done():
            future.set_exception(error)


def forget(late: "asyncio.Future[list[Answer]]") -> None:
    """For an answer that nobody waits for any more."""
    if not late.cancelled():
        late.exception()  # seen: the caller was told that it is unknown
