"""A private Redis: without persistence, as most of its peers are used, or with every write synced before it is answered."""

import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import redis

from servers.server import Process, Spent, listens


class Redis:
    """The folder holds dump.rdb once it was stopped to be kept."""

    watched = False
    promise = "no persistence"

    def __init__(self, folder: Path) -> None:
        self._folder, self._process = folder, Process(folder)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._process.port}/0"

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def start(self) -> None:
        self._process.run(self._command, lambda: listens(self._process.port) and self._is_loaded())

    def stop(self, *, keep: bool = False) -> None:
        if keep and self.pid is not None:
            with self.client() as client:
                client.shutdown(save=True)
            self._process.wait()
        self._process.end(signal.SIGKILL)

    def size(self) -> int:
        return int(self.info("memory")["used_memory"])

    def spent(self) -> Sequence[Spent]:
        told = self.info("commandstats")
        return [Spent(name.removeprefix("cmdstat_"), one["calls"], one["usec"]) for name, one in told.items()]

    def facts(self) -> Mapping[str, str]:
        version = subprocess.run([_program(), "--version"], capture_output=True, text=True, check=True).stdout
        return {"server": f"Redis {version.partition('v=')[2].split()[0]}, {self.promise}"}

    def client(self) -> redis.Redis:
        return redis.Redis(port=self._process.port)

    def info(self, section: str) -> dict[str, Any]:
        with self.client() as client:
            told: dict[str, Any] = client.info(section)
        return told

    def _command(self, port: int) -> list[str]:
        words = [
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self._folder),
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        return [_program(), *words]

    def _is_loaded(self) -> bool:
        return not self.info("persistence")["loading"]


class SyncedRedis(Redis):
    """Starts from dump.rdb too, and writes its log from then on."""

    promise = "appendonly yes, appendfsync always"

    def start(self) -> None:
        shutil.rmtree(self._folder / "appendonlydir", ignore_errors=True)
        super().start()
        with self.client() as client:
            client.config_set("appendfsync", "always")
            client.config_set("appendonly", "yes")
        while not self._logs():
            time.sleep(0.02)

    def _logs(self) -> bool:
        told = self.info("persistence")
        return bool(told["aof_enabled"]) and not told["aof_rewrite_in_progress"] and not told["aof_rewrite_scheduled"]


def _program() -> str:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if not found:
        raise SystemExit("bench: expected `redis-server` on the PATH: install it")
    return found
