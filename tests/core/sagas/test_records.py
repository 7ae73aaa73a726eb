"""Lines of a journal: what is written is read again, and what was changed on its way is not."""

import pytest
from msgspec import Raw

from workhorse.core.sagas import records
from workhorse.core.sagas.records import AnyRecord, Begin, Corrupt, Done, Failed, Own, Started, Undoing

SOME: list[AnyRecord] = [
    Begin(task="order", version=2, born="b", args=Raw(b"[1]"), kwargs=Raw(b"{}"), at=1.5),
    Own(job="j", at=2),
    Started(path="1", kind="step", name="pay", args=Raw(b"[]"), kwargs=Raw(b'{"key":"k"}')),
    Failed(of=3, error=records.Error("ValueError", "no"), wait=0.5),
    Done(of=3, result=Raw(b'{"value":7}')),
    Undoing(),
]


def line() -> bytes:
    return records.line([records.text(record) for record in SOME])


def test_a_line_is_read_as_it_was_written() -> None:
    assert records.load(line(), "entry 1") == SOME


@pytest.mark.parametrize("place", range(0, 400, 7))
def test_no_changed_byte_goes_unseen(place: int) -> None:
    text = bytearray(line())
    text[place % len(text)] ^= 0x20
    with pytest.raises(Corrupt, match="entry 1"):
        records.load(bytes(text), "entry 1")


@pytest.mark.parametrize("length", [0, 5, 9, 50])
def test_no_cut_line_is_read(length: int) -> None:
    with pytest.raises(Corrupt):
        records.load(line()[:length], "entry 1")


def test_a_record_that_a_newer_release_wrote_is_named_as_such() -> None:
    with pytest.raises(Corrupt, match="perhaps of a newer release"):
        records.load(records.line([b'{"is":"teleported"}']), "entry 1")
