"""Worker processes, as people start them: before the server is there, through its death, and until they are told to stop."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from served.stage import Stage, again
from servers import Server
from waiting import until
from workhorse import Workhorse

APP: Final = """
from workhorse import Workhorse

app = Workhorse({url!r}, name="command")


@app.task
async def double(n: int) -> int:
    return n * 2
"""


class Commands(Stage):
    @pytest.mark.parametrize("processes", [1, 2])
    async def test_a_worker_that_was_started_too_early_waits_works_through_a_death_and_stops(
        self, server: Server, tmp_path: Path, processes: int
    ) -> None:
        url = self.url(server)
        server.stop()
        (tmp_path / "early.py").write_text(APP.format(url=url))
        path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
        with (tmp_path / "said").open("w+") as said:
            words = ["worker", "early:app", "--processes", str(processes), "--grace", "5"]
            command = [sys.executable, "-m", "workhorse", *words]
            worker = subprocess.Popen(
                command, cwd=tmp_path, stdout=said, stderr=said, env={**os.environ, "PYTHONPATH": path}
            )
            try:
                until(lambda: "does not answer (open)" in _read(tmp_path))
                server.start()
                assert await self._result(url, 1) == 2
                told = _told(tmp_path)
                server.kill()
                until(lambda: _told(tmp_path) > told)  # by who did the job
                server.start()
                assert await self._result(url, 2) == 4
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(60) == 0, _read(tmp_path)
            finally:
                worker.kill()
                worker.wait()
        assert "Traceback" not in _read(tmp_path)

    async def _result(self, url: str, n: int) -> Any:
        app = Workhorse(url, name="command")
        await again(app.engine)
        async with app:
            job = app.job("double", n)
            handle = await again(lambda: app.enqueue(job))
            return await again(lambda: handle.result(timeout=60))


def _told(folder: Path) -> int:
    return _read(folder).count("does not answer")


def _read(folder: Path) -> str:
    return (folder / "said").read_text()
