"""PostgreSQL: a data folder made once a session and kind, copied for each server."""

import os
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

from servers import found
from servers.process import HOST, Server, answers

OWNER, USER, PASSWORD = "postgres", "workhorse", "secret"
"""The superuser, and a common user, who owns the database of his name and may create others; both have the password."""

MANNERS: Final = {
    "listen_addresses": HOST, "max_connections": 200, "shared_buffers": "64MB", "log_lock_waits": True,
    "dynamic_shared_memory_type": "mmap",  # in its folder: one that is killed leaves nothing elsewhere
}  # fmt: skip


class Postgres(Server):
    """One PostgreSQL. `settings` are its configuration (`fsync` is on, as by default); `auth` is how it asks who one is: trust or
    scram-sha-256. `kind`: postgres or newer postgres."""

    user = found.user()
    stopping = signal.SIGINT  # SIGTERM waits until every client has gone

    def __init__(
        self, kind: str = "postgres", *, auth: str = "trust", clock: bool = False, fast: bool = False, **settings: Any
    ) -> None:
        self.program = found.program(kind)
        template = _template(kind)
        super().__init__(clock=clock, fast=fast)
        self.data = self.folder / "data"
        self._settings = {**MANNERS, "unix_socket_directories": self.folder, **settings}
        subprocess.run(["cp", "-a", template, self.data], check=True)  # its owner, too; thrice as fast
        self.ask(auth)
        if self.user is not None:
            shutil.chown(self.folder, self.user)

    def command(self) -> list[str]:
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.program), "-D", str(self.data), "-p", str(self.port), *settings]

    def up(self) -> bool:
        """It says so itself: a port that is open may still belong to a server that recovers."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return lines[:1] == [str(self.pid)] and lines[-1].strip() == "ready" and answers(self.port)

    def url(self, database: str = USER, user: str = USER, password: str = PASSWORD) -> str:
        """Of one of its databases."""
        return f"postgresql://{user}:{password}@{self.address}/{database}"

    def sql(self, text: str, database: str = USER, user: str = OWNER) -> list[tuple[str, ...]]:
        """The rows of these statements, as text, asked beside any driver. Raises CalledProcessError."""
        command = [str(self.program.with_name("psql")), "-XqAt", "-F\t", "-v", "ON_ERROR_STOP=1", "-d"]
        asked = [*command, self.url(database, user), "-f", "-"]
        done = subprocess.run(asked, input=text, capture_output=True, text=True, check=True, timeout=60)
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]

    def create(self, database: str) -> str:
        """The URL of a new database, which the common user owns."""
        self.sql(f'create database "{database}" owner {USER}')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Whoever is still in it is put out."""
        self.sql(f'drop database if exists "{database}" with (force)')

    def ask(self, auth: str) -> None:
        """Let it ask in this way who one is, from the next start or `reload` on."""
        (self.data / "pg_hba.conf").write_text(f"local all all trust\nhost all all 127.0.0.1/32 {auth}\n")

    def move(self, path: Path) -> None:
        """Let its data lie there from the next start on."""
        shutil.move(self.data, path)
        self.data = path
        self.own(path)

    def reload(self) -> None:
        """Let it read its files again."""
        os.kill(self.pid, signal.SIGHUP)


@cache
def _template(kind: str) -> Path:
    """A data folder that no server runs on. Where it can, it sorts as people do: a text that must be in the order of its bytes says so."""
    program = found.program(kind)
    made = found.folder(fast=True)
    data = made / "data"
    secret = made / "secret"
    secret.write_text(PASSWORD)
    if Postgres.user is not None:
        shutil.chown(made, Postgres.user)
    command = [str(program.with_name("initdb")), "-D", str(data), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    asked = [*command, "-A", "trust", "-U", OWNER, "--pwfile", str(secret), *_order(program)]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=made, **_as_user())
    assert done.returncode == 0, f"initdb: {done.stdout}{done.stderr}"
    role = f"create role {USER} login createdb password '{PASSWORD}'\ncreate database {USER} owner {USER}\n"
    single = [str(program), "--single", "-D", str(data), "postgres"]
    subprocess.run(single, input=role, capture_output=True, text=True, cwd=made, check=True, **_as_user())
    return data


def _order(program: Path) -> list[str]:
    configured = [str(program.with_name("pg_config")), "--configure"]
    with_icu = "--with-icu" in subprocess.run(configured, capture_output=True, text=True, check=False).stdout
    return ["--locale-provider=icu", "--icu-locale=en"] if with_icu else []


def _as_user() -> dict[str, Any]:
    return {} if Postgres.user is None else {"user": Postgres.user, "extra_groups": []}
