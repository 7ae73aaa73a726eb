"""A whole small shop, as its users write it: four kinds of tasks, every way to enqueue, results, options, a failure. The same on
every engine, with another URL."""

import subprocess
import sys
from pathlib import Path

import pytest

from homes import HOMES, home

SHOP = """
from datetime import timedelta
from workhorse import Context, Exponential, GiveUp, Priority, Retry, RetryLater, Router, Skip, Workhorse

app = Workhorse("URL", name="shop")

@app.task
async def resize(path: str, width: int = 256) -> str:
    return f"{path}@{width}"

@app.task(queue="mail", priority=Priority.HIGH, timeout=30, retry=Retry(5, Exponential(first=1, factor=2, max=600)))
def send_mail(to: str, subject: str) -> None:
    if "@" not in to:
        raise GiveUp("bad address")

@app.task(run_in="process")
def crunch(n: int) -> int:
    return sum(i * i for i in range(n))

@app.task
async def import_file(ctx: Context, path: str) -> int:
    await ctx.progress(0.5, "half way")
    ctx.log.info("importing %s", path)
    assert Context.current() is ctx
    return 1

@app.task
async def refresh(ctx: Context) -> int:
    if ctx.attempt == 1:
        raise RetryLater(after=0)
    raise Skip("nothing new")

router = Router(prefix="billing.")

@router.task
async def invoice(number: int) -> int:
    return number

app.include(router)
"""

DAY = """
import asyncio
from datetime import timedelta
import pytest
from shop import app, crunch, import_file, invoice, refresh, resize, send_mail
from workhorse import JobCancelled, JobFailed

async def day():
    async with app:
        worker = app.worker(concurrency=100, signals=())
        working = asyncio.create_task(worker.run())

        job = await resize.enqueue("cat.png", width=128)
        assert await job.result(timeout=10) == "cat.png@128"
        later = await resize.options(delay=timedelta(minutes=5), id="resize-cat").enqueue("cat.png")
        assert await later.status() == "scheduled"
        many = await app.enqueue_many(resize.job(f"{i}.png") for i in range(10_000))
        assert await many[9_999].result(timeout=60) == "9999.png@256"
        by_name = await app.enqueue(app.job("resize", "dog.png"))
        assert await by_name.result(timeout=10) == "dog.png@256"
        elsewhere = await app.remote("billing.paid", queue="billing", delay=30).enqueue(42)
        assert await elsewhere.status() == "scheduled"

        assert await (await crunch.enqueue(10)).result(timeout=30) == 285
        assert await (await import_file.enqueue("a.txt")).result(timeout=10) == 1
        assert await (await invoice.enqueue(7)).result(timeout=10) == 7
        skipped = await refresh.enqueue()
        assert await skipped.result(timeout=10) is None
        assert [attempt.successful for attempt in await skipped.history()] == [False, True]

        bad = await send_mail.enqueue("nobody", "hello")
        with pytest.raises(JobFailed, match="bad address"):
            await bad.result(timeout=10)
        assert await resize.handle("resize-cat").cancel()
        with pytest.raises(JobCancelled):
            await later.result(timeout=10)

        worker.stop()
        counts = await working
        assert (counts.dead, counts.cancelled, counts.retried) == (1, 1, 1), counts

asyncio.run(day())
assert asyncio.run(resize("a.png")) == "a.png@256"
assert crunch(3) == 5

job = resize.enqueue_sync("dog.png")
assert app.run(job.status()) == "ready"
app.run(app.worker(burst=True).run())
assert app.run(job.result(timeout=10)) == "dog.png@256"
print("a good day")
"""


@pytest.mark.parametrize("kind", HOMES)
def test_a_day_in_the_shop(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP.replace("URL", home(request, kind)))
    (tmp_path / "day.py").write_text(_guarded(DAY))
    done = subprocess.run([sys.executable, "day.py"], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "a good day\n"


def _guarded(script: str) -> str:
    """Spawned processes import the main module anew: its work must stand behind the usual guard."""
    head, _, rest = script.partition("asyncio.run(day())")
    body = "".join(f"    {line}\n" for line in f"asyncio.run(day()){rest}".splitlines())
    return f'{head}\nif __name__ == "__main__":\n{body}'
