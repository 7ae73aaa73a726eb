"""The conformance suite over Redis, on a server whose clock the tests move."""

from conformance_redis import OnRedis
from workhorse.testing.conformance import Conformance


class TestRedis(OnRedis, Conformance):
    """`redis://HOST/0?prefix=NAME`."""
