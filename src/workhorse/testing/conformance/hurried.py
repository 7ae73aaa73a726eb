"""An engine whose time runs faster than the suite's: for those whose clock nobody can move, so that an hour takes a minute.

    class TestMyServer(Conformance):
        def engine(self, name: str) -> Engine:
            return hurried(MyEngine(name), 20)

        async def pass_time(self, seconds: float) -> None:
            await asyncio.sleep(seconds / 20)

Every duration and moment that goes in is divided, every moment that comes out is multiplied; nothing else is touched.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec

from workhorse.engine import (
    Broker,
    Claim,
    Engine,
    Envelope,
    Inspector,
    Outcome,
    Put,
    Released,
    Retried,
    Row,
    Statements,
    Store,
)

T = TypeVar("T", bound=msgspec.Struct)


def hurried(engine: Engine, times: float) -> Engine:
    """The engine, for which so many of the suite's seconds are one."""
    return cast(Engine, _Engine(engine, times))


class _Hurried:
    """Everything of the inner one, but for what has to do with time."""

    def __init__(self, inner: Any, times: float) -> None:
        self._inner = inner
        self._times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _in(self, struct: T, *fields: str) -> T:
        """With these durations divided, where they are given."""
        return msgspec.structs.replace(struct, **_scaled(struct, fields, 1 / self._times))

    def _job(self, job: Envelope) -> Envelope:
        lane = job.lane and self._in(job.lane, "every")
        unique = job.unique and self._in(job.unique, "within")
        return msgspec.structs.replace(self._in(job, "delay", "at", "expires"), lane=lane, unique=unique)

    def _puts(self, puts: Sequence[Put]) -> list[Put]:
        return [self._in(each, "ttl") for each in puts]


class _Engine(_Hurried):
    @property
    def broker(self) -> Broker | None:
        return self._inner.broker and cast(Broker, _Broker(self._inner.broker, self._times))

    @property
    def store(self) -> Store | None:
        return self._inner.store and cast(Store, _Store(self._inner.store, self._times))

    @property
    def inspector(self) -> Inspector | None:
        return self._inner.inspector and cast(Inspector, _Inspector(self._inner.inspector, self._times))

    @property
    def statements(self) -> Statements | None:
        return self._inner.statements and _Statements(self._inner.statements, self._times)


class _Broker(_Hurried):
    async def publish(self, jobs: Sequence[Envelope], /) -> Any:
        return await self._inner.publish([self._job(each) for each in jobs])

    async def bind(
        self,
        topic: str,
        queue: str,
        bound: bool = True,
        /,
        *,
        priority: int | None = None,
        expires: float | None = None,
    ) -> None:
        life = expires and expires / self._times
        await self._inner.bind(topic, queue, bound, priority=priority, expires=life)

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        claims: list[Claim] = await self._inner.claim(queues, limit, lease / self._times)
        return [msgspec.structs.replace(each, accepted=each.accepted * self._times) for each in claims]

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        inner = [self._outcome(each) for each in outcomes]
        places = {id(each): place for place, each in enumerate(inner)}
        return [(outcomes[places[id(each)]], why) for each, why in await self._inner.settle(inner)]

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> Any:
        return await self._inner.extend(claims, lease / self._times)

    async def wait(self, queues: Sequence[str], limit: int, timeout: float, /) -> None:
        await self._inner.wait(queues, limit, timeout / self._times)

    def _outcome(self, outcome: Outcome) -> Outcome:
        publish = [self._job(each) for each in outcome.publish]
        outcome = msgspec.structs.replace(outcome, writes=self._puts(outcome.writes), publish=publish)
        return self._in(outcome, "after") if isinstance(outcome, Retried | Released) else outcome


class _Store(_Hurried):
    async def now(self) -> float:
        return float(await self._inner.now()) * self._times

    async def put(self, puts: Sequence[Put], /) -> Any:
        return await self._inner.put(self._puts(puts))

    async def wait(self, known: Mapping[str, int], timeout: float, /) -> None:
        await self._inner.wait(known, timeout / self._times)


class _Inspector(_Hurried):
    async def list(self, *arguments: Any) -> list[Row]:
        return [self._row(each) for each in await self._inner.list(*arguments)]

    async def show(self, id: str, /) -> Row | None:
        row = await self._inner.show(id)
        return row and self._row(row)

    def _row(self, row: Row) -> Row:
        return msgspec.structs.replace(row, **_scaled(row, ("accepted", "due", "ended"), self._times))


class _Statements(_Hurried):
    def statements(self, jobs: Sequence[Envelope], puts: Sequence[Put], /) -> Any:
        return self._inner.statements([self._job(each) for each in jobs], self._puts(puts))


def _scaled(struct: msgspec.Struct, fields: Sequence[str], factor: float) -> dict[str, float]:
    values = {field: getattr(struct, field) for field in fields}
    return {field: value * factor for field, value in values.items() if value is not None}
