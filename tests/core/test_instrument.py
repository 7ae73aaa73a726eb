"""The bus: who listens hears of exactly what was asked for, and no listener hurts the work or another listener."""

import logging

import msgspec
import pytest

from workhorse import Workhorse
from workhorse.core.instrument import Bus
from workhorse.testing import in_memory


class Rang(msgspec.Struct, frozen=True):
    times: int = 1


class RangTwice(Rang, frozen=True):
    pass


def test_a_listener_hears_its_class_and_no_other_in_order() -> None:
    bus, heard = Bus(), list[object]()
    bus.listen(Rang, lambda it: heard.append(("first", it)))
    bus.listen(Rang, lambda it: heard.append(("second", it)))
    for happening in (Rang(1), RangTwice(2), "a word", Rang(3)):
        bus.say(happening)
    assert heard == [("first", Rang(1)), ("second", Rang(1)), ("first", Rang(3)), ("second", Rang(3))]


def test_who_stops_listening_hears_no_more_and_may_stop_twice() -> None:
    bus, heard = Bus(), list[Rang]()
    end, other = bus.listen(Rang, heard.append), bus.listen(Rang, lambda it: None)
    end()
    end()
    bus.say(Rang())
    assert heard == []
    assert bus.wants(Rang)
    other()
    assert not bus.wants(Rang)


def test_one_may_stop_while_it_is_told() -> None:
    bus, heard = Bus(), list[str]()

    def once(_: Rang) -> None:
        heard.append("once")
        end()

    end = bus.listen(Rang, once)
    bus.listen(Rang, lambda _: heard.append("always"))
    bus.say(Rang())
    bus.say(Rang())
    assert heard == ["once", "always", "always"]


def test_a_listener_that_fails_is_logged_and_the_others_hear(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = Bus(), list[Rang]()

    def fail(_: Rang) -> None:
        raise ValueError("deaf")

    bus.listen(Rang, fail)
    bus.listen(Rang, heard.append)
    bus.say(Rang())
    assert heard == [Rang()]
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "a listener of Rang failed")
    assert "deaf" in str(record.exc_info)


async def test_each_app_has_a_bus_of_its_own_and_one_that_fails_hurts_no_job() -> None:
    first, second = Workhorse("memory://", name="first"), Workhorse("memory://", name="second")
    heard: list[str] = []

    @first.task(name="work")
    async def work() -> int:
        return 1

    second.task(name="work")(work.fn)
    from workhorse.core.happenings import Enqueued, JobStarted, JobSucceeded

    for kind in (Enqueued, JobStarted, JobSucceeded):
        first.bus.listen(kind, lambda it: 1 / 0)
        second.bus.listen(kind, lambda it: heard.append(type(it).__name__))
    async with in_memory(first) as bench:
        job = await work.enqueue()
        assert (await bench.drain()).succeeded == 1
        assert await job.result() == 1
    assert heard == []
    async with in_memory(second) as bench:
        await second.registry.find("work").enqueue()
        await bench.drain()
    assert heard == ["Enqueued", "JobStarted", "JobSucceeded"]
