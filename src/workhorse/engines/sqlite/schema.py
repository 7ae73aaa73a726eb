"""The schema of a Workhorse database: its version, and the migrations forward. The version stands in a table of ours:
`user_version` and `application_id` belong to the user, whose own tables may live in the same file."""

import sqlite3
from functools import cache
from importlib.resources import files

from workhorse.core.errors import EngineRefused
from workhorse.core.migrations import Migration


def version(con: sqlite3.Connection) -> int:
    """The schema's version in this file; 0: none of our tables yet."""
    if con.execute("select 1 from sqlite_schema where name = 'workhorse_counters'").fetchone() is None:
        return 0
    row = con.execute("select value from workhorse_counters where name = 'schema'").fetchone()
    return int(row[0]) if row else 0


def newest() -> int:
    """The version that this program writes."""
    return len(steps())


def migrate(con: sqlite3.Connection, name: str) -> None:
    """Bring the file forward in one transaction; EngineRefused, and nothing is touched, if it is newer."""
    if version(con) == newest():
        return
    con.execute("begin immediate")
    try:
        refuse_newer(con, name)
        for step in steps()[version(con) :]:  # asked again: another process may have been faster
            for statement in _statements(step.sql):
                con.execute(statement)
        con.execute("update workhorse_counters set value = ? where name = 'schema'", (newest(),))
        con.execute("commit")
    except BaseException:
        if con.in_transaction:
            con.execute("rollback")
        raise


def refuse_newer(con: sqlite3.Connection, name: str) -> None:
    """EngineRefused if the file was written by a later version."""
    found = version(con)
    if found > newest():
        raise EngineRefused(
            f"{name}: expected schema {newest()} or older, got {found}: a newer Workhorse wrote it. "
            "Upgrade this installation, or use another file. Nothing was changed."
        )


@cache
def steps() -> list[Migration]:
    """All of them, from an empty file on."""
    folder = files("workhorse.engines.sqlite") / "migrations"
    scripts = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [
        Migration(number, script.name.removesuffix(".sql"), script.read_text("utf-8"))
        for number, script in enumerate(scripts, 1)
    ]


def _statements(script: str) -> list[str]:
    found: list[str] = []
    text = ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            found.append(text)
            text = ""
    return found
