"""Watching for the commits of other processes: on a notice one look for all who listen, and not too many looks."""

import asyncio
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Final

from workhorse.core.errors import WorkhorseError
from workhorse.engines.sqlite import claiming, facts
from workhorse.engines.sqlite.ears import Ear
from workhorse.engines.sqlite.link import Link
from workhorse.engines.sqlite.notice import Notice, notice
from workhorse.engines.sqlite.tx import Tx

_AFRESH: Final = 0.02
_ECHOES: Final = (0.001, 0.004, 0.02, 0.1, 0.5)
"""Seconds from look to look after the log was written to: its commit is seen only after its sync."""

_GAP: Final = 0.002
_ECHO_GAP: Final = 0.004
"""Seconds between two looks: a neighbour that commits all the time must not keep us busy."""


class Watches:
    """One watch for each loop that has listeners."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._by_loop: dict[asyncio.AbstractEventLoop, _Watch] = {}

    @contextmanager
    def listening(self, queues: Collection[str] = (), known: Mapping[str, int] | None = None) -> Generator[Ear]:
        """An ear that also hears other processes. Whoever looks inside the block misses nothing that is committed later."""
        if not self._link.home.log:
            with self._link.ears.listening(queues, known) as ear:
                yield ear
            return
        watch = self._watch()
        with self._link.ears.listening(queues, known) as ear:
            watch.start()
            try:
                yield ear
            finally:
                watch.stop()

    def close(self) -> None:
        """Close every watch; their listeners wake by their own time-outs."""
        while self._by_loop:
            self._by_loop.popitem()[1].close()

    def _watch(self) -> "_Watch":
        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            for old in [other for other in tuple(self._by_loop) if other.is_closed()]:
                if (watch := self._by_loop.pop(old, None)) is not None:  # another thread's loop may sweep as well
                    watch.close()
            self._by_loop[loop] = _Watch(self._link, loop)
        return self._by_loop[loop]


class _Watch:
    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        self._link, self._loop = link, loop
        self._notice: Notice = notice(link.home.bell, link.home.log, loop, self._noticed)
        self._listeners = 0
        self._closed = False
        self._looking = self._again = False
        self._echoes: list[float] = []
        self._echoing = self._louder = False
        self._started = self._looked = 0.0

    def start(self) -> None:
        self._listeners += 1
        if self._listeners == 1:
            self._notice.start()

    def stop(self) -> None:
        self._listeners -= 1
        if self._listeners == 0 and not self._closed:  # its descriptor may be somebody else's by now
            self._notice.stop()

    def close(self) -> None:
        self._closed = True
        if self._listeners and not self._loop.is_closed():
            self._notice.stop()
        self._notice.close()

    def _noticed(self, bell: bool) -> None:
        if bell:
            self._want_look(_GAP)
        else:
            self._louder = True
            if not self._echoing:
                self._echo_from_the_start()

    def _echo_from_the_start(self) -> None:
        self._echoing, self._louder = True, False
        self._started, self._echoes = self._loop.time(), list(_ECHOES)
        self._loop.call_later(self._echoes.pop(0), self._echo)

    def _echo(self) -> None:
        self._want_look(_ECHO_GAP)
        if self._louder and self._loop.time() - self._started >= _AFRESH:
            self._echo_from_the_start()
        elif self._echoes:
            self._loop.call_later(self._echoes.pop(0), self._echo)
        else:
            self._echoing = False

    def _want_look(self, gap: float) -> None:
        if self._looking:
            self._again = True
        elif self._listeners:
            self._looking, self._again = True, False
            self._loop.call_later(max(0.0, self._looked + gap - self._loop.time()), self._start_look)

    def _start_look(self) -> None:
        self._again = False  # what comes from here on may be too late for this look
        self._task = self._loop.create_task(self._look())

    async def _look(self) -> None:
        try:
            await self._link.read(lambda tx: look(tx, self._link))
        except WorkhorseError:  # the verbs say it to who asks; here nobody does
            pass
        finally:
            self._looking, self._looked = False, self._loop.time()
        if self._again:
            self._want_look(_GAP)


def look(tx: Tx, link: Link) -> None:
    """Ring those for whom another connection's commits changed something; our own commits have told theirs."""
    found = tx.one("pragma data_version")
    if found is None or found[0] == link.seen:
        return
    link.seen = found[0]
    queues, known = link.ears.wanted()
    if queues:
        dues: dict[str, int] = {}
        if tx.one("select 1 from workhorse_asking limit 1"):
            dues = dict.fromkeys(queues, tx.now)
        for _, queue, due in claiming.levels(tx, list(queues)):
            dues[queue] = min(due, dues.get(queue, due))
        link.ears.earlier(dues)
    if known:
        first = {key: next(iter(versions)) for key, versions in known.items()}
        several = {key for key, versions in known.items() if len(versions) > 1}
        link.ears.tell((), facts.changed(tx, first) | several)
