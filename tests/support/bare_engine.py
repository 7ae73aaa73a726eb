"""An engine of a third party that moves jobs and keeps no facts."""

from workhorse.core.contract import Engine
from workhorse.engines import open_engine


class Bare:
    """Another engine, without its store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.broker, self.inspector, self.store, self.statements = engine.broker, engine.inspector, None, None

    async def open(self) -> None:
        await self._engine.open()

    async def close(self) -> None:
        await self._engine.close()


def bare(url: str) -> Bare:
    """For `bare://NAME`: as `memory://NAME`."""
    return Bare(open_engine(url.replace("bare://", "memory://", 1)))
