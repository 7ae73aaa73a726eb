"""The engine that a URL of PostgreSQL names: broker, store, inspector and statements over one link."""

from workhorse.engines.postgres import doctor, schema, urls
from workhorse.engines.postgres.broker import Broker
from workhorse.engines.postgres.inspector import Inspector
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.migrations import Migrations
from workhorse.engines.postgres.news import News
from workhorse.engines.postgres.statements import Statements
from workhorse.engines.postgres.store import Store


class PostgresEngine:
    """As the contract says; `describe`, `check` and `migrations` are for people."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._news = News(link)
        self._broker = Broker(link, self._news)
        self._store = Store(link, self._news)
        self._inspector = Inspector(link, self._news)
        self._statements = Statements(link.place)
        self._migrations = Migrations(link.pool)

    @property
    def broker(self) -> Broker:
        return self._broker

    @property
    def store(self) -> Store:
        return self._store

    @property
    def inspector(self) -> Inspector:
        return self._inspector

    @property
    def statements(self) -> Statements:
        return self._statements

    @property
    def migrations(self) -> Migrations:
        """The steps to the tables that this release needs."""
        return self._migrations

    async def open(self) -> None:
        """Connect, check the server's version, create what is missing. EngineRefused: it cannot be used as it is."""
        await self._link.open(lambda con: schema.prepare(con, self._link.place))

    async def close(self) -> None:
        """Finish what is under way, and close."""
        if self._link.is_open:
            await self._news.close()
        await self._link.close()

    async def describe(self) -> list[tuple[str, str]]:
        """Facts about the server, for `doctor`."""
        return await doctor.describe(self._link)

    async def check(self) -> list[tuple[str, str]]:
        """Problems, each with its fix."""
        return await doctor.check(self._link)


def postgres(url: str) -> PostgresEngine:
    """The engine of `postgresql://user@host/database`, not yet open."""
    return PostgresEngine(Link(urls.place(url)))
