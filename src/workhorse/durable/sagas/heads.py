"""All sagas that have begun, by their heads, which stand between the journals."""

from workhorse.core.contract import Store
from workhorse.durable.sagas import head, keys
from workhorse.durable.sagas.head import Head

_ALL = keys.head("")
_PAGE = 100
_PAST = "/~"
"""Sorts after every line of a journal."""


async def found(store: Store, status: str | None, after: str, limit: int) -> list[tuple[str, Head]]:
    """Those of this status (None: any), in the order of their ids, after this one."""
    all: list[tuple[str, Head]] = []
    last = f"{_ALL}{after}{_PAST}" if after else ""
    while len(all) < limit and (page := await store.scan(_ALL, last, _PAGE)):
        for key, value, _ in page:
            its = None if _id(key) else head.load(value)
            if its is not None and (status is None or its.status == status):
                all.append((key.removeprefix(_ALL), its))
        last = page[-1][0]
        if id := _id(last):
            last = f"{_ALL}{id}{_PAST}"  # over the rest of a long journal
    return all[:limit]


def _id(key: str) -> str:
    """Whose journal this line is of; empty: it is a head."""
    id, line, _ = key.removeprefix(_ALL).partition("/")
    return id if line else ""
