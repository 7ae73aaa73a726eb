"""Schedules, used right: both checkers accept every line."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from workhorse import Context, Cron, Every, JobHandle, Retry, Router, Workhorse

app = Workhorse("sqlite:///shop.db")
router = Router(prefix="house.")

Cron("0 4 * * *")
Cron("0 4 * * *", "Europe/Paris")
Cron("0 4 * * *", timezone="Europe/Paris", catch_up=3, jitter=timedelta(minutes=1))
Every(minutes=5)
Every(days=1, hours=0.5, catch_up=1, jitter=30)


@app.task(schedule=Cron("0 4 * * *", timezone="Europe/Paris"))
async def nightly() -> int:
    return 1


@app.task(schedule=Every(minutes=5), queue="night", retry=Retry(0), run_in="thread")
def clean(ctx: Context) -> str:
    return ctx.job.id


@router.task(schedule=Every(hours=1))
async def report(ctx: Context, day: str = "today") -> None: ...


@app.task(schedule=Every(hours=1))
def count(day: int = 1, *, deep: bool = False) -> float:
    return day


async def using(ctx: Context) -> None:
    assert_type(await nightly.enqueue(), JobHandle[int])
    assert_type(await clean.enqueue(), JobHandle[str])
    assert_type(await report.enqueue(), JobHandle[None])
    assert_type(await nightly(), int)
    assert_type(clean(ctx), str)
