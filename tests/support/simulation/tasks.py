"""The app that runs in the simulation. What its tasks do is written down in the world's history."""

import asyncio

from simulation.loop import forever
from simulation.world import here
from workhorse import Context, Fixed, Retry, Workhorse

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
async def parent(ctx: Context, takes: float) -> int:
    """Publishes another job when it is settled."""
    return await _perform(ctx, takes, 0)


@app.task(max_crashes=MAX_CRASHES)
async def poison(ctx: Context, takes: float) -> int:
    """Kills its process, whenever it runs."""
    process = here()
    process.world.history.add(process.name, "started", ctx.job.id, run=0, attempt=ctx.attempt)
    await asyncio.sleep(takes)
    process.world.kill(process, "poison")
    await forever()


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
