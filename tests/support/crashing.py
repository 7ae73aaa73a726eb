"""Named points at which a process dies, as by kill -9: put around the verbs of an engine and the steps of a worker from outside, in a
child process that a test starts. `crashing_on` has what is particular to an engine.

`CRASH_AT=settle.commit:2` in the environment means the second time that one passes there; `CRASH_MARK` is a file that says who has died,
and where: nobody dies after him. With `CRASH_BY=freeze` he stands still there, until he gets SIGCONT. `CRASH_LOG` is a file in which all
that is passed is written down.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final

from workhorse.durable.sagas.log import Log
from workhorse.worker.link import SharedBudget
from workhorse.worker.runner import Runner

CODE: Final = 137
"""What a process ends with that died at its point; a shell says the same of one that was killed."""

_passed: Counter[str] = Counter()
_lock = threading.Lock()

still: Final = threading.Lock()
"""In the hand of whoever freezes the process: what others outside would wait for is not held by it then."""


def cross(point: str) -> None:
    """Pass this point. The one whose time it is does not come back, or not soon."""
    if log := os.environ.get("CRASH_LOG"):
        _append(log, f"{point}\n")
    name, _, nth = os.environ.get("CRASH_AT", "").partition(":")
    if point != name:
        return
    with _lock:
        _passed[point] += 1
        if _passed[point] == int(nth or 1):
            _die(point)


def _die(point: str) -> None:
    try:
        mark = os.open(os.environ["CRASH_MARK"], os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return  # started again after a death: it lives
    os.write(mark, f"{point} {os.getpid()}".encode())
    if os.environ.get("CRASH_BY") == "freeze":
        with still:
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # this thread, so that it goes not one step on
    else:
        os._exit(CODE)


def _append(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, text.encode())
    os.close(file)


def install_in_worker() -> None:
    """From now on the workers of this process pass points."""
    Runner.run = _running(Runner.run)
    Log._put = _writing(Log._put)
    SharedBudget._locked = _locked(SharedBudget._locked)


def of_settle(outcomes: Any) -> str:
    """What a settle is called that hands jobs back, or not."""
    return "handback" if "Released" in {type(outcome).__name__ for outcome in outcomes} else "settle"


def of_put(puts: Any) -> str:
    """Not a worker's sign of life, nor what a settle writes."""
    if any(put.key.startswith("saga/") for put in puts):
        return "journal"
    if puts[-1].key.startswith("spool/"):
        return {"waits": "spool", "forwarder": "lease"}.get(puts[-1].key.split("/")[2], "")
    return "put" if any(put.key.startswith("progress/") for put in puts) else ""


def of_delete(keys: Any) -> str:
    """What leaves a spool."""
    return "unspool" if any("/waits/" in key for key in keys) else ""


def always(label: str) -> Callable[..., str]:
    """The same name for all its calls."""
    return lambda _: label


def _running(run: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(run)
    async def running(*args: Any) -> Any:
        cross("handler.before")
        outcome = await run(*args)
        cross("handler.after")
        return outcome

    return running


def _writing(put: Callable[..., Any]) -> Callable[..., Any]:
    """A line of a saga's journal."""

    @wraps(put)
    async def writing(*args: Any) -> Any:
        cross("line.before")
        done = await put(*args)
        cross("line.after")
        return done

    return writing


def _locked(locked: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(locked)
    @contextmanager
    def watched(self: SharedBudget) -> Generator[Any]:
        cross("tickets.asked")
        with locked(self) as left:
            yield left
            cross("tickets.taken")  # with the lock in its hand
        cross("tickets.handed")

    return watched
