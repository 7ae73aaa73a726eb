"""An engine's parts behind a nemesis: each verb as the contract has it, and every call of it meets what the nemesis chooses."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, ParamSpec, TypeVar

from workhorse.core.contract import (
    Answer,
    Broker,
    Claim,
    Engine,
    Envelope,
    Features,
    Filter,
    Inspector,
    Outcome,
    Put,
    Row,
    Statements,
    Store,
)
from workhorse.testing.faults.fault import Call, Verb
from workhorse.testing.faults.nemesis import Nemesis

P = ParamSpec("P")
T = TypeVar("T")


class FaultyEngine(Engine):
    """The engine, its parts behind the nemesis. Its statements are text and meet nothing; closing it always works."""

    def __init__(self, engine: Engine, nemesis: Nemesis) -> None:
        self._engine, self._nemesis = engine, nemesis

    @property
    def broker(self) -> "FaultyBroker | None":
        broker = self._engine.broker
        return None if broker is None else FaultyBroker(broker, self._nemesis)

    @property
    def store(self) -> "FaultyStore | None":
        store = self._engine.store
        return None if store is None else FaultyStore(store, self._nemesis)

    @property
    def inspector(self) -> "FaultyInspector | None":
        inspector = self._engine.inspector
        return None if inspector is None else FaultyInspector(inspector, self._nemesis)

    @property
    def statements(self) -> Statements | None:
        return self._engine.statements

    async def open(self) -> None:
        await self._nemesis.meet(Call("open", (), self._engine.open))

    async def close(self) -> None:
        await self._engine.close()


class _Part:
    def __init__(self, nemesis: Nemesis) -> None:
        self._nemesis = nemesis

    async def _meet(self, name: Verb, verb: Callable[P, Awaitable[T]], *arguments: P.args, **named: P.kwargs) -> T:
        answer: T = await self._nemesis.meet(Call(name, arguments, lambda: verb(*arguments, **named)))
        return answer


class FaultyBroker(_Part, Broker):
    """The broker, behind the nemesis."""

    def __init__(self, broker: Broker, nemesis: Nemesis) -> None:
        super().__init__(nemesis)
        self._broker = broker

    @property
    def features(self) -> Features:
        return self._broker.features

    async def publish(self, jobs: Sequence[Envelope], /) -> list[Answer]:
        return await self._meet("publish", self._broker.publish, jobs)

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
        await self._meet("bind", self._broker.bind, topic, queue, bound, priority=priority, expires=expires)

    async def claim(self, queues: Sequence[str], limit: int, lease: float, /) -> list[Claim]:
        return await self._meet("claim", self._broker.claim, queues, limit, lease)

    async def settle(self, outcomes: Sequence[Outcome], /) -> list[tuple[Outcome, str]]:
        return await self._meet("settle", self._broker.settle, outcomes)

    async def extend(self, claims: Sequence[Claim], lease: float, /) -> list[Literal["kept", "lost", "cancel"]]:
        return await self._meet("extend", self._broker.extend, claims, lease)

    async def wait(self, queues: Sequence[str], limit: int, timeout: float, /) -> None:
        await self._meet("wait", self._broker.wait, queues, limit, timeout)


class FaultyStore(_Part, Store):
    """The store, behind the nemesis."""

    def __init__(self, store: Store, nemesis: Nemesis) -> None:
        super().__init__(nemesis)
        self._store = store

    async def get(self, keys: Sequence[str], /) -> list[tuple[bytes, int] | None]:
        return await self._meet("get", self._store.get, keys)

    async def put(self, puts: Sequence[Put], /) -> list[int | None]:
        return await self._meet("put", self._store.put, puts)

    async def delete(self, keys: Mapping[str, int | None], /) -> list[bool]:
        return await self._meet("delete", self._store.delete, keys)

    async def scan(self, prefix: str, after: str = "", limit: int = 1000, /) -> list[tuple[str, bytes, int]]:
        return await self._meet("scan", self._store.scan, prefix, after, limit)

    async def now(self) -> float:
        return await self._meet("now", self._store.now)

    async def wait(self, known: Mapping[str, int], timeout: float, /) -> None:
        await self._meet("wait", self._store.wait, known, timeout)


class FaultyInspector(_Part, Inspector):
    """The inspector, behind the nemesis."""

    def __init__(self, inspector: Inspector, nemesis: Nemesis) -> None:
        super().__init__(nemesis)
        self._inspector = inspector

    async def count(self, by: Literal["queue", "task", "status"], /) -> dict[str, dict[str, int]]:
        return await self._meet("count", self._inspector.count, by)

    async def list(self, which: Filter, limit: int = 100, /) -> Sequence[Row]:
        return await self._meet("list", self._inspector.list, which, limit)

    async def show(self, id: str, /) -> Row | None:
        return await self._meet("show", self._inspector.show, id)

    async def retry(self, which: Filter, /) -> int:
        return await self._meet("retry", self._inspector.retry, which)

    async def cancel(self, which: Filter, /) -> int:
        return await self._meet("cancel", self._inspector.cancel, which)

    async def delete(self, which: Filter, /) -> int:
        return await self._meet("delete", self._inspector.delete, which)

    async def pause(self, queue: str, /) -> None:
        await self._meet("pause", self._inspector.pause, queue)

    async def resume(self, queue: str, /) -> None:
        await self._meet("resume", self._inspector.resume, queue)
