"""The conformance suite over Redis, an older Redis and Valkey, on servers whose clocks the tests move."""

import pytest

from conformance_redis import OnRedis
from workhorse.testing.conformance import Conformance


class TestRedis(OnRedis, Conformance):
    """`redis://HOST/0?prefix=NAME`."""


@pytest.mark.proof
class TestOlderRedis(OnRedis, Conformance):
    """The oldest that is supported."""

    kind = "older redis"


@pytest.mark.proof
class TestValkey(OnRedis, Conformance):
    """A newer server that speaks as Redis does."""

    kind = "valkey"
