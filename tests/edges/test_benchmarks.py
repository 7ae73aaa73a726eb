"""The benchmarks run, and say what they measured: ours only, on SQLite, a few hundred jobs. No figure is judged here. Of the peers and
of the engines with servers it is shown that they are pinned, set and written."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "benchmarks" / "bench.py"


@pytest.mark.proof
@pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks read /proc")
def test_every_part_of_the_benchmarks_runs_and_its_figures_are_told(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    words = ["--quick", "--engines", "sqlite", "--jobs", "200", "--peers", "workhorse", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, BENCH, *words], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(out.read_text())["sqlite"]
    (once,) = told["peers"]["workhorse"]["rounds"]
    assert once["drain_1"]["jobs"] == once["drain_2"]["jobs"] == 200, "every job ran, and none was counted twice"
    assert once["latency"]["samples"] == 20
    assert told["limit"]["full"][0]["delete"] > 0
    assert told["flat"]["lifetime"][-1]["jobs"] == 10_000
    assert "| workhorse |" in done.stdout
    assert "### Neighbours" in done.stdout


def test_a_peer_that_failed_is_told_with_its_reason(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    out.write_text(json.dumps({"redis": {
        "machine": dict.fromkeys(("date", "commit", "processor", "cores", "system", "python", "server", "sync_ms", "load_before"), "x"),
        "plan": {"jobs": 2, "rounds": 1},
        "peers": {
            "slow": {"version": "1", "promises": "", "bulk_api": "", "jobs": 1, "rounds": [], "failed": "Trace\nno job came"},
            "fast": {"version": "1", "promises": "", "bulk_api": "", "jobs": 2, "rounds": []},
        },
        "flat": {"failed": "Trace\nOSError: no room"},
    }}))  # fmt: skip
    done = subprocess.run(
        [sys.executable, BENCH, "--table", "--out", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "slow failed: no job came" in done.stdout
    assert "flat failed: OSError: no room" in done.stdout
    assert "| slow (1 jobs) |" in done.stdout, "a smaller backlog than the others' is told"


def test_every_peer_of_every_engine_is_pinned_and_has_an_adapter() -> None:
    done = subprocess.run([sys.executable, BENCH, "--list"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    engines = {text.splitlines()[0]: _rows(text) for text in done.stdout.split("### On ")[1:]}
    assert {len(peers) for peers in engines.values()} == {3, 6, 9, 10}
    for engine, peers in engines.items():
        assert next(iter(peers)) == "workhorse", f"ours comes first on {engine}"
        for name, (version, adapter, *_) in peers.items():
            assert name.startswith("workhorse") or version[0].isdigit(), f"{name} is not pinned: {version}"
            defined = {node.name for node in ast.parse(_adapter(adapter)).body if hasattr(node, "name")}
            assert "Producer" in defined
            assert defined & {"work_off", "noop"}


@pytest.mark.parametrize("file", sorted(BENCH.parent.glob("requirements/*.txt")), ids=lambda file: file.stem)
def test_a_pin_is_one_exact_version(file: Path) -> None:
    assert [line for line in file.read_text().splitlines() if not re.fullmatch(r"[\w-]+==[\d.]+", line)] == []


def _rows(table: str) -> dict[str, list[str]]:
    """The words of each line below the head, by its first."""
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    rows = [[word.strip() for word in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in rows}


def _adapter(name: str) -> str:
    return (BENCH.parent / "peers" / f"{name}.py").read_text()
