"""Stores in this process's memory, by name: any number of engines, loops and threads share one, until it is forgotten."""

import threading
from collections.abc import Sequence
from typing import Final

from workhorse.core.clock import Clock
from workhorse.core.errors import DeclarationError
from workhorse.engines.keeping import Policy
from workhorse.engines.sqlite.homes import MemoryHome
from workhorse.engines.sqlite.link import Link
from workhorse.engines.sqlite.tx import Tx

_links: Final[dict[str, tuple[MemoryHome, Link]]] = {}
_lock: Final = threading.Lock()


def home(name: str, clock: Clock | None = None, policy: Policy | None = None) -> Link:
    """The store of this name. The first who asks makes it, with this clock (the system's by default); of policies the last one holds."""
    with _lock:
        if name not in _links:
            new = MemoryHome(name, policy or Policy(), clock)
            _links[name] = new, Link(new)
        found, link = _links[name]
        if clock is not None and found.clock is not clock:
            raise DeclarationError(f"memory://{name}: expected the clock that it has, got another; forget it first")
        if policy is not None:
            found.policy = policy
        return link


async def transact(name: str, statements: Sequence[tuple[str, tuple[object, ...]]]) -> None:
    """What `Statements` gave, as one transaction of its own: nobody else can have a connection to a store in memory."""
    link = home(name)

    def run(tx: Tx) -> None:
        for text, values in statements:
            tx.con.execute(text, values)
        queues, known = link.ears.wanted()
        tx.queues.update(queues)
        tx.keys.update(known)

    await link.write(run)


def forget(name: str) -> None:
    """Drop the store and all that is in it."""
    with _lock:
        _, link = _links.pop(name, (None, None))
    if link is not None:
        link.close()
