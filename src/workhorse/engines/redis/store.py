"""The store: remembers facts. Long lists go in several scripts, each short, so that no other client waits for long."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from struct import Struct
from typing import Any, Final

from workhorse.core.contract import Put
from workhorse.engines.keeping import SECOND, micros
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.pruning import Pruner
from workhorse.engines.redis.scripts import script
from workhorse.engines.redis.waits import Waits

CHUNK: Final = 300
"""Facts in one script."""

BYTES: Final = 1 << 20
"""So much of their values."""

_GET: Final = script("get_facts")
_PUT: Final = script("wakes", "facts", "put_facts")
_DELETE: Final = script("wakes", "facts", "delete_facts")
_SCAN: Final = script("wakes", "facts", "scan_facts")
_HEAD: Final = Struct(">dd")


class Store:
    """As the contract says. What is put in one call is committed together as far as it fits into one script."""

    def __init__(self, link: Link, waits: Waits, pruner: Pruner) -> None:
        self._link, self._waits, self._pruner = link, waits, pruner

    async def get(self, keys: Sequence[str], /) -> list[tuple[bytes, int] | None]:
        found: list[tuple[bytes, int] | None] = []
        for start in range(0, len(keys), CHUNK):
            now, texts = await self._link.run(_GET, *keys[start : start + CHUNK])
            found += [_living(text, int(now)) for text in texts]
        return found

    async def put(self, puts: Sequence[Put], /) -> list[int | None]:
        versions: list[int | None] = []
        for chunk in _chunks(puts):
            versions += await self._link.run(_PUT, *chain.from_iterable(map(_words, chunk)))
        self._pruner.wear(len(puts))
        return versions

    async def delete(self, keys: Mapping[str, int | None], /) -> list[bool]:
        done: list[bool] = []
        pairs = [(key, "" if version is None else version) for key, version in keys.items()]
        for start in range(0, len(pairs), CHUNK):
            answers = await self._link.run(_DELETE, *chain.from_iterable(pairs[start : start + CHUNK]))
            done += [answer == 1 for answer in answers]
        return done

    async def scan(self, prefix: str, after: str = "", limit: int = 1000, /) -> list[tuple[str, bytes, int]]:
        start, end = b"[" + prefix.encode(), b"(" + prefix.encode() + b"\xff"  # no byte of UTF-8 is as high
        if after >= prefix and after:
            start = b"(" + after.encode()
        found: list[tuple[str, bytes, int]] = []
        while len(found) < limit and (page := await self._link.run(_SCAN, start, end, limit - len(found))):
            found += [(key.decode(), *_parted(text)) for key, text in zip(page[1::2], page[2::2], strict=True)]
            if not page[0]:
                break
            start = b"(" + page[0]
        return found

    async def now(self) -> float:
        seconds, micros = await self._link.ask("TIME")
        return int(seconds) + int(micros) / SECOND

    async def wait(self, known: Mapping[str, int], timeout: float, /) -> None:
        await self._waits.for_facts(known, timeout)


def _words(put: Put) -> tuple[Any, ...]:
    expect = "" if put.expect is None else put.expect
    return put.key, put.value, expect, "" if put.ttl is None else micros(put.ttl)


def _chunks(puts: Sequence[Put]) -> Iterator[list[Put]]:
    chunk, size = list[Put](), 0
    for put in puts:
        chunk.append(put)
        size += len(put.value)
        if len(chunk) == CHUNK or size > BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _living(text: bytes | None, now: int) -> tuple[bytes, int] | None:
    if text is None:
        return None
    version, expires = _HEAD.unpack_from(text)
    return None if 0 < expires <= now else (text[_HEAD.size :], int(version))


def _parted(text: bytes) -> tuple[bytes, int]:
    return text[_HEAD.size :], int(_HEAD.unpack_from(text)[0])
