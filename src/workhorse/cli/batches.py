"""Many jobs at once: page after page, so that no order is a long transaction and its progress can be seen."""

from collections.abc import Awaitable, Callable, Sequence

from workhorse.cli import rows
from workhorse.cli.shared import Desk
from workhorse.core.contract import Filter, Inspector
from workhorse.core.errors import JobNotFound, WorkhorseError
from workhorse.durable.paging import pages

Order = Callable[[Filter], Awaitable[int]]


async def total(inspector: Inspector, which: Filter) -> int | None:
    """How many jobs that are, where counting is cheap."""
    if which.text or which.ids or which.task:
        return None
    by_queue = await inspector.count("queue")
    return sum(
        number
        for queue, counts in by_queue.items()
        for status, number in counts.items()
        if which.queue in (None, queue) and which.status in (None, status)
    )


async def order_many(desk: Desk, what: str, inspector: Inspector, which: Filter, order: Order) -> int:
    """Give the order for all that the filter means, with a bar; how many jobs obeyed."""
    done = 0
    with desk.progress(what, await total(inspector, which)) as step:
        async for page in pages(inspector, which):
            done += await order(Filter(ids=rows.ids(page), status=which.status))
            step(len(page))
    return done


async def order_each(inspector: Inspector, ids: Sequence[str], order: Order, only: str) -> int:
    """Give the order for these jobs. JobNotFound for one that is not there, WorkhorseError for one that it is not for;
    `only` says for which it is."""
    done = 0
    for id in dict.fromkeys(ids):
        count = await order(Filter(ids=[id]))
        if not count:
            row = await inspector.show(id)
            if row is None:
                raise JobNotFound(f"job {id}: nothing is known of it ({done} done before it)")
            raise WorkhorseError(f"job {id} is {row.status}, and this is for {only} ({done} done before it)")
        done += count
    return done


def jobs_text(count: int) -> str:
    """`1 job`, `2 jobs`."""
    return f"{count:,} job{'' if count == 1 else 's'}"
