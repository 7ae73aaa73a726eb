"""A recording, line by line, and how far it was read: a file goes on where an earlier run ended."""

from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO, Final, NamedTuple

import msgspec

from workhorse.core.errors import WorkhorseError

LONGEST: Final = 16 * 1024 * 1024
"""Bytes of a line: far more than any engine takes of a message."""

KEPT: Final = 30 * 86_400.0
"""Seconds for which it is remembered how far a file was replayed."""


class Mark(msgspec.Struct, frozen=True):
    """So many bytes and lines of a file were replayed; their digest, in hex."""

    bytes: int
    lines: int
    digest: str


class Line(NamedTuple):
    """Its number, from 1, and its text without the end; None: it is longer than any message."""

    number: int
    text: bytes | None


class Source:
    """Reads on from where `mark` says, if the lines before it are still the same."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self._bytes, self._lines, self._digest = 0, 0, sha256()

    @property
    def mark(self) -> Mark:
        """How far it was read."""
        return Mark(self._bytes, self._lines, self._digest.hexdigest())

    def skip(self, mark: Mark) -> None:
        """Go to the mark. WorkhorseError when what stands before it is not what was read then."""
        left = mark.bytes
        while left and (chunk := self._file.read(min(left, 1 << 20))):
            self._digest.update(chunk)
            left -= len(chunk)
        if left or self._digest.hexdigest() != mark.digest:
            raise WorkhorseError(
                f"{self._name}: expected its first {mark.lines:,} lines as they were replayed, and they have changed; --again "
                f"begins with the first line: what is there already is not replayed twice"
            )
        self._bytes, self._lines = mark.bytes, mark.lines

    def lines(self) -> Iterator[Line]:
        """All that follow. A last line without an end may still be written: the mark stays before it."""
        while text := self._file.readline(LONGEST):
            rest = text
            while len(rest) == LONGEST and not rest.endswith(b"\n"):
                self._read(rest)
                rest = self._file.readline(LONGEST)
            if rest.endswith(b"\n"):
                self._read(rest)
                self._lines += 1
                yield Line(self._lines, text.strip() if rest is text else None)
            else:
                yield Line(self._lines + 1, text.strip() if rest is text else None)

    def _read(self, text: bytes) -> None:
        self._digest.update(text)
        self._bytes += len(text)
