"""Any history of an engine on a server is one that the contract's model allows. The server's clock stands still, but for the time that the
history lets pass."""

import pytest

from conformance_postgres import OnPostgres, Steered
from conformance_redis import OnRedis
from servers.fixtures import Shared
from workhorse.engine import Engine
from workhorse.engines.postgres import inspector
from workhorse.engines.postgres.link import Link
from workhorse.testing.histories import check


class TestPostgres(OnPostgres):
    """`postgresql://…?prefix=emptied`, emptied for each history."""

    def engine(self, name: str) -> Engine:
        if name != self.first:
            self.first = ""
        return super().engine(name)

    @pytest.fixture(autouse=True)
    def steered_server(self, shared_servers: Shared) -> None:
        self.server = shared_servers(
            lambda _, fast: Steered(clock=True, fast=fast), "postgres with a clock that stands"
        )
        self.server.clock.stop()

    async def pass_time(self, seconds: float) -> None:
        self.server.clock.move(seconds)

    @pytest.fixture(autouse=True)
    def looks_over_the_pool(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A connection of its own for each look of people takes half of the time."""
        monkeypatch.setattr(inspector, "aside", Link.fetch)

    def test_any_history_is_one_that_the_contract_allows(self) -> None:
        check(self, histories=8, steps=30)

    @pytest.mark.proof
    @pytest.mark.timeout(1500)
    def test_hundreds_of_long_histories_are(self) -> None:
        check(self, histories=300, steps=50)


class TestRedis(OnRedis):
    """`redis://HOST/0?prefix=NAME`."""

    @pytest.fixture(autouse=True)
    def clock_that_stands(self, private_server: None) -> None:
        self.server.clock.stop()

    def test_any_history_is_one_that_the_contract_allows(self) -> None:
        check(self, histories=25, steps=30)

    @pytest.mark.proof
    @pytest.mark.timeout(1500)
    def test_hundreds_of_long_histories_are(self) -> None:
        check(self, histories=300, steps=50)
