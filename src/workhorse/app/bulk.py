"""Many jobs at once: in chunks, each durable as a whole. While one is on its way the next is made, and the loop turns meanwhile."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from workhorse.app.sender import Sender, forget
from workhorse.core.contract import Answer, Envelope
from workhorse.core.errors import BrokerUnavailable
from workhorse.core.job import Job
from workhorse.core.keyed import refusal
from workhorse.core.schema import Unfit

R = TypeVar("R")

CHUNK = 1000
"""Jobs that are made durable at once."""

SLICE = 100
"""Jobs that are made in one turn of the loop."""

UNDER_WAY = 2
"""Chunks that the engine has at once: the second waits while the first is synced."""


class Bulk(Generic[R]):
    """One call of `enqueue_many`; it keeps what was refused, with the reasons."""

    def __init__(self, sender: Sender, envelope: Callable[[Job[Any]], Envelope]) -> None:
        self._sender, self._envelope = sender, envelope
        self._under_way: deque[tuple[list[Job[R]], asyncio.Task[list[Answer]]]] = deque()
        self.refused: list[tuple[str, str]] = []

    async def send(self, jobs: Iterable[Job[R]]) -> AsyncGenerator[list[tuple[Job[R], Answer]]]:
        """Chunk by chunk, what was accepted. BrokerUnavailable carries those of which nobody knows, and those that were not tried."""
        rest = iter(jobs)
        while chunk := await self._chunk(rest):
            envelopes = [envelope for _, envelope in chunk]
            sending = asyncio.ensure_future(self._sender.send_many(envelopes))
            self._under_way.append(([job for job, _ in chunk], sending))
            if len(self._under_way) == UNDER_WAY:
                yield await self._landed(rest)
        while self._under_way:
            yield await self._landed(rest)

    async def _chunk(self, rest: Iterator[Job[R]]) -> list[tuple[Job[R], Envelope]]:
        chunk: list[tuple[Job[R], Envelope]] = []
        while some := list(islice(rest, min(SLICE, CHUNK - len(chunk)))):
            for job in some:
                try:
                    chunk.append((job, self._envelope(job)))
                except Unfit as error:
                    self.refused.append((job.id, str(error)))
            await asyncio.sleep(0)
        return chunk

    async def _landed(self, rest: Iterator[Job[R]]) -> list[tuple[Job[R], Answer]]:
        jobs, sending = self._under_way.popleft()
        try:
            answers = await sending
        except BrokerUnavailable as error:
            raise BrokerUnavailable(str(error), [*jobs, *self._abandoned(), *rest]) from error
        answered = [(job, answer, refusal(job, answer)) for job, answer in zip(jobs, answers, strict=True)]
        self.refused += [(job.id, why) for job, _, why in answered if why]
        return [(job, answer) for job, answer, why in answered if not why]

    def _abandoned(self) -> Sequence[Job[R]]:
        for _, sending in self._under_way:
            sending.add_done_callback(forget)
        return [job for jobs, _ in self._under_way for job in jobs]
