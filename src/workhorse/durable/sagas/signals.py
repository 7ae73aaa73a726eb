"""The signals of a saga: kept until it waits for them, and not without end."""

from workhorse.core.contract import Store
from workhorse.durable.sagas import keys

MOST = 1000
"""Of one saga, that it has not been pruned of yet."""


async def full(store: Store, id: str) -> str:
    """Why there is no room for one more; empty: there is."""
    if len(await store.scan(keys.signals(id), "", MOST)) < MOST:
        return ""
    return f"saga {id} has {MOST} signals already; a signal is not a queue"
