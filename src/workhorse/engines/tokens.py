"""The tokens of claims: a random number, new at each call of claim, and in SQL the number of the row."""

import random
from typing import Final

_random: Final = random.SystemRandom()
_NOBODY: Final = (-1, -1)


def fresh() -> int:
    """63 random bits; never 0, which is nobody's."""
    return _random.getrandbits(63) or 1


def parsed(text: str) -> tuple[int, int]:
    """The random number and the row that a claim's token names; a text that is none of ours names nothing."""
    token, _, seq = text.partition(".")
    try:
        name = int(token, 16), int(seq)
    except ValueError:
        return _NOBODY
    return name if 0 < name[0] < 1 << 63 and 0 < name[1] < 1 << 63 else _NOBODY
