"""The examples run as they stand."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["shop.py"], "Counts(succeeded=102, retried=0, released=0, dead=0, cancelled=0)\ncat.png@128"),
        (["sign_up.py"], "Ada is number 1\nEve is not there: UNIQUE constraint failed: boxes.address\n[('Ada',)]"),
        (["crawl_files.py", "folder"], "2 entries in folder; 4 jobs done, 0 dead"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_an_example_does_what_it_says(words: list[str], said: str, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.db*", "__pycache__"))
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder" / "a.txt").write_text("a")
    (tmp_path / "folder" / "inner" / "b.txt").write_text("b")
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
