"""Any history of an engine is one that the contract's model allows."""

import pytest

from conformance_memory import InMemory
from steered_file import InFiles
from workhorse.testing.histories import check


class TestSqlite(InFiles):
    """`sqlite:////FILE`."""

    synchronous = "off"  # no power fails here, and a sync a step would be most of the time

    def test_any_history_is_one_that_the_contract_allows(self) -> None:
        check(self, histories=25, steps=30)

    @pytest.mark.proof
    def test_hundreds_of_long_histories_are(self) -> None:
        check(self, histories=300, steps=50)


class TestMemory(InMemory):
    """`memory://NAME`."""

    def test_any_history_is_one_that_the_contract_allows(self) -> None:
        check(self, histories=25, steps=30)

    @pytest.mark.proof
    def test_hundreds_of_long_histories_are(self) -> None:
        check(self, histories=300, steps=50)
