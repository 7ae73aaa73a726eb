"""The inside of a task's process: takes a payload, calls the task, sends back the verdict."""

import importlib
import os
import signal
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from workhorse.core.task import Task
from workhorse.worker.call import Request, call_sync
from workhorse.worker.verdict import Failed, Verdict


def serve(pipe: Connection) -> None:
    """Answer one request after the other until the pipe closes; the worker decides when to end a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pid = os.getpid()
    while True:
        try:
            request = msgspec.msgpack.decode(pipe.recv_bytes(), type=Request)
        except (EOFError, OSError):
            return
        verdict = _run(request)
        if os.getpid() != pid:
            os._exit(0)  # the task forked and its copy came back here: only the original may answer
        try:
            pipe.send_bytes(msgspec.msgpack.encode(verdict))
        except OSError:
            return


def _run(request: Request) -> Verdict:
    try:
        task = _find(request.module, request.qualname)
    except Exception as error:
        return Failed(type(error).__name__, f"the process could not import the task: {error}", again=False)
    return call_sync(task, request.payload)


def _find(module: str, qualname: str) -> Task[..., Any]:
    """The task where its declaration says that it stands; both names come from the worker's own registry."""
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    if not isinstance(found, Task):
        raise TypeError(f"expected a task at {module}:{qualname}, got {found!r}")
    return found  # pyright: ignore[reportUnknownVariableType]  # a Task of whatever it is
