"""News: what follows a commit. Our own waiters wake, other processes are told, and what has ended is pruned now and then."""

from collections.abc import Collection, Mapping, Sequence

from workhorse.engines.postgres.ears import Ears
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.notifier import Notifier
from workhorse.engines.postgres.pruning import Pruner
from workhorse.engines.postgres.watch import Watch


class News:
    """Told by the verbs, after the server's answer; who waits hears it here."""

    def __init__(self, link: Link) -> None:
        self._ears = Ears()
        self._notifier = Notifier(link)
        self._pruner = Pruner(link)
        self._watch = Watch(link, self._ears, self._notifier.sender)

    def ride(self, queues: Collection[str]) -> str | None:
        """What other processes are to be told along with a commit about to be made; None: they are told afterwards, by `tell`."""
        return self._notifier.ride(queues)

    def tell(self, queues: Collection[str] = (), keys: Collection[str] = (), *, others: bool = True) -> None:
        """Something was committed that concerns these; others know already, or are told. Never waits, never raises."""
        self._ears.tell(queues, keys)
        if others:
            self._notifier.add(queues, keys)

    def wear(self, rows: int) -> None:
        """So many rows are to be pruned one day. Never waits, never raises."""
        self._pruner.wear(rows)

    async def for_work(self, queues: Sequence[str], timeout: float) -> None:
        """Until a claim may find work, at most `timeout` seconds."""
        await self._watch.for_work(queues, timeout)

    async def for_facts(self, known: Mapping[str, int], timeout: float) -> None:
        """Until a version is no longer the known one, at most `timeout` seconds."""
        await self._watch.for_facts(known, timeout)

    async def close(self) -> None:
        """Tell what is left to be told; listen no more."""
        await self._watch.close()
        await self._pruner.close()
        await self._notifier.close()
