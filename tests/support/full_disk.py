"""A process whose files may not grow any more, for a while: what a full disk is to it. It plays the producer or the worker, and
writes down what happened as JSON."""

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from faulty_engine import turns
from workhorse import Workhorse
from workhorse.core.errors import BrokerUnavailable
from workhorse.engines.sqlite.broker import Broker

BATCH: Final = 20
"""Jobs of one enqueue."""


def make(url: str) -> Workhorse:
    """The app; its jobs wait for the gate."""
    app = Workhorse(url, name="full", enqueue_timeout=0.2)

    @app.task
    async def wait(n: int, padding: str = "") -> int:
        started.append(n)
        await gate.wait()
        return n

    return app


gate = asyncio.Event()
started: list[int] = []


@contextmanager
def full(path: Path, room: int = 0) -> Generator[None]:
    """No file may grow beyond what the log has now, and this room."""
    size = Path(f"{path}-wal").stat().st_size + room
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def produce(path: Path) -> dict[str, Any]:
    """Batches until there is no room; then once more what nobody has answered for."""
    async with make(f"sqlite:///{path}") as app:
        accepted: list[str] = []
        with full(path, room=500_000):
            try:
                while True:
                    jobs = [app.job("wait", n, padding="x" * 3000 * (n % 2)) for n in range(BATCH)]
                    await app.enqueue_many(jobs)
                    accepted += [job.id for job in jobs]
            except BrokerUnavailable as error:
                refused, said = error.jobs, str(error)
            there = await _there(app, [job.id for job in refused])
        await app.enqueue_many(refused)
        again = await _there(app, [job.id for job in refused])
        kept = await _there(app, accepted)
    return {
        "accepted": len(accepted),
        "kept": kept,
        "said": said,
        "there": there,
        "refused": len(refused),
        "again": again,
    }


async def work(path: Path) -> dict[str, Any]:
    """All jobs end while there is no room to write it down."""
    failed = _counting_failures()
    async with make(f"sqlite:///{path}") as app:
        handles = await app.enqueue_many([app.job("wait", n) for n in range(BATCH)])
        working = asyncio.create_task(app.worker(burst=True, signals=()).run())
        await turns(lambda: len(started) == BATCH)
        with full(path):
            gate.set()
            await turns(lambda: len(failed) >= 2)
            meanwhile = [await app.status(handle.id) for handle in handles]
        counts = await working
        results = [await handle.result(timeout=1) for handle in handles]
    return {"meanwhile": meanwhile, "succeeded": counts.succeeded, "started": started, "results": results}


def played(part: str, path: Path) -> dict[str, Any]:
    """What the process wrote down."""
    command = [sys.executable, __file__, part, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


async def _there(app: Workhorse, ids: list[str]) -> int:
    inspector = (await app.engine()).inspector
    assert inspector is not None
    return len([id for id in ids if await inspector.show(id) is not None])


def _counting_failures() -> list[BrokerUnavailable]:
    """The settles that found no room, from now on."""
    failed: list[BrokerUnavailable] = []
    settle = Broker.settle

    async def counted(self: Broker, outcomes: Any, /) -> Any:
        try:
            return await settle(self, outcomes)
        except BrokerUnavailable as error:
            failed.append(error)
            raise

    Broker.settle = counted  # type: ignore[method-assign]
    return failed


if __name__ == "__main__":
    print(json.dumps(asyncio.run({"produce": produce, "work": work}[sys.argv[1]](Path(sys.argv[2])))))
