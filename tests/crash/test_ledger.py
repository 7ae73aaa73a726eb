"""Nothing accepted is lost, whatever happens to processes, disk and clock: real ones, and every job is accounted for."""

import os
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest

from account import Final, Finished, Record, account, histories
from ledger import report, run, workload
from ledger.journal import Reader
from ledger.run import Size
from ledger.stage import Stage, stage
from waiting import until

pytestmark = pytest.mark.xdist_group(
    "ledger"
)  # a round has a dozen processes of its own: two at once would be in each other's way

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else [1, 2, 3, int(f"{date.today():%Y%m%d}")]

KILLS, STOPS = 60, 10
"""Of workers in a run of the proof, or the nemesis slept."""

SERVERS = ["postgres", "redis"]
SERVER_SEEDS = SEEDS[:1]
SERVER_FAULTS = {
    "server killed": 4, "server restarted": 2, "server frozen": 3, "lines cut": 4, "lines half open": 2, "answer lost": 3,
    "request lost": 2, "workers' clocks forward": 1, "workers' clocks back": 1, "disk full": 2, "memory full": 2,
}  # fmt: skip

PROOF = Size(
    jobs=2_000,
    rate=60,
    faults={"kill": 60, "stop": 12, "term": 8, "producer killed": 3, "forward": 2, "back": 2, "disk full": 2},
)
SMALL = Size(
    jobs=300,
    rate=100,
    faults={"kill": 4, "stop": 2, "term": 1, "producer killed": 1, "forward": 1, "back": 1},
    fused=0.2,
)

SERVER_PROOF = Size(
    jobs=2_000,
    rate=60,
    faults={"kill": 30, "stop": 8, "term": 4, "producer killed": 3, "forward": 2, "back": 2, **SERVER_FAULTS},
    pause=(0.2, 0.9),
)
SERVER_SMALL = Size(
    jobs=200,
    rate=50,
    faults={
        "kill": 2, "stop": 1, "producer killed": 1, "forward": 1, "server killed": 2, "server frozen": 1, "lines cut": 1,
        "answer lost": 1,
    },
    fused=0.2,
)  # fmt: skip

Say = Callable[[str], None]


def test_300_jobs_survive_kills_freezes_stops_and_a_clock_that_jumps(tmp_path: Path, say: Say) -> None:
    with stage(tmp_path) as scene:
        struck = _survived(scene, 1, SMALL, say)
        assert struck["kill"] >= SMALL.faults["kill"], "the nemesis slept"
        _skip_what_is_missing(scene)


@pytest.mark.proof
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", SEEDS)
def test_2000_jobs_survive_all_of_it_and_a_full_disk(seed: int, tmp_path: Path, say: Say) -> None:
    with stage(tmp_path, mib=64) as scene:
        struck = _survived(scene, seed, PROOF, say)
        assert struck["kill"] >= KILLS, "the nemesis slept"
        assert struck["stop"] >= STOPS, "the nemesis slept"
        _skip_what_is_missing(scene)


@pytest.mark.parametrize("engine", SERVERS)
def test_200_jobs_survive_the_death_of_their_server_too(engine: str, tmp_path: Path, say: Say) -> None:
    with stage(tmp_path, engine) as scene:
        struck = _survived(scene, 1, SERVER_SMALL, say)
        assert struck["server killed"] == 2, "the nemesis slept"
        _skip_what_is_missing(scene)


@pytest.mark.proof
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", SERVER_SEEDS)
@pytest.mark.parametrize("engine", SERVERS)
def test_2000_jobs_survive_all_that_befalls_a_server(engine: str, seed: int, tmp_path: Path, say: Say) -> None:
    with stage(tmp_path, engine, mib=192) as scene:
        struck = _survived(scene, seed, SERVER_PROOF, say)
        assert struck["kill"] >= SERVER_PROOF.faults["kill"], "the nemesis slept"
        assert struck["server killed"] == SERVER_PROOF.faults["server killed"], "the nemesis slept"
        _skip_what_is_missing(scene)


def test_a_server_that_forgets_what_it_has_accepted_is_found_out(tmp_path: Path) -> None:
    with stage(tmp_path, "redis that forgets") as scene:
        workload.save(scene.crew.plan, workload.plain(200, 0.01))
        assert scene.crew.produce(0, 1000).process.wait(60) == 0
        killed = scene.ground.blows["server killed"]
        killed.begin()
        killed.end()
        assert scene.crew.hire("", "--burst").process.wait(60) == 0
        judged = account(*_written(scene))
    assert [(line.name, line.count) for line in judged.broken] == [("lost", 200), ("not ended after the drain", 200)]


def test_workers_told_to_stop_lose_nothing_and_run_nothing_twice(tmp_path: Path) -> None:
    with stage(tmp_path) as scene:
        crew, pieces = scene.crew, workload.plain(200, 0.01)
        workload.save(crew.plan, pieces)
        producer = crew.produce(0, 1000)
        for done in (20, 100):
            worker = crew.hire()
            until(lambda done=done: _finished(scene) > done)  # type: ignore[misc]
            worker.process.terminate()
            assert worker.process.wait(60) == 0
        crew.hire()
        assert producer.process.wait(60) == 0
        until(lambda: not scene.office.left())
        judged = account(*_written(scene))
    assert judged.broken == []
    assert (judged["accepted"], judged["run again"]) == (200, 0)


def _survived(scene: Stage, seed: int, size: Size, say: Say) -> Counter[str]:
    """Play a round, and break no line; what was done to its processes."""
    again = f"again: SEED={seed} .venv/bin/python -m pytest tests/crash/test_ledger.py -m proof -s; journals: {scene.folder}"
    print(again)  # pytest shows it when the round breaks off
    played = run.play(scene, seed, workload.plan(seed, size.jobs, f"s{seed}"), size)
    assert scene.crew.dismiss(30), f"workers did not stop; {again}"
    records, rows = _written(scene)
    struck, judged = report.faults(records), account(records, rows)
    told = report.told(scene.ground.name, seed, records, rows, played, judged)
    say(told)
    assert judged.broken == [], f"{told}\n{again}\n{histories(records, rows, judged)}"
    return struck


def _written(scene: Stage) -> tuple[list[Record], list[Final]]:
    rows = list(scene.office.rows())
    (scene.folder / "rows").write_bytes(msgspec.json.encode(rows))  # with the journals, to be judged again
    return list(Reader(scene.crew.journals).more()), rows


def _finished(scene: Stage) -> int:
    return sum(isinstance(record, Finished) for record in Reader(scene.crew.journals).more())


def _skip_what_is_missing(scene: Stage) -> None:
    if missing := scene.ground.missing:
        pytest.skip(f"all is well, but without some faults: {'; '.join(missing)}")
