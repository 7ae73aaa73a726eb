"""What the chapters on lost answers stand on: the engine's parts over a line on which everything is done and nobody is told."""

from collections.abc import Awaitable

import pytest

from workhorse.engine import Broker, BrokerUnavailable, Inspector, Store
from workhorse.testing.conformance.chapter import Chapter
from workhorse.testing.faults import FaultyBroker, FaultyInspector, FaultyStore, Lost, Script


class Deaf(Chapter):
    """A caller who never hears what became of its call."""

    @pytest.fixture
    def deaf(self, broker: Broker) -> Broker:
        return FaultyBroker(broker, _losing())

    @pytest.fixture
    def deaf_store(self, store: Store) -> Store:
        return FaultyStore(store, _losing())

    @pytest.fixture
    def deaf_inspector(self, inspector: Inspector) -> Inspector:
        return FaultyInspector(inspector, _losing())


async def unanswered(call: Awaitable[object]) -> None:
    """It is done, and the caller does not hear of it."""
    with pytest.raises(BrokerUnavailable, match="the answer is lost"):
        await call


def _losing() -> Script:
    script = Script()
    script.always(Lost())
    return script
