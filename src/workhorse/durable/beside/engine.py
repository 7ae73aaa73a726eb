"""The engine: one's broker and inspector, another's store; both are opened and closed together."""

from workhorse.core import beyond
from workhorse.core.contract import Engine, Store
from workhorse.core.errors import EngineRefused
from workhorse.durable.beside.broker import Broker
from workhorse.durable.beside.inspector import Inspector


class Beside:
    """As the contract says, without what needs both in one transaction: its features say so.

    `facts` is the engine whose store is used; None: no facts are kept, and results, progress and signs of workers are off.
    """

    def __init__(self, engine: Engine, facts: Engine | None) -> None:
        self._engine, self._facts = engine, facts
        self._broker: Broker | None = None

    @property
    def broker(self) -> Broker | None:
        if self._broker is None and self._engine.broker is not None:
            self._broker = Broker(self._engine.broker, self._engine.inspector, self.store)
        return self._broker

    @property
    def store(self) -> Store | None:
        return None if self._facts is None else self._facts.store

    @property
    def inspector(self) -> Inspector | None:
        inspector = self._engine.inspector
        return None if inspector is None else Inspector(inspector, self.store)

    @property
    def statements(self) -> None:
        """None: they would write facts into the caller's transaction, where the store is not."""
        return

    async def open(self) -> None:
        """Open both, or none. EngineRefused where the second keeps no facts."""
        await self._engine.open()
        try:
            await self._open_facts()
        except BaseException:
            await self._engine.close()
            raise

    async def close(self) -> None:
        """Close both."""
        try:
            await self._engine.close()
        finally:
            if self._facts is not None:
                await self._facts.close()

    async def describe(self) -> list[tuple[str, str]]:
        """What both tell of themselves."""
        theirs = [(f"store: {about}", text) for about, text in await beyond.described(self._facts)]
        return [*await beyond.described(self._engine), *theirs]

    async def check(self) -> list[tuple[str, str]]:
        """What both find wrong."""
        return [*await beyond.problems(self._engine), *await beyond.problems(self._facts)]

    async def _open_facts(self) -> None:
        if self._facts is None:
            return
        await self._facts.open()
        if self._facts.store is None:
            await self._facts.close()
            raise EngineRefused(
                "store=: the engine of this URL keeps no facts; name one that does, such as sqlite:///facts.db"
            )
