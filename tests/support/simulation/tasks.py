"""The app that runs in the simulation. What its tasks do is written down in the world's history."""

import asyncio
from typing import Any

from simulation.loop import forever
from simulation.world import here
from workhorse import Batch, Context, Failure, Fixed, Job, Retry, Success, Workhorse

LEASE = 3.0
RETRIES = 2
MAX_CRASHES = 3
DAYS = 30 * 86_400.0

app = Workhorse("memory://simulation", name="sim", result_ttl=DAYS, retry=Retry(RETRIES, Fixed(0.5)))


@app.task
async def work(ctx: Context, takes: float) -> int:
    """Goes well, after a while."""
    return await _perform(ctx, takes, 0)


@app.task
async def flaky(ctx: Context, takes: float, fails: int) -> int:
    """Fails so often, then goes well."""
    return await _perform(ctx, takes, fails)


@app.task
async def follow(ctx: Context, result: int) -> int:
    """Follows another, whose result it gets."""
    _tell(ctx, got=[result])
    return await _perform(ctx, 0.01, 0)


@app.task
async def mourn(ctx: Context, dead: Job[Any]) -> int:
    """Is told of a death."""
    _tell(ctx, got=[f"{dead.id} after {len(dead.attempts)}"])
    return await _perform(ctx, 0.01, 0)


@app.task
async def collect(ctx: Context, ends: list[Success[int] | Failure]) -> int:
    """Gets the results of a group, and who failed."""
    _tell(ctx, got=[end.value if isinstance(end, Success) else "failed" for end in ends])
    return await _perform(ctx, 0.01, 0)


@app.task(batch=Batch(size=3, wait=0.3))
async def together(ids: list[str]) -> list[int]:
    """Many at once, which know their ids."""
    process, history = here(), here().world.history
    runs = {id: next(process.world.runs) for id in ids}
    for id, run in runs.items():
        history.add(process.name, "started", id, run=run, attempt=1)
    try:
        await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        for id, run in runs.items():
            history.add(process.name, "interrupted", id, run=run)
        raise
    for id, run in runs.items():
        history.add(process.name, "finished", id, run=run)
    return list(runs.values())


@app.task(max_crashes=MAX_CRASHES)
async def poison(ctx: Context, takes: float) -> int:
    """Kills its process, whenever it runs."""
    process = here()
    process.world.history.add(process.name, "started", ctx.job.id, run=0, attempt=ctx.attempt)
    await asyncio.sleep(takes)
    process.world.kill(process, "poison")
    await forever()


def _tell(ctx: Context, **more: Any) -> None:
    here().world.history.add(here().name, "got", ctx.job.id, **more)


async def _perform(ctx: Context, takes: float, fails: int) -> int:
    process, id = here(), ctx.job.id
    history = process.world.history
    run = next(process.world.runs)
    history.add(process.name, "started", id, run=run, attempt=ctx.attempt)
    try:
        await asyncio.sleep(takes)
    except asyncio.CancelledError:
        history.add(process.name, "interrupted", id, run=run)
        raise
    if ctx.attempt <= fails:
        error = f"attempt {ctx.attempt} of {fails} that fail"
        history.add(process.name, "failed", id, run=run, error=error)
        raise ValueError(error)
    history.add(process.name, "finished", id, run=run)
    return run
