"""The conformance suite over PostgreSQL, on a server whose clock the tests move."""

from conformance_postgres import OnPostgres
from workhorse.testing.conformance import Conformance


class TestPostgres(OnPostgres, Conformance):
    """`postgresql://…`."""
