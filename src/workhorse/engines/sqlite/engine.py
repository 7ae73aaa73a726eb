"""The engine that a URL of SQLite or memory names: broker, store, inspector and statements over one link."""

import asyncio

from workhorse.engines.keeping import Policy
from workhorse.engines.sqlite import doctor, memory, urls
from workhorse.engines.sqlite.aside import aside
from workhorse.engines.sqlite.broker import Broker
from workhorse.engines.sqlite.homes import MemoryHome
from workhorse.engines.sqlite.inspector import Inspector
from workhorse.engines.sqlite.link import Link
from workhorse.engines.sqlite.migrating import Migrations
from workhorse.engines.sqlite.statements import Statements
from workhorse.engines.sqlite.store import Store
from workhorse.engines.sqlite.watch import Watches


class SqlEngine:
    """As the contract says; `describe`, `check` and `migrations` are for people."""

    def __init__(self, link: Link, *, shared: bool = False) -> None:
        self._link, self._shared = link, shared
        self._watches = Watches(link)
        self._broker = Broker(link, self._watches)
        self._store = Store(link, self._watches)
        self._inspector = Inspector(link)
        self._statements = Statements(link.home)

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
        """The steps of its schema, to be looked at or taken before it is open."""
        return Migrations(self._link.home)

    async def open(self) -> None:
        """Connect, check and create what is missing. EngineRefused: the file cannot be used as it is, and was not touched."""
        await asyncio.to_thread(self._link.open)

    async def close(self) -> None:
        """Finish what waits, and close; a store in memory stays for the others."""
        self._watches.close()
        if not self._shared:
            await asyncio.to_thread(self._link.close)

    async def describe(self) -> list[tuple[str, str]]:
        """Facts about the place, for `doctor`."""
        return await aside(self._link, lambda tx: doctor.describe(self._link.home, tx.con))

    async def check(self) -> list[tuple[str, str]]:
        """Problems, each with its fix; reads everything."""
        return await aside(self._link, lambda tx: doctor.check(self._link.home, tx.con))


def sqlite(url: str) -> SqlEngine:
    """The engine of `sqlite:///file.db`, not yet open."""
    return SqlEngine(Link(urls.file_home(url)))


def in_memory(url: str) -> SqlEngine:
    """The engine of `memory://NAME`; without a name it is alone with its store."""
    name, policy = urls.memory_name(url)
    if not name:
        return SqlEngine(Link(MemoryHome("", policy or Policy())))
    return SqlEngine(memory.home(name, policy=policy), shared=True)
