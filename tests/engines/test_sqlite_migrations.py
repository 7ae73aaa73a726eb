"""A file goes forward with the program: in one transaction, once, with its jobs, and not at all when a script fails."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from workhorse.engine import EngineRefused, Envelope, Filter, Migration
from workhorse.engines import open_engine
from workhorse.engines.sqlite import schema

SECOND = "alter table workhorse_jobs add column note text;\ncreate table workhorse_extra (x integer);\n"
BROKEN = "create table workhorse_extra (x integer);\nthis is no SQL;\n"


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Release a second migration: from now on the program knows it."""
    first = schema.steps()

    def release(script: str) -> None:
        monkeypatch.setattr(schema, "steps", lambda: [*first, Migration(2, "0002_second", script)])

    return release


async def opened(url: str) -> list[str]:
    """Open, publish one more job, and tell which are there."""
    engine = open_engine(url)
    await engine.open()
    assert engine.broker is not None
    assert engine.inspector is not None
    there = [row.job.id for row in await engine.inspector.list(Filter())]
    await engine.broker.publish([Envelope(f"job{len(there)}", "t", b"{}", queue="q")])
    await engine.close()
    return there


def state(file: Path) -> tuple[int, list[str]]:
    con = sqlite3.connect(file)
    tables = [name for (name,) in con.execute("select name from sqlite_schema where name = 'workhorse_extra'")]
    found = schema.version(con), tables
    con.close()
    return found


async def test_an_older_file_goes_forward_with_its_jobs(tmp_path: Path, released: Callable[[str], None]) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    assert await opened(url) == []
    assert state(tmp_path / "jobs.db") == (1, [])
    released(SECOND)
    assert await opened(url) == ["job0"]
    assert state(tmp_path / "jobs.db") == (2, ["workhorse_extra"])
    assert await opened(url) == ["job0", "job1"]


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path, released: Callable[[str], None]) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    await opened(url)
    released(BROKEN)
    with pytest.raises(Exception, match="syntax error"):
        await opened(url)
    assert state(tmp_path / "jobs.db") == (1, [])


def test_many_that_open_at_once_migrate_once(tmp_path: Path, released: Callable[[str], None]) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    asyncio.run(opened(url))
    released(SECOND)
    failures: list[BaseException] = []

    def start() -> None:
        try:
            asyncio.run(opened(url))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert state(tmp_path / "jobs.db") == (2, ["workhorse_extra"])


async def test_a_file_that_went_forward_is_refused_by_the_program_of_before(
    tmp_path: Path, released: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    released(SECOND)
    await opened(url)
    monkeypatch.undo()
    with pytest.raises(EngineRefused, match="a newer Workhorse wrote it"):
        await opened(url)
