"""How many jobs there are. By queue and by status the server counts without looking at any; by task it must look at each."""

from typing import Final

from workhorse.core.contract import Filter
from workhorse.engines.redis import search
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.scripts import LEAN_ON_JOBS, script

Counts = dict[str, dict[str, int]]

_CHUNK: Final = 100
_QUEUES: Final = script("wakes", "jobs", "count_queues")
_PARKED: Final = script("wakes", "jobs", "count_parked")
_TASKS: Final = script(*LEAN_ON_JOBS, "sifting", "count_tasks")
_STATUSES: Final = ("ready", "scheduled", "running", "succeeded", "dead", "cancelled")


async def count(link: Link, by: str) -> Counts:
    """Jobs by name and status; by status and queue."""
    if by == "task":
        return _sorted(await _by_task(link))
    counts = await _by_queue(link)
    if by == "queue":
        return _sorted(counts)
    turned: Counts = {}
    for queue, by_status in counts.items():
        for status, number in by_status.items():
            turned.setdefault(status, {})[queue] = number
    return _sorted(turned)


async def _by_queue(link: Link) -> Counts:
    counts: Counts = {}
    queues = await search.queues_of(link)
    for start in range(0, len(queues), _CHUNK):
        names = queues[start : start + _CHUNK]
        for queue, numbers in zip(names, await link.run(_QUEUES, *names), strict=True):
            for status, number in zip(_STATUSES, numbers, strict=True):
                _add(counts, queue, status, number)
    cursor = b"0"
    while True:
        cursor, *parked = await link.run(_PARKED, cursor)
        for queue, number in zip(parked[::2], parked[1::2], strict=True):
            _add(counts, queue.decode(), "parked", number)
        if cursor == b"0":
            return counts


async def _by_task(link: Link) -> Counts:
    counts: Counts = {}
    async for found in search.sift(link, Filter(), _TASKS):
        for task, status, number in zip(found[::3], found[1::3], found[2::3], strict=True):
            _add(counts, task.decode(), status.decode(), number)
    return counts


def _add(counts: Counts, name: str, status: str, number: int) -> None:
    if number:
        of = counts.setdefault(name, {})
        of[status] = of.get(status, 0) + number


def _sorted(counts: Counts) -> Counts:
    return {name: dict(sorted(counts[name].items())) for name in sorted(counts)}
