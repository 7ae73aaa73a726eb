"""How fast one worker process drains a full queue of jobs that do nothing: enqueue first, then the clock starts."""

import argparse
import asyncio
import tempfile
import time

from workhorse import Workhorse


async def drain(url: str, jobs: int, concurrency: int) -> tuple[float, float]:
    """Jobs a second: enqueued, and run to their end."""
    app = Workhorse(url)

    @app.task(result_ttl=0)
    async def nothing() -> None: ...

    async with app:
        begun = time.perf_counter()
        await app.enqueue_many(nothing.job() for _ in range(jobs))
        full = time.perf_counter()
        counts = await app.worker(concurrency=concurrency, burst=True).run()
        empty = time.perf_counter()
    assert counts.succeeded == jobs, counts
    return jobs / (full - begun), jobs / (empty - full)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--options", default="", help="of the database's URL, such as synchronous=normal")
    said = parser.parse_args()
    for _ in range(said.rounds):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/drain.db" + (f"?{said.options}" if said.options else "")
            enqueued, drained = asyncio.run(drain(url, said.jobs, said.concurrency))
        print(f"{said.jobs:,} jobs: enqueued {enqueued:,.0f} a second, drained {drained:,.0f} a second")


if __name__ == "__main__":
    main()
