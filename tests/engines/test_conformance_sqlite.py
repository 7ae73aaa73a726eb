"""The conformance suite over SQLite on disk, on a clock that the tests move."""

from conformance_sqlite import OnDisk
from workhorse.testing.conformance import Conformance


class TestSqlite(OnDisk, Conformance):
    """`sqlite:////FILE`."""
