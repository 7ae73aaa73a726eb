"""Places for the tests that only change the URL: one line an engine."""

from itertools import pairwise
from typing import Final

import pytest

from workhorse.engines.sqlite import memory

HOMES: Final = {
    "sqlite": "sqlite:///{folder}/{side}.db",
    "memory": "memory://{folder}-{side}",
    "postgres": "postgres_url",
    "redis": "redis_url",
}
"""Kinds of place. The value is a URL, or, of a server, the fixture that gives one; each side of a pair has a prefix of its own there."""

PAIRS: Final = [f"{source}-{target}" for source in HOMES for target in HOMES]

_NEXT: Final = [f"{source}-{target}" for source, target in pairwise([*HOMES, *HOMES][: len(HOMES) + 1])]
MANY_TIMES: Final = [pair if pair in _NEXT else pytest.param(pair, marks=pytest.mark.proof) for pair in PAIRS]
"""For what moves again and again: each kind is moved from and moved to once, and the proof has the other pairs."""


def home(request: pytest.FixtureRequest, kind: str, side: str = "jobs") -> str:
    """The URL of a new place of this kind; it ends with the test."""
    pattern = HOMES[kind]
    if "://" not in pattern:
        url: str = request.getfixturevalue(pattern)
        return _prefixed(url, side)
    url = pattern.format(folder=request.getfixturevalue("tmp_path"), side=side)
    if kind == "memory":
        request.addfinalizer(lambda: memory.forget(url.partition("://")[2]))
    return url


def _prefixed(url: str, side: str) -> str:
    rest, found, prefix = url.partition("prefix=")
    if found:
        return f"{rest}prefix={side}{prefix}"
    return f"{url}{'&' if '?' in url else '?'}prefix={side}"
