"""The inside of a task's process: takes a payload, calls the task, sends back the verdict."""

import importlib
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from workhorse.core import origin
from workhorse.core.document import Malformed, NewerVersion
from workhorse.core.origin import Origin
from workhorse.core.schema import Unfit
from workhorse.core.task import Task
from workhorse.worker.call import Plan, Planner, Request
from workhorse.worker.shares import arguments, concluded, terms_of
from workhorse.worker.verdict import Failed, Unfitting, Verdict, judge


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
    return _call(task, request.payloads)


def _call(task: Task[..., Any], payloads: Sequence[bytes]) -> Verdict:
    planner = Planner()
    try:
        plans = [planner.plan(task, payload) for payload in payloads]
        args, kwargs = arguments(plans)
    except (Malformed, NewerVersion, Unfit) as error:
        return Unfitting(str(error))
    terms = terms_of(plans)
    try:
        with origin.told(_origin(plans)):
            value = terms.fn(*args, **kwargs)
    except BaseException as error:
        return judge(error, terms.retry)
    return concluded(terms, value, args)


def _origin(plans: Sequence[Plan]) -> Origin:
    """Of what it publishes: its job is known here by its event alone, and its headers not at all."""
    document = plans[0].document
    return origin.of(document, "" if document.event is None else document.event.id, {})


def _find(module: str, qualname: str) -> Task[..., Any]:
    """The task where its declaration says that it stands; both names come from the worker's own registry."""
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    if not isinstance(found, Task):
        raise TypeError(f"expected a task at {module}:{qualname}, got {found!r}")
    return found  # pyright: ignore[reportUnknownVariableType]  # a Task of whatever it is
