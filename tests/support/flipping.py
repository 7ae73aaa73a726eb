"""One bit of a closed database file, flipped, as a tired disk or a bad cable would."""

from pathlib import Path
from typing import Final

PAGE: Final = 4096
TABLE_LEAF, INDEX_LEAF = 0x0D, 0x0A


def flip(path: Path, place: int, bit: int = 0) -> None:
    """The bit of the byte at this place."""
    with open(path, "r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 1 << bit]))


def only_place(path: Path, text: bytes) -> int:
    """Where this text stands in the file, which has it once."""
    whole = path.read_bytes()
    assert whole.count(text) == 1, f"{text!r} stands {whole.count(text)} times in the file"
    return whole.index(text)


def place_in(path: Path, text: bytes, kind: int) -> int:
    """Where the text stands on a page of this kind."""
    whole = path.read_bytes()
    found = -1
    while (found := whole.find(text, found + 1)) >= 0:
        if whole[found // PAGE * PAGE] == kind:
            return found
    raise AssertionError(f"{text!r} stands on no page of the kind {kind:#x}")
