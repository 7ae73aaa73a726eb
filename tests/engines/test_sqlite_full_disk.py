"""The disk is full for a while: nothing is half there, nothing that was accepted or done is lost, and it goes on when there is room."""

from pathlib import Path

from consistency import examined
from full_disk import BATCH, played


def test_an_enqueue_without_room_is_a_clear_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    told = played("produce", path)
    assert "disk" in told["said"]
    assert "what was accepted is intact" in told["said"].lower()
    assert told["kept"] == told["accepted"] > BATCH
    assert (told["refused"], told["there"], told["again"]) == (BATCH, 0, BATCH)
    examined(path)


def test_a_worker_keeps_its_outcomes_until_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    told = played("work", path)
    assert told["meanwhile"] == ["running"] * BATCH
    assert told["succeeded"] == BATCH
    assert sorted(told["started"]) == told["results"] == list(range(BATCH))
    examined(path, drained=True)
