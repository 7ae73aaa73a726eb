"""How far a running job is, as a fact under `progress/ID`."""

import msgspec

from workhorse.core.contract import Put, Store

TTL = 3600.0
"""Seconds for which the last word of a job stands."""


class Progress(msgspec.Struct, frozen=True):
    """`done` from 0 to 1, and a word on it."""

    done: float
    text: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Progress).decode


def of(id: str, done: float, text: str) -> Put:
    """The fact to be put."""
    return Put(f"progress/{id}", _encode(Progress(done, text.encode(errors="backslashreplace").decode())), None, TTL)


async def progress_of(store: Store, id: str) -> Progress | None:
    """What the job said last, if it said anything lately."""
    found = (await store.get([f"progress/{id}"]))[0]
    return None if found is None else _decode(found[0])
