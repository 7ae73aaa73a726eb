"""What the doctor warns of: a log that cannot be emptied, a file system whose locks cannot be trusted, a disk that fills."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from workhorse.engines import open_engine
from workhorse.engines.sqlite import doctor
from workhorse.engines.sqlite.engine import SqlEngine


async def problems(folder: Path) -> list[str]:
    engine = open_engine(f"sqlite:///{folder}/jobs.db")
    assert isinstance(engine, SqlEngine)
    await engine.open()
    found = [what for what, _ in await engine.check()]
    await engine.close()
    return found


async def test_a_healthy_file_has_no_problems(tmp_path: Path) -> None:
    assert await problems(tmp_path) == []


async def test_a_long_log_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LONG_LOG", 0)
    (told,) = await problems(tmp_path)
    assert "jobs.db-wal has" in told


async def test_a_network_file_system_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "file_system", lambda path: "nfs4")
    (told,) = await problems(tmp_path)
    assert "network file system (nfs4)" in told


async def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free=1000))
    (told,) = await problems(tmp_path)
    assert "1,000 bytes left" in told
