"""The conformance suite: what every engine promises, a chapter a file, a promise a test. Needs pytest and pytest-asyncio.

A test file of an engine inherits it all and says how to make an engine and how time passes:

    class TestMyEngine(Conformance):
        def engine(self, name: str) -> Engine: ...
        async def pass_time(self, seconds: float) -> None: ...

An SQL engine adds `transact`; where nobody can move the engine's clock, `hurried` lets time run faster than the suite's.
Run it a second time behind `Rough`, too: the same promises, while calls and answers are lost.
A promise that the engine's Features do not make is skipped, and the reason names it.
`python -m workhorse.testing.conformance FILE...` runs such files and prints chapters against engines as a table.
"""

import pkgutil

import pytest

# Before the chapters are imported: else their asserts say nothing when they fail.
pytest.register_assert_rewrite(*(f"{__name__}.{each.name}" for each in pkgutil.iter_modules(__path__)))

from workhorse.testing.conformance.cancel import Cancel  # noqa: E402
from workhorse.testing.conformance.chapter import Chapter, needs  # noqa: E402
from workhorse.testing.conformance.claim import Claiming  # noqa: E402
from workhorse.testing.conformance.crash import Vanished  # noqa: E402
from workhorse.testing.conformance.given_up import GivenUp  # noqa: E402
from workhorse.testing.conformance.hurried import hurried  # noqa: E402
from workhorse.testing.conformance.inspection import Lists, Shown  # noqa: E402
from workhorse.testing.conformance.lanes import LaneFairness, LaneWidth  # noqa: E402
from workhorse.testing.conformance.lanes_histories import LaneHistories  # noqa: E402
from workhorse.testing.conformance.lanes_ordered import LaneOrder, LaneOrders  # noqa: E402
from workhorse.testing.conformance.lanes_rated import LaneRate  # noqa: E402
from workhorse.testing.conformance.lease import Crashes, Leases, Zombies  # noqa: E402
from workhorse.testing.conformance.orders import Orders  # noqa: E402
from workhorse.testing.conformance.publish import Publish  # noqa: E402
from workhorse.testing.conformance.reopening import Reopening  # noqa: E402
from workhorse.testing.conformance.rough import Rough  # noqa: E402
from workhorse.testing.conformance.settle import Settle  # noqa: E402
from workhorse.testing.conformance.settle_together import SettleTogether  # noqa: E402
from workhorse.testing.conformance.skew import Skew, SkewedFacts  # noqa: E402
from workhorse.testing.conformance.statements import InTheCallersTransaction  # noqa: E402
from workhorse.testing.conformance.store import StoreLives, StoreScan, StoreTime, StoreVersions, StoreWrites  # noqa: E402
from workhorse.testing.conformance.topics import Topics  # noqa: E402
from workhorse.testing.conformance.unanswered import (  # noqa: E402
    UnansweredExtend,
    UnansweredFacts,
    UnansweredOrders,
    UnansweredPublish,
    UnansweredSettle,
)
from workhorse.testing.conformance.unique import UniqueFreed, UniqueKeys, UniqueReplace, UniqueWithin  # noqa: E402
from workhorse.testing.conformance.waiting import WaitingForFacts, WaitingForWork  # noqa: E402

__all__ = ["Chapter", "Conformance", "Rough", "hurried", "needs"]


class Conformance(
    Publish,
    Claiming,
    Settle,
    SettleTogether,
    Leases,
    Crashes,
    Zombies,
    LaneWidth,
    LaneFairness,
    LaneOrder,
    LaneOrders,
    LaneRate,
    LaneHistories,
    UniqueKeys,
    UniqueFreed,
    UniqueWithin,
    UniqueReplace,
    WaitingForWork,
    WaitingForFacts,
    Cancel,
    Topics,
    StoreWrites,
    StoreTime,
    StoreVersions,
    StoreLives,
    StoreScan,
    Shown,
    Lists,
    Orders,
    InTheCallersTransaction,
    Reopening,
    Vanished,
    UnansweredPublish,
    UnansweredSettle,
    UnansweredExtend,
    UnansweredFacts,
    UnansweredOrders,
    GivenUp,
    Skew,
    SkewedFacts,
):
    """All chapters. An engine that is only a broker or only a store inherits this too: what it lacks is skipped by name."""
