"""The conformance suite over Redis, an older Redis and Valkey, on servers whose clocks the tests move."""

from conformance_redis import OnRedis
from workhorse.testing.conformance import Conformance


class TestRedis(OnRedis, Conformance):
    """`redis://HOST/0?prefix=NAME`."""


class TestOlderRedis(OnRedis, Conformance):
    """The oldest that is supported."""

    kind = "older redis"


class TestValkey(OnRedis, Conformance):
    """A newer server that speaks as Redis does."""

    kind = "valkey"
