"""Scripts: constant Lua, joined from files, known to the server by their digest. What differs from call to call goes in as arguments."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files
from typing import Final, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its text, and the digest by which the server knows it."""

    name: str
    text: str
    digest: str


def script(*parts: str) -> Script:
    """Join these files of `lua/`, behind `first.lua`; the last one is what the script does, the others are what it leans on."""
    folder = files("workhorse.engines.redis").joinpath("lua")
    text = "\n".join(folder.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in ("first", *parts))
    return Script(parts[-1], text, sha1(text.encode(), usedforsecurity=False).hexdigest())


LEAN_ON_JOBS: Final = ("wakes", "facts", "jobs", "uniques", "lanes", "endings")
"""For scripts that end, move or admit jobs; they call `leave` at their end."""

CHUNK: Final = 300
"""The most jobs of one script, so that none keeps the server from others for long."""

SPECIAL: Final = 6
"""Plain jobs that cost as much as one that is seen to by itself."""

LARGEST: Final = 4 << 20
"""Bytes of payloads or values after which it takes no further ones."""


def chunks(items: Iterable[T], size: Callable[[T], tuple[int, int]]) -> Iterator[list[T]]:
    """Each as much as one script takes; `size` is what an item costs, in plain jobs, and its bytes."""
    chunk, work, taken = list[T](), 0, 0
    for item in items:
        cost, length = size(item)
        if chunk and work + cost > CHUNK:
            yield chunk
            chunk, work, taken = [], 0, 0
        chunk.append(item)
        work, taken = work + cost, taken + length
        if work >= CHUNK or taken >= LARGEST:
            yield chunk
            chunk, work, taken = [], 0, 0
    if chunk:
        yield chunk
