"""What a Store knows of a saga, read: its head, whether it is cancelled, and its journal."""

from workhorse.core.contract import Store
from workhorse.core.sagas import records
from workhorse.core.sagas.journal import Journal
from workhorse.core.sagas.records import Begin, Corrupt
from workhorse.durable.sagas import head, keys
from workhorse.durable.sagas.head import Head

PAGE = 1000


class Past:
    """`version` is the head's (0: there is none); `corrupt` says why the journal cannot be gone on with."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.head: Head | None = None
        self.version = 0
        self.cancelled = False
        self.corrupt = ""


async def read(store: Store, id: str) -> Past:
    """All of it."""
    past = Past()
    found, cancel = await store.get([keys.head(id), keys.cancel(id)])
    if found is not None:
        past.head, past.version = head.load(found[0]), found[1]
    past.cancelled = cancel is not None
    try:
        await _read_journal(store, id, past.journal)
    except Corrupt as error:
        past.corrupt = str(error)
    return past


async def _read_journal(store: Store, id: str, journal: Journal) -> None:
    after = ""
    while page := await store.scan(keys.journal(id), after, PAGE):
        for after, line, _ in page:
            _check(journal, id, after)
            for record in records.load(line, f"journal of saga {id}, entry {journal.count + 1}"):
                _add(journal, id, record)


def _check(journal: Journal, id: str, key: str) -> None:
    if key != keys.line(id, journal.count + 1):
        raise Corrupt(f"journal of saga {id}: entry {journal.count + 1} is lost: expected it before {key}")


def _add(journal: Journal, id: str, record: records.AnyRecord) -> None:
    if journal.count == 0 and not isinstance(record, Begin):
        raise Corrupt(f"journal of saga {id}: expected its begin as entry 1, got {type(record).__name__.lower()}")
    try:
        journal.add(record)
    except KeyError as error:
        raise Corrupt(f"journal of saga {id}: entry {journal.count} speaks of entry {error}, which is none") from None
