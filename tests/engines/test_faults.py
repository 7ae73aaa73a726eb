"""The faults that a test can order: what each does to one call, when it comes, and that it is on record."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from random import Random
from typing import Any, cast, get_args

import pytest

from workhorse.engine import Broker, Engine, Filter, Inspector, Put, Store, Succeeded
from workhorse.engines import open_engine
from workhorse.engines.keeping import Policy
from workhorse.engines.sqlite.engine import SqlEngine
from workhorse.engines.sqlite.homes import MemoryHome
from workhorse.engines.sqlite.link import Link
from workhorse.errors import BrokerUnavailable
from workhorse.testing import ManualClock
from workhorse.testing.conformance.words import begun, claim, claim_one, ids, job, publish, put, value
from workhorse.testing.faults import (
    Away,
    Fault,
    FaultyBroker,
    FaultyEngine,
    Happened,
    Late,
    Lost,
    Nemesis,
    Repeated,
    Script,
    Seeded,
    Stalled,
)
from workhorse.testing.faults.fault import Verb


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def engine(script: Script) -> AsyncIterator[FaultyEngine]:
    engine = FaultyEngine(open_engine("memory://"), script)
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
def broker(engine: FaultyEngine) -> Broker:
    assert engine.broker is not None
    return engine.broker


@pytest.fixture
def store(engine: FaultyEngine) -> Store:
    assert engine.store is not None
    return engine.store


# ---- faults


async def test_a_call_that_meets_away_has_no_effect(broker: Broker, script: Script) -> None:
    script.next("publish", Away())
    with pytest.raises(BrokerUnavailable, match="publish: the engine is away"):
        await broker.publish([job("a")])
    assert await ids(broker) == []


async def test_away_may_be_any_error(broker: Broker, script: Script) -> None:
    script.next("publish", Away(OverflowError("too large for a column")))
    with pytest.raises(OverflowError, match="too large"):
        await broker.publish([job("a")])


async def test_a_call_whose_answer_is_lost_has_its_effect(broker: Broker, script: Script) -> None:
    script.next("publish", Lost())
    with pytest.raises(BrokerUnavailable, match="publish: the answer is lost"):
        await broker.publish([job("a")])
    assert await ids(broker) == ["a"]


async def test_a_call_that_stalls_has_its_effect_when_it_is_released(broker: Broker, script: Script) -> None:
    gate = asyncio.Event()
    script.next("publish", Stalled(gate.wait))
    publishing = await begun(publish(broker, job("a")))
    assert await ids(broker) == []
    gate.set()
    await publishing
    assert await ids(broker) == ["a"]


async def test_a_call_may_stall_for_some_time_of_a_clock(broker: Broker, script: Script) -> None:
    clock = ManualClock()
    before = clock.time()
    script.next("publish", Stalled(lambda: clock.sleep(31)))
    await publish(broker, job("a"))
    assert clock.time() - before == 31


async def test_a_late_answer_comes_when_it_is_released_and_the_effect_at_once(broker: Broker, script: Script) -> None:
    gate, done = asyncio.Event(), asyncio.Event()

    async def until() -> None:
        done.set()
        await gate.wait()

    script.next("publish", Late(until))
    publishing = await begun(publish(broker, job("a")))
    await done.wait()
    assert await ids(broker) == ["a"]
    assert not publishing.done()
    gate.set()
    await publishing


async def test_a_call_that_is_repeated_is_done_twice_and_answered_as_the_second_one(
    broker: Broker, script: Script
) -> None:
    await publish(broker, job("a"))
    outcome = Succeeded(await claim_one(broker))
    script.next("settle", Repeated())
    assert await broker.settle([outcome]) == [(outcome, "stale")]


# ---- scripts


async def test_what_is_said_of_the_next_calls_holds_for_one_each_in_order(store: Store, script: Script) -> None:
    script.next("put", None, Away(), Lost())
    await put(store, "a", b"1")
    for expected in (b"1", b"3"):
        with pytest.raises(BrokerUnavailable):
            await put(store, "a", b"2" if expected == b"1" else b"3")
        assert await value(store, "a") == expected
    await put(store, "a", b"4")


async def test_what_is_said_of_all_calls_holds_until_it_is_healed(broker: Broker, store: Store, script: Script) -> None:
    script.always(Away(), "claim", "put")
    for _ in range(3):
        with pytest.raises(BrokerUnavailable):
            await claim(broker)
        with pytest.raises(BrokerUnavailable):
            await put(store, "a")
    await publish(broker, job("a"))
    script.heal()
    assert await ids(broker) == ["a"]


async def test_what_is_said_of_no_verb_holds_for_every_verb(engine: FaultyEngine, script: Script) -> None:
    script.always(Away())
    for part, verb, arguments in verbs(engine):
        with pytest.raises(BrokerUnavailable, match=f"^{verb}: "):
            await getattr(part, verb)(*arguments)


async def test_a_line_that_is_cut_reaches_nobody_and_is_whole_when_it_is_healed(
    broker: Broker, store: Store, script: Script
) -> None:
    script.cut()
    with pytest.raises(BrokerUnavailable):
        await broker.publish([job("a")])
    with pytest.raises(BrokerUnavailable):
        await store.get(["a"])
    script.heal()
    assert await ids(broker) == []


async def test_what_is_under_way_when_the_line_is_cut_loses_its_answer(broker: Broker, script: Script) -> None:
    gate = asyncio.Event()
    script.next("publish", Stalled(gate.wait))
    publishing = await begun(publish(broker, job("a")))
    script.cut()
    gate.set()
    with pytest.raises(BrokerUnavailable, match="the answer is lost"):
        await publishing
    script.heal()
    assert await ids(broker) == ["a"]


async def test_what_happened_is_listed_and_so_is_who_called(broker: Broker, script: Script) -> None:
    script.next("publish", Repeated())
    await publish(broker, job("a"))
    await claim(broker)
    script.cut()
    with pytest.raises(BrokerUnavailable):
        await claim(broker)
    assert script.happened == [Happened("publish", Repeated()), Happened("claim", Away())]
    assert script.calls == ["open", "publish", "claim", "claim"]


def test_a_verb_that_is_none_is_refused(script: Script) -> None:
    with pytest.raises(ValueError, match="expected a verb of the contract, got 'ack'"):
        script.next(cast(Verb, "ack"), Lost())


# ---- seeds

RATES: dict[Verb, dict[Fault, float]] = {
    "publish": {Away(): 0.3, Lost(): 0.3, Repeated(): 0.2},
    "claim": {Away(): 0.5},
}


async def fate(seed: int) -> list[Happened]:
    nemesis = Seeded(Random(seed), RATES)
    engine = FaultyEngine(open_engine("memory://"), nemesis)
    await engine.open()
    assert engine.broker is not None
    for _ in range(60):
        await asyncio.gather(engine.broker.publish([job()]), claim(engine.broker), return_exceptions=True)
    await engine.close()
    return nemesis.happened


async def test_a_seed_has_one_fate_in_which_all_that_was_planned_happens() -> None:
    happened = await fate(7)
    assert happened == await fate(7) != await fate(8)
    planned = {Happened(verb, fault) for verb, faults in RATES.items() for fault in faults}
    assert set(happened) == planned


async def test_a_seeded_nemesis_that_is_healed_does_nothing_more() -> None:
    nemesis = Seeded(Random(7), {"publish": {Away(): 1}})
    engine = FaultyEngine(open_engine("memory://"), nemesis)
    await engine.open()
    assert engine.broker is not None
    with pytest.raises(BrokerUnavailable):
        await engine.broker.publish([job()])
    nemesis.heal()
    await publish(engine.broker, job())
    await engine.close()


@pytest.mark.parametrize("faults", [{Away(): 0.6, Lost(): 0.6}, {Away(): -0.1}])
def test_rates_that_are_no_shares_are_refused(faults: dict[Fault, float]) -> None:
    with pytest.raises(ValueError, match="publish: expected rates of 0 or more that add up to at most 1"):
        Seeded(Random(7), {"publish": faults})


# ---- engines


def verbs(engine: Engine) -> list[tuple[Any, str, tuple[Any, ...]]]:
    """Every verb of the parts, with arguments that any engine takes."""
    return [
        (engine, "open", ()),
        (engine.broker, "publish", ([job("a")],)),
        (engine.broker, "bind", ("order.paid", "mail")),
        (engine.broker, "claim", (["other"], 1, 30)),
        (engine.broker, "settle", ([],)),
        (engine.broker, "extend", ([], 30)),
        (engine.broker, "wait", (["other"], 1, 0)),
        (engine.store, "get", (["a"],)),
        (engine.store, "put", ([Put("a", b"1")],)),
        (engine.store, "delete", ({"a": None},)),
        (engine.store, "scan", ("",)),
        (engine.store, "now", ()),
        (engine.store, "wait", ({"a": 1}, 0)),
        (engine.inspector, "count", ("queue",)),
        (engine.inspector, "list", (Filter(),)),
        (engine.inspector, "show", ("a",)),
        (engine.inspector, "retry", (Filter(),)),
        (engine.inspector, "cancel", (Filter(),)),
        (engine.inspector, "delete", (Filter(),)),
        (engine.inspector, "pause", ("mail",)),
        (engine.inspector, "resume", ("mail",)),
    ]


async def test_without_a_fault_every_verb_answers_as_the_engine_does(script: Script) -> None:
    engines: list[Engine] = [SqlEngine(Link(MemoryHome("", Policy(), ManualClock()))) for _ in range(2)]
    engines[1] = FaultyEngine(engines[1], script)
    plain, faulty = [
        [await getattr(part, verb)(*arguments) for part, verb, arguments in verbs(engine)] for engine in engines
    ]
    assert repr(faulty) == repr(plain)
    assert script.calls == [verb for _, verb, _ in verbs(engines[1])]
    for engine in engines:
        await engine.close()


def test_every_verb_of_the_contract_can_fail() -> None:
    parts = (Broker, Store, Inspector)
    contract = {name for part in parts for name, verb in vars(part).items() if inspect.iscoroutinefunction(verb)}
    assert {*get_args(Verb)} == {*contract, "open"}


async def test_a_part_that_an_engine_lacks_is_lacking_behind_the_nemesis_too() -> None:
    class OnlyStore:
        broker = inspector = statements = None
        store = open_engine("memory://").store

    engine = FaultyEngine(cast(Engine, OnlyStore()), Nemesis())
    assert (engine.broker, engine.inspector, engine.statements) == (None, None, None)
    assert engine.store is not None


async def test_a_broker_alone_can_be_made_to_fail() -> None:
    plain, script = open_engine("memory://"), Script()
    await plain.open()
    assert plain.broker is not None
    broker: Broker = FaultyBroker(plain.broker, script)
    script.next("extend", Away())
    with pytest.raises(BrokerUnavailable):
        await broker.extend([], 30)
    assert broker.features == plain.broker.features
    await plain.close()
