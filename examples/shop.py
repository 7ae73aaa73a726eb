"""A shop with one task of each kind. From this folder:

workhorse worker shop:app &
workhorse enqueue shop:app resize cat.png width=128 --wait
workhorse enqueue shop:app crunch 1000 --wait
python shop.py
"""

import asyncio
from datetime import timedelta

from workhorse import Context, Exponential, Priority, Retry, Workhorse

app = Workhorse("sqlite:///shop.db", name="shop")


@app.task
async def resize(path: str, width: int = 256) -> str:
    return f"{path}@{width}"


@app.task(queue="mail", priority=Priority.HIGH, timeout=30, retry=Retry(5, Exponential(first=1, factor=2, max=600)))
def send_mail(to: str, subject: str) -> None:
    """Not async: runs in a thread of the worker, never on its event loop."""
    print(f"to {to}: {subject}")


@app.task(run_in="process")
def crunch(n: int) -> int:
    """Much to compute: runs in a process of its own, which its time-out kills."""
    return sum(i * i for i in range(n))


@app.task
async def import_file(ctx: Context, path: str) -> int:
    """A first parameter annotated Context is given by the worker."""
    await ctx.progress(0.5, "half way")
    return len(path)


async def main() -> None:
    """Enqueue some work, and run it here until nothing is due."""
    async with app:
        job = await resize.enqueue("cat.png", width=128)
        await send_mail.enqueue("ada@example.org", "your cat")
        await resize.options(delay=timedelta(minutes=5), id="resize-cat").enqueue("cat.png")
        await app.enqueue_many(resize.job(f"{number}.png") for number in range(100))
        print(await app.worker(burst=True).run())
        print(await job.result(timeout=10))


if __name__ == "__main__":
    asyncio.run(main())
