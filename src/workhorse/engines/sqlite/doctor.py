"""What a person wants to know of a database file, and what is wrong with it."""

import os
import shutil
import sqlite3
from typing import Final

from workhorse.engines.sqlite import schema
from workhorse.engines.sqlite.homes import FileHome, Home

NETWORKED: Final = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs"}
LONG_LOG: Final = 64 << 20
LITTLE_ROOM: Final = 100 << 20


def describe(home: Home, con: sqlite3.Connection) -> list[tuple[str, str]]:
    """Facts, each with its name. A database in memory has few."""
    facts = [("engine", home.name), ("SQLite", sqlite3.sqlite_version), ("schema", str(schema.version(con)))]
    if isinstance(home, FileHome):
        facts[0] = ("file", home.path)
        facts += [
            ("size", f"{_size(home.path):,} bytes"),
            ("log", f"{_size(home.log):,} bytes"),
            ("synchronous", home.synchronous),
            ("file system", file_system(home.path) or "unknown"),
            ("free", f"{shutil.disk_usage(os.path.dirname(home.path)).free:,} bytes"),
        ]
    return facts


def check(home: Home, con: sqlite3.Connection) -> list[tuple[str, str]]:
    """Problems, each with its fix; reads the whole file."""
    verdicts = [verdict for (verdict,) in con.execute("pragma integrity_check(10)")]
    recover = f"stop the workers, copy the file and its -wal, then: sqlite3 {home.name} .recover | sqlite3 recovered.db"
    problems = [(f"{home.name} is damaged: {verdict}", recover) for verdict in verdicts if verdict != "ok"]
    return problems + _of_place(home) if isinstance(home, FileHome) else problems


def _of_place(home: FileHome) -> list[tuple[str, str]]:
    problems: list[tuple[str, str]] = []
    folder, kind = os.path.dirname(home.path), file_system(home.path)
    if kind in NETWORKED:
        what = f"{home.path} is on a network file system ({kind}), where SQLite's locks cannot be trusted"
        problems.append((what, "move the file to a local disk, or use an engine with a server"))
    if (size := _size(home.log)) > LONG_LOG:
        what = f"{home.log} has {size:,} bytes: some connection reads for so long that the log cannot be emptied"
        problems.append((what, f"end it, then: sqlite3 {home.path} 'pragma wal_checkpoint(truncate)'"))
    if (free := shutil.disk_usage(folder).free) < LITTLE_ROOM:
        problems.append((f"{folder} has {free:,} bytes left, and a full disk refuses new jobs", "free some"))
    return problems


def file_system(path: str) -> str:
    """The type of the file system that the path is on, where the system tells (Linux); else empty."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            lines = [line.split(" - ") for line in mounts]
    except OSError:
        return ""
    best, kind = "", ""
    for left, right in (line for line in lines if len(line) == 2):
        place = left.split()[4].replace("\\040", " ")
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, right.split()[0]
    return kind


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0
