"""The end of a month in a shop: a schedule, unique jobs, limits, order, a batch, follow-ups and a group, on any engine. From this folder:

python month_end.py
WORKHORSE_URL=redis://127.0.0.1 python month_end.py
"""

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import Any

from workhorse import Batch, Context, Every, Fixed, Job, JobFailed, JobHandle, Limit, Retry, Unique, Workhorse

app = Workhorse(name="month-end")  # on $WORKHORSE_URL, else sqlite:///workhorse.db

ACCOUNTS = {"ada": [120, -20, 5], "bob": [80, 40, -60], "eve": [7, 7, 7]}

balances: defaultdict[str, int] = defaultdict(int)
booked: defaultdict[str, list[int]] = defaultdict(list)
batches: list[list[str]] = []
open_drawer = asyncio.Event()
printing = most = 0


@app.task(ordered_by="{account}", retry=Retry(1, Fixed(0.05)))
async def book(ctx: Context, account: str, amount: int) -> str:
    """In order for each account, also when one has to be tried again: a balance depends on it."""
    if amount == -20 and ctx.attempt == 1:
        raise ConnectionError("the bank does not answer")
    booked[account].append(amount)
    balances[account] += amount
    return f"{account} {amount:+}"


@app.task(batch=Batch(size=100, wait=0.2))
async def add_to_index(entries: list[str]) -> None:
    """Follows each booking; many entries are as cheap as one."""
    batches.append(entries)


@app.task(unique=Unique(by=("account",), while_="queued", on_conflict="replace"))
async def show_balance(account: str, after: str) -> str:
    """Whatever happens to an account meanwhile, its page is drawn once, and by the newest request."""
    return f"{account} after {after}"


@app.task(limit=Limit(concurrency=2, rate="50/s", key="{printer}"))
async def print_statement(account: str, printer: str = "laser") -> str:
    """Two at once, by however many workers: the printer takes no more."""
    global printing, most
    printing, most = printing + 1, max(most, printing + 1)
    await asyncio.sleep(0.05)
    printing -= 1
    return f"{account}: {balances[account]}"


@app.task
async def bind(statements: list[str], title: str) -> str:
    """Gets the statements of all, in order."""
    return f"{title} ({', '.join(statements)})"


@app.task
async def shelve(book_of_statements: str) -> str:
    """Follows the binding."""
    return f"on the shelf: {book_of_statements}"


@app.task
async def ask_a_person(dead: Job[Any]) -> str:
    """Is told of each mail that cannot be sent."""
    return f"{dead.task} to {dead.args[0]} was tried {len(dead.attempts)} times"


@app.task(retry=Retry(1, Fixed(0)), on_dead=ask_a_person)
async def send(to: str) -> None:
    """Works for real addresses."""
    if "@" not in to:
        raise ValueError(f"no such address: {to}")


@app.task(schedule=Every(seconds=1))
async def count_the_drawer() -> None:
    """Once a second, by whichever worker comes first."""
    open_drawer.set()


async def book_all() -> list[JobHandle[str]]:
    """The bookings of the month, of which one does not succeed at once."""
    indexed = book.then(add_to_index)
    rounds = zip(*ACCOUNTS.values(), strict=True)
    return await app.enqueue_many(
        indexed.job(account, amount) for amounts in rounds for account, amount in zip(ACCOUNTS, amounts, strict=True)
    )


async def month_end() -> None:
    """Everything, while a worker works."""
    bookings = await book_all()
    pages = [
        await show_balance.options(delay=1).enqueue("ada", after)
        for after in ("breakfast", "lunch", "the last booking")
    ]
    for booking in bookings:
        await booking.result(timeout=20)
    print("booked", *(f"{account} {booked[account]}" for account in ACCOUNTS))

    statements = app.group(print_statement.job(account) for account in ACCOUNTS)
    bound = await statements.then(bind.then(shelve), title="November").enqueue()
    await bound.result(timeout=20)
    print(await shelve.handle(f"{bound.id}~1~0").result(timeout=20))
    print("printed at once:", most)

    mail = await send.enqueue("somewhere")
    with suppress(JobFailed):
        await mail.result(timeout=20)
    print(await ask_a_person.handle(f"{mail.id}~2~dead").result(timeout=20))
    print("one page of three:", len({page.id for page in pages}) == 1, "-", await pages[0].result(timeout=20))
    for booking in bookings:
        attempt = len(await booking.history())
        await add_to_index.handle(f"{booking.id}~{attempt}~0").result(timeout=20)
    print("indexed", sum(map(len, batches)), "in batches:", len(batches) < sum(map(len, batches)))
    await asyncio.wait_for(open_drawer.wait(), 20)
    print("the drawer was counted")


async def main() -> None:
    """With one worker, here; there might be more of them, elsewhere."""
    async with app:
        worker = app.worker(concurrency=20)
        working = asyncio.create_task(worker.run())
        try:
            await month_end()
        finally:
            worker.stop()
            await working


if __name__ == "__main__":
    asyncio.run(main())
