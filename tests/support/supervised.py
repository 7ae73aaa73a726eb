"""Worker processes for the supervisor's tests: what they load, and what their jobs do."""

import asyncio
import os
import signal
from pathlib import Path

from workhorse import Retry, Workhorse
from workhorse.worker.link import Link


def make(url: str) -> Workhorse:
    """The app; each process makes its own."""
    app = Workhorse(url, name="supervised", retry=Retry(0))

    @app.task(name="pid")
    async def pid() -> int:
        await asyncio.sleep(0.002)
        return os.getpid()

    @app.task(name="poison")
    async def poison() -> None:
        os._exit(66)

    @app.task(name="bystander")
    async def bystander(gate: str) -> str:
        """Runs beside the poison until that is dead and buried."""
        while not Path(gate).exists():
            await asyncio.sleep(0.01)
        return "alive"

    @app.task(name="nap")
    async def nap() -> None:
        await asyncio.sleep(0.05)

    @app.task(name="kill_me_once")
    async def kill_me_once(mark: str) -> str:
        if not Path(mark).exists():
            Path(mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "second life"

    @app.task(name="grow")
    async def grow(megabytes: int) -> int:
        hoard.append(bytearray(megabytes << 20))
        return os.getpid()

    return app


hoard: list[bytearray] = []


def work(url: str, burst: bool, link: Link) -> object:
    """One worker process."""
    return link.run(make(url).worker_of(link.budget, lease=1, burst=burst, signals=link.signals))
