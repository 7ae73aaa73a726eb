"""The engine that a URL of PostgreSQL names: broker, store, inspector and statements over one link."""

from workhorse.engines.postgres import schema, urls
from workhorse.engines.postgres.broker import Broker
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.news import News


class PostgresEngine:
    """As the contract says; `describe` and `check` are for people."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._news = News()
        self._broker = Broker(link, self._news)

    @property
    def broker(self) -> Broker:
        return self._broker

    @property
    def store(self) -> None:
        return None

    @property
    def inspector(self) -> None:
        return None

    @property
    def statements(self) -> None:
        return None

    async def open(self) -> None:
        """Connect, check the server's version, create what is missing. EngineRefused: it cannot be used as it is."""
        await self._link.open(lambda con: schema.prepare(con, self._link.place))

    async def close(self) -> None:
        """Finish what is under way, and close."""
        await self._link.close()


def postgres(url: str) -> PostgresEngine:
    """The engine of `postgresql://user@host/database`, not yet open."""
    return PostgresEngine(Link(urls.place(url)))
