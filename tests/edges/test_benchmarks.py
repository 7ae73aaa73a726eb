"""The benchmarks run, and say what they measured: ours only, a few hundred jobs. No figure is judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "benchmarks" / "bench.py"


@pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks read /proc")
def test_every_part_of_the_benchmarks_runs_and_its_figures_are_told(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    words = ["--quick", "--jobs", "200", "--peers", "workhorse", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, BENCH, *words], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(out.read_text())
    (once,) = told["peers"]["workhorse"]["rounds"]
    assert once["drain_1"]["jobs"] == once["drain_2"]["jobs"] == 200, "every job ran, and none was counted twice"
    assert once["latency"]["samples"] == 20
    assert told["limit"]["full"][0]["delete"] > 0
    assert told["flat"]["lifetime"][-1]["jobs"] == 10_000
    assert "| workhorse |" in done.stdout
    assert "### Neighbours" in done.stdout


def test_a_peer_that_failed_is_told_with_its_reason(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    out.write_text(json.dumps({
        "machine": dict.fromkeys(("date", "commit", "processor", "cores", "system", "python", "sqlite", "sync_ms", "load_before"), "x"),
        "plan": {"jobs": 1, "rounds": 1},
        "peers": {"slow": {"version": "1", "promises": "", "bulk_api": "", "rounds": [], "failed": "Trace\nno job came"}},
    }))  # fmt: skip
    done = subprocess.run(
        [sys.executable, BENCH, "--table", "--out", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "slow failed: no job came" in done.stdout
