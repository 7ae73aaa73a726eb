"""A private PostgreSQL: Debian's defaults (fsync and synchronous_commit on) but for shared_buffers."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

import environments
from servers.server import Process, Spent, listens

SHARED_BUFFERS = "1GB"
STATISTICS = "pg_stat_statements"
SPENT = f"""
select query, calls::int, ((total_plan_time + total_exec_time) * 1000)::float8 from {STATISTICS} where toplevel
"""


class Postgres:
    """The folder is its data directory."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._process, self.watched = folder, Process(folder, _user()), False

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._process.port}/postgres"

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def start(self) -> None:
        if not any(self._folder.iterdir()):
            self._folder.rmdir()
            subprocess.run(["cp", "-a", _new_cluster(), self._folder], check=True)
        self._process.run(self._command, lambda: listens(self._process.port) and self._takes_connections())
        if self.watched:
            self._ask(f"create extension if not exists {STATISTICS}")
            self._ask(f"select {STATISTICS}_reset()")

    def stop(self, *, keep: bool = False) -> None:
        if keep and self.pid is not None:
            # what a server that has run for a while has: statistics for everybody's plans, and no write left to do
            self._ask("vacuum analyze")
        self._process.end(signal.SIGINT if keep else signal.SIGQUIT)

    def spent(self) -> Sequence[Spent]:
        return [Spent(*row) for row in asyncio.run(_rows(self.url, SPENT))] if self.watched else []

    def size(self) -> int:
        return int(str(self._ask("select pg_database_size(current_database())")))

    def facts(self) -> Mapping[str, str]:
        version = subprocess.run([_program("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
        number = version.split()[2]
        return {
            "server": f"PostgreSQL {number}, Debian's defaults (fsync and synchronous_commit on) but shared_buffers={SHARED_BUFFERS}"
        }

    def _command(self, port: int) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "shared_buffers": SHARED_BUFFERS,
            **({"shared_preload_libraries": STATISTICS, f"{STATISTICS}.track_planning": "on"} if self.watched else {}),
        }  # fmt: skip
        chosen = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(_program("postgres")), "-D", str(self._folder), *chosen]

    def _takes_connections(self) -> bool:
        try:
            return bool(self._ask("select 1"))
        except asyncpg.CannotConnectNowError:  # it still starts
            return False

    def _ask(self, statement: str) -> object:
        rows = asyncio.run(_rows(self.url, statement))
        return rows[0][0] if rows else None


async def _rows(url: str, statement: str) -> Sequence[Sequence[Any]]:
    con = await asyncpg.connect(url, ssl=False)
    try:
        rows: Sequence[Sequence[Any]] = await con.fetch(statement)
        return rows
    finally:
        await con.close()


def _program(name: str) -> Path:
    """On the PATH, or where Debian keeps the newest one."""
    found = shutil.which(name)
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    if not found and not places:
        raise SystemExit(f"bench: expected PostgreSQL's `{name}` on the PATH or in /usr/lib/postgresql: install it")
    return Path(found) if found else places[-1]


def _user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


def _new_cluster() -> Path:
    """A cluster nobody has written to, made once: initdb takes longer than a copy."""
    folder = environments.HOME / f"cluster-{_program('postgres').resolve().parts[-3]}"
    if not (folder / "made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if user := _user():
            shutil.chown(folder, user)
        words = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(
            [_program("initdb"), "-D", folder / "data", *words], user=_user(), extra_groups=[] if _user() else None,
            cwd=folder, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        (folder / "made").touch()
    return folder / "data"
