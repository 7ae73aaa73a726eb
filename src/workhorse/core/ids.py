"""Ids of jobs: UUIDv7 in hex (RFC 9562, section 5.7), so that they sort by the time they were made."""

import time
from secrets import randbits
from typing import Final


def new_id() -> str:
    """48 bits of Unix milliseconds, the version 7, 12 and 62 random bits around the variant."""
    stamp = time.time_ns() // 1_000_000
    noise = randbits(74)
    value = stamp << 80 | 0x7 << 76 | (noise >> 62) << 64 | 0x2 << 62 | noise & 0x3FFF_FFFF_FFFF_FFFF
    return f"{value:032x}"


TICK: Final = "tick~"
"""How the ids of ticks begin."""


def is_given(id: str) -> bool:
    """Whether it may well come again: somebody gave it, or a schedule made it. Else it is of chance, or of what it follows."""
    return id.startswith(TICK) or not (is_ours(id) or "~" in id or "@" in id)


def is_ours(id: str) -> bool:
    """Whether it looks like one of `new_id`: made of chance, so that it does not come again."""
    return len(id) == 32 and id[12] == "7" and id.isalnum()


def is_copy(id: str) -> bool:
    """Whether an engine made it: of an event, for one of the queues that are bound to its topic; or it follows such a one."""
    return "@" in id
