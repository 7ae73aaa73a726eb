"""Notices that some process wrote: inotify on Linux, kqueue on macOS and the BSDs, elsewhere a slow poll.

Two files tell. The bell is ours: whoever commits what concerns others touches it, after the commit. SQLite's log tells of every other
connection too, but before its commit can be seen (the sync comes in between), so that a look at once may come too early.
"""

import asyncio
import ctypes
import os
import select
import struct
import sys
from collections.abc import Callable
from typing import Any, Final, Protocol

Call = Callable[[bool], None]
"""Is told whether it was the bell."""

_IN_MODIFY: Final = 0x2
_EVENT: Final = struct.Struct("iIII")
_POLL: Final = 0.05


class Notice(Protocol):
    """Calls back in its loop while it listens; it may call for nothing."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...


def notice(bell: str, log: str, loop: asyncio.AbstractEventLoop, call: Call) -> Notice:
    """The best that this system has, not started yet."""
    try:
        if sys.platform == "linux":
            return _Readable(_Inotify(bell, log), loop, call)
        if hasattr(select, "kqueue"):
            return _Readable(_Kqueue(bell, log), loop, call)
    except OSError:  # too many watchers, or a file system that has none
        pass
    return _Poll(loop, call)


class _Source(Protocol):
    fd: int

    def drain(self) -> bool: ...
    def close(self) -> None: ...


class _Readable:
    def __init__(self, source: _Source, loop: asyncio.AbstractEventLoop, call: Call) -> None:
        self._source, self._loop, self._call = source, loop, call

    def start(self) -> None:
        self._loop.add_reader(self._source.fd, self._ready)

    def stop(self) -> None:
        self._loop.remove_reader(self._source.fd)

    def close(self) -> None:
        self._source.close()

    def _ready(self) -> None:
        self._call(self._source.drain())


class _Inotify:
    """By ctypes: the standard library has no door to it."""

    def __init__(self, bell: str, log: str) -> None:
        self._libc: Any = ctypes.CDLL(None, use_errno=True)
        self.fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        try:
            self._bell = self._watch(bell)
            self._watch(log)
        except OSError:
            os.close(self.fd)
            raise

    def _watch(self, path: str) -> int:
        watch: int = self._libc.inotify_add_watch(self.fd, os.fsencode(path), _IN_MODIFY)
        if watch < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        return watch

    def drain(self) -> bool:
        bell = False
        try:
            while events := os.read(self.fd, _EVENT.size * 256):
                bell |= any(event[0] == self._bell for event in _EVENT.iter_unpack(events))
        except BlockingIOError:
            pass
        return bell

    def close(self) -> None:
        os.close(self.fd)


class _Kqueue:
    def __init__(self, bell: str, log: str) -> None:
        kq: Any = select
        self._files = [os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in (bell, log)]
        self._queue = kq.kqueue()
        self.fd: int = self._queue.fileno()
        flags, notes = kq.KQ_EV_ADD | kq.KQ_EV_CLEAR, kq.KQ_NOTE_WRITE | kq.KQ_NOTE_EXTEND
        self._queue.control([kq.kevent(file, kq.KQ_FILTER_VNODE, flags, notes) for file in self._files], 0)

    def drain(self) -> bool:
        return any(event.ident == self._files[0] for event in self._queue.control(None, 16, 0))

    def close(self) -> None:
        self._queue.close()
        for file in self._files:
            os.close(file)


class _Poll:
    def __init__(self, loop: asyncio.AbstractEventLoop, call: Call) -> None:
        self._loop, self._call = loop, call
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = self._loop.call_later(_POLL, self._tick)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        self.stop()

    def _tick(self) -> None:
        self._call(True)
        self.start()
