"""The wheel is all that a user gets: it holds what it must, and a job runs with nothing but it."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

JOB = """
import asyncio
import workhorse

app = workhorse.Workhorse("sqlite:///wheel.db")

@app.task
async def add(a: int, b: int) -> int:
    return a + b

async def main() -> None:
    async with app:
        job = await add.enqueue(2, 3)
        await app.worker(burst=True).run()
        print(workhorse.__file__, await job.result(timeout=10))

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(ROOT, sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """An environment with the wheel in it; what it depends on is lent by ours, which holds no source of Workhorse."""
    folder = wheel.parent / "environment"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    run(folder, sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    (next(folder.glob("lib/python*/site-packages")) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_is_typed_and_holds_every_file_of_the_package(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    source = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*") if path.is_file()}
    assert "workhorse/py.typed" in held
    assert {name for name in held if name.endswith(".sql")}
    assert {name for name in source - held if "__pycache__" not in name} == set()


def test_a_job_runs_with_nothing_but_the_wheel(installed: Path) -> None:
    (installed / "shop.py").write_text(JOB)
    place, total = run(installed, str(installed / "bin" / "python"), "shop.py").split()
    assert Path(place).is_relative_to(installed)
    assert total == "5"


def test_the_command_comes_with_the_wheel(installed: Path) -> None:
    assert "workhorse" in run(installed, str(installed / "bin" / "workhorse"), "--version").lower()


def run(folder: Path, *words: str) -> str:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "WORKHORSE_URL")}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout
