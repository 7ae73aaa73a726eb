"""Where the time of a drain goes: each thread of the worker apart, by samples from outside (py-spy); and what
the server says of its own time."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence

import environments
from peer import Peer
from servers.server import Spent
from stage import Stage

CONCURRENCY = 100
TOP = 20
RATE = 500
"""Samples a second."""

Stacks = dict[str, list[tuple[list[str], int]]]
"""By thread: functions from the outermost inward, and how often they were seen so."""


def profile(peer: Peer, jobs: int) -> str:
    """The top of each thread, in microseconds a job. What never holds the lock of the interpreter waits, or is in SQLite."""
    with Stage(peer) as stage:
        stage.server.watched = True
        stage.empty()
        stage.enqueue("bulk", jobs, 600)
        filled = stage.server.spent()
        stage.keep()
        (everything, _), (holding, spent) = _sampled(stage, jobs), _sampled(stage, jobs, "--gil")
    threads = ["\n".join(_thread(name, everything[name], holding.get(name, []), jobs)) for name in everything]
    return "\n".join(
        [f"=== {peer.engine}", *threads, *_server("filling", filled, jobs), *_server("draining", spent, jobs)]
    )


def _server(when: str, spent: Sequence[Spent], jobs: int) -> Iterator[str]:
    if spent:
        yield f"== the server, {when}: {sum(one.microseconds for one in spent) / jobs:.2f} µs a job"
        yield f"{'µs':>8}{'calls':>8}"
    for one in sorted(spent, key=lambda one: -one.microseconds)[:TOP]:
        yield f"{one.microseconds / jobs:>8.2f}{one.calls:>8}  {' '.join(one.what.split())[:150]}"


def _sampled(stage: Stage, jobs: int, *options: str) -> tuple[Stacks, Sequence[Spent]]:
    """One drain, watched."""
    stage.again()
    stage.start(1, CONCURRENCY)
    (worker,) = stage.groups
    found = stage.folder / "stacks"
    spy = [environments.program("tools", "py-spy"), "record", "--pid", str(worker), "--threads", "--format", "raw"]
    limits = ["--rate", str(RATE), "--duration", "3600", "--output", found]
    with subprocess.Popen([*spy, *limits, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as watch:
        stage.wait_for_jobs(jobs, 3600)
        spent = stage.server.spent()
        stage.stop()  # then it writes down what it saw
        _, said = watch.communicate(timeout=60)
    if not found.exists():
        raise SystemExit(f"py-spy saw nothing: {said.decode(errors='replace')[-500:]}")
    return _threads(found.read_text("utf-8")), spent


def _threads(raw: str) -> Stacks:
    threads: Stacks = {}
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *functions = stack.split(";")
        if not functions:  # not in Python at that moment, and not known where
            continue
        name = re.sub(r"^thread \(\w+\): |/\S*/", "", thread)
        threads.setdefault(name, []).append(([_short(function) for function in functions], int(count)))
    return threads


def _short(function: str) -> str:
    """Without the line, and without the beginning of the path."""
    return re.sub(r":\d+\)$", ")", re.sub(r"\((?:\S*/)?(?:site-packages|lib/python[\d.]+|src)/", "(", function))


def _thread(
    name: str, stacks: Sequence[tuple[list[str], int]], holding: Sequence[tuple[list[str], int]], jobs: int
) -> Iterator[str]:
    own, within, held = Counter[str](), Counter[str](), Counter[str]()
    for functions, count in stacks:
        own[functions[-1]] += count
        within.update(dict.fromkeys(functions, count))
    for functions, count in holding:
        held[functions[-1]] += count
    yield f"== {name}: {_cost(own.total(), jobs)} µs a job, {_cost(held.total(), jobs)} of them with the interpreter's lock"
    yield f"{'own':>8}{'locked':>8}{'within':>8}"
    for function, count in own.most_common(TOP):
        yield f"{_cost(count, jobs):>8}{_cost(held[function], jobs):>8}{_cost(within[function], jobs):>8}  {function}"


def _cost(samples: int, jobs: int) -> str:
    return f"{samples / RATE / jobs * 1e6:.2f}"
