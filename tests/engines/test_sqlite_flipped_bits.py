"""One bit of the file flips. In a payload, the checksum notices: that job is a dead letter, with its bytes, and the others run. In the
structure, SQLite's own check does: the file is refused, or the doctor says what is wrong with it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from flipping import INDEX_LEAF, PAGE, flip, only_place, place_in
from shell import Shell, shells
from workhorse import Workhorse
from workhorse.core.errors import JobFailed

BYSTANDERS = 5


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def app_on(path: Path) -> Workhorse:
    app = Workhorse(f"sqlite:///{path}", name="flips")

    @app.task
    async def length(text: str) -> int:
        return len(text)

    return app


@pytest.mark.parametrize("bit", [0, 1, 4])
@pytest.mark.parametrize("padding", ["", "x" * 9000], ids=["in its row", "in a body of its own"])
async def test_a_flipped_bit_in_a_payload_is_a_dead_letter_and_the_others_run(
    tmp_path: Path, padding: str, bit: int
) -> None:
    path = tmp_path / "jobs.db"
    async with (app := app_on(path)):
        hurt, *others = await app.enqueue_many(app.job("length", text) for text in _texts(padding))
    flip(path, only_place(path, b"the flipped one"), bit)
    async with (app := app_on(path)):
        await app.worker(burst=True, signals=()).run()
        inspector = (await app.engine()).inspector
        assert inspector is not None
        row = await inspector.show(hurt.id)
        assert row is not None
        assert row.status == "dead"
        assert row.reason.startswith("malformed: the checksum is wrong")
        assert _bits_apart(row.job.payload, padding) == 1
        with pytest.raises(JobFailed, match="checksum"):
            await app.registry.find("length").handle(hurt.id).result(timeout=1)
        results = [await app.registry.find("length").handle(other.id).result(timeout=1) for other in others]
        assert results == [len("bystander 0")] * BYSTANDERS


def test_a_flipped_bit_in_an_index_is_named_by_the_doctor(shell: Shell) -> None:
    """The file opens, since each page is sound by itself; the deep check compares them."""
    path = _filled(shell)
    flip(path, place_in(path, _id(path), INDEX_LEAF))
    engine = next(it for it in shell.json("doctor", "APP", exit=1)["findings"] if it["kind"] == "bad")
    assert "jobs.db is damaged: row 8 missing from index" in engine["found"]
    assert ".recover" in engine["fix"]


@pytest.mark.parametrize("byte", [0, 3, 5, 8], ids=["kind of page", "count of cells", "start of cells", "first cell"])
def test_a_flipped_bit_in_the_structure_is_named_by_the_doctor(shell: Shell, byte: int) -> None:
    path = _filled(shell)
    flip(path, place_in(path, _id(path), INDEX_LEAF) // PAGE * PAGE + byte, 1)
    assert "damaged" in shell.run("doctor", "APP", exit=1).output


def _texts(padding: str) -> list[str]:
    return [f"the flipped one{padding}", *(f"bystander {n}" for n in range(BYSTANDERS))]


def _bits_apart(payload: bytes, padding: str) -> int:
    """How many bits the payload and the right one differ by, outside the checksum."""
    right = b'"job":{"args":["the flipped one%b"],"kwargs":{}}}' % padding.encode()
    found = payload[-len(right) :]
    return sum((a ^ b).bit_count() for a, b in zip(found, right, strict=True))


def _filled(shell: Shell) -> Path:
    """A file with jobs in it, and nothing in its log."""
    for n in range(20):
        shell.enqueue("resize", f"picture {n}")
    return shell.folder / "jobs.db"


def _id(path: Path) -> bytes:
    con = sqlite3.connect(path)
    (id,) = con.execute("select id from workhorse_jobs order by seq limit 1 offset 7").fetchone()
    con.close()
    return bytes(id, "ascii")
