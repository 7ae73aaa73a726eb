"""What is promised of messages taken by hand, on every engine: each is settled as its holder said, and nobody else's suffers."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from faulty_engine import turns
from homes import HOMES, home
from workhorse import Fixed, GiveUp, JobHandle, Message, Retry, RetryLater, Saga, Skip, Workhorse, step
from workhorse.core.document import encode
from workhorse.core.happenings import JobEnded, JobLost, JobStarted, JobSucceeded
from workhorse.engine import Broker, Envelope, Filter
from workhorse.engines import open_engine
from workhorse.errors import BrokerUnavailable, DeclarationError, JobFailed, LeaseLost, WorkhorseError
from workhorse.testing import in_memory
from workhorse.worker.consuming.consumer import Consumer


class Order(msgspec.Struct):
    number: int
    note: str = ""


class Shop:
    """An app with a queue of notes and one of orders."""

    def __init__(self, url: str) -> None:
        self.app = Workhorse(url, name="q", retry=Retry(1, Fixed(0)), enqueue_timeout=5)
        self.note = self.app.task(name="note")(_nobody)
        self.order = self.app.task(name="order", queue="orders")(_orders)

    async def broker(self) -> Broker:
        broker = (await self.app.engine()).broker
        assert broker is not None
        return broker

    async def row(self, id: str) -> Any:
        inspector = (await self.app.engine()).inspector
        assert inspector is not None
        return await inspector.show(id)

    async def notes(self, *texts: str) -> list[JobHandle[None]]:
        return await self.app.enqueue_many([self.note.job(text) for text in texts])


async def _nobody(text: str) -> None:
    raise AssertionError("it is consumed by hand")


async def _orders(order: Order) -> None:
    raise AssertionError("it is consumed by hand")


@pytest.fixture(params=HOMES)
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    """On each engine."""
    shop = Shop(home(request, request.param))
    async with shop.app:
        yield shop


@pytest.fixture
async def small(tmp_path: Any) -> AsyncIterator[Shop]:
    """Where the engine makes no difference."""
    shop = Shop(f"sqlite:///{tmp_path}/jobs.db")
    async with shop.app:
        yield shop


async def taken(consumer: Consumer[Any], count: int) -> list[Message[Any]]:
    """So many messages, in the order of what they say: engines promise none."""
    messages = list[Message[Any]]()
    async with asyncio.timeout(20):
        while len(messages) < count:
            messages += await consumer.consume(count - len(messages), wait=10)
    return sorted(messages, key=lambda message: str(message.content))


# ---- on every engine


async def test_what_is_acknowledged_has_succeeded_and_what_is_not_comes_again(shop: Shop) -> None:
    ada, bob = await shop.notes("ada", "bob")
    async with shop.app.consumer("q") as consumer:
        messages = await taken(consumer, 2)
        assert [(it.id, it.task, it.media_type, it.attempt) for it in messages] == [
            (ada.id, "note", "application/json", 1),
            (bob.id, "note", "application/json", 1),
        ]
        assert [message.content for message in messages] == ["ada", "bob"]
        messages[0].ack()
        assert await ada.status() == "running"  # marked only
        assert await consumer.consume() == []
        assert await ada.status() == "succeeded"
    assert await ada.result(5) is None
    async with shop.app.consumer("q") as again:
        (message,) = await again.consume(wait=10)
        assert (message.content, message.attempt) == ("bob", 1)
        assert (await shop.row(bob.id)).crashes == 0


async def test_a_message_is_handed_back_for_later_without_being_counted(shop: Shop) -> None:
    (job,) = await shop.notes("ada")
    async with shop.app.consumer("q") as consumer:
        for _ in range(4):  # more often than it might fail
            (message,) = await consumer.consume(wait=10)
            message.retry(after=timedelta(milliseconds=50))
        began = time.monotonic()
        (message,) = await consumer.consume(wait=10)
        assert time.monotonic() - began >= 0.04
        assert message.attempt == 1
    assert await job.history() == []


async def test_an_error_is_one_failed_attempt_and_is_not_swallowed(shop: Shop) -> None:
    (job,) = await shop.notes("ada")
    async with shop.app.consumer("q") as consumer:
        for number in (1, 2):  # as often as the retries of the task allow
            (message,) = await consumer.consume(wait=10)
            assert message.attempt == number
            with pytest.raises(ZeroDivisionError), message:
                _ = 1 / 0
        assert await consumer.consume() == []
    with pytest.raises(JobFailed, match="ZeroDivisionError: division by zero"):
        await job.result(10)
    assert [str(each.value) for each in await job.history()] == ["ZeroDivisionError: division by zero"] * 2
    assert "_ = 1 / 0" in (await job.history())[0].value.traceback  # type: ignore[union-attr]


async def test_what_cannot_be_read_is_dead_with_its_reason_and_stops_no_neighbour(shop: Shop) -> None:
    broker = await shop.broker()
    good = await shop.order.enqueue(Order(1))
    await broker.publish(
        [Envelope("cut", "order", b'{"v":1,', "orders"), Envelope("odd", "order", _document("[7]"), "orders")]
    )
    last = await shop.order.enqueue(Order(2))
    async with shop.app.consumer("orders", Order) as consumer:
        messages = await taken(consumer, 2)
        assert [message.content for message in messages] == [Order(1), Order(2)]
        for message in messages:
            message.ack()
    reasons = [(row.status, row.reason) for row in [await shop.row("cut"), await shop.row("odd")]]
    assert [status for status, _ in reasons] == ["dead", "dead"]
    assert reasons[0][1].startswith("malformed: not a document of ours")
    assert reasons[1][1] == "arguments do not fit: content: expected `object`, got `int`"
    assert [await good.status(), await last.status()] == ["succeeded", "succeeded"]


async def test_a_lease_is_extended_while_a_message_is_held(shop: Shop) -> None:
    (job,) = await shop.notes("ada")
    async with shop.app.consumer("q", lease=0.6) as consumer:
        (message,) = await consumer.consume(wait=10)
        async with asyncio.timeout(20):
            first = due = (await shop.row(job.id)).due
            while due < first + 1.3:  # more than two leases later
                due = (await shop.row(job.id)).due
                await asyncio.sleep(0.02)
        assert await (await shop.broker()).claim(["q"], 1, 30) == []
        assert not message.lost
        message.ack()
    assert await job.status() == "succeeded"


async def test_a_lost_lease_is_told_and_nothing_is_settled_twice(shop: Shop) -> None:
    mine, other = await shop.notes("ada", "bob")
    lost = list[JobLost]()
    shop.app.bus.listen(JobLost, lost.append)
    broker = await shop.broker()
    async with shop.app.consumer("q", lease=30) as consumer:
        messages = await taken(consumer, 2)
        claim = await _stolen(shop, mine.id)
        messages[0].ack()  # nobody knows yet
        messages[1].ack()
        with pytest.raises(LeaseLost, match=f"is lost: {mine.id};") as caught:
            await consumer.consume()
        assert caught.value.ids == (mine.id,)
        assert await other.status() == "succeeded"
        assert [await mine.status(), await consumer.consume()] == ["running", []]
    assert [(it.claim.job.id, it.why) for it in lost] == [(mine.id, "stale")]
    assert await broker.extend([claim], 30) == ["kept"]


async def _stolen(shop: Shop, id: str) -> Any:
    """The claim of another on a job that is held."""
    broker, inspector = await shop.broker(), (await shop.app.engine()).inspector
    assert inspector is not None
    row = await inspector.show(id)
    assert row is not None
    await inspector.delete(Filter(ids=[id]))
    await broker.publish([msgspec.structs.replace(row.job, topic="")])
    async with asyncio.timeout(20):
        while not (claims := await broker.claim(["q"], 1, 30)):
            await broker.wait(["q"], 1, 1)
    return claims[0]


def _document(args: str) -> bytes:
    return encode(args.encode(), b"{}")


# ---- where the engine makes no difference


async def _ended(small: Shop, raised: BaseException | None) -> tuple[str, str, int]:
    """Status, reason and attempt of a note in whose block this was raised."""
    (job,) = await small.notes("ada")
    async with small.app.consumer("q") as consumer:
        (message,) = await consumer.consume(wait=10)
        await message.__aenter__()
        await message.__aexit__(type(raised) if raised else None, raised, None)  # an interrupt would end the loop
        row = await small.row(job.id)  # settled at once
        return row.status, row.reason, row.job.attempt


@pytest.mark.parametrize(
    ("raised", "ended"),
    [
        (None, ("succeeded", "", 1)),
        (Skip("nothing new"), ("succeeded", "", 1)),
        (GiveUp("bad address"), ("dead", "GiveUp: bad address", 1)),
        (ValueError("no"), ("ready", "", 2)),
        (RetryLater(60), ("scheduled", "", 2)),
        (RetryLater(60, counts=False), ("scheduled", "", 1)),
        (KeyboardInterrupt(), ("ready", "", 1)),
        (asyncio.CancelledError(), ("ready", "", 1)),
    ],
    ids=lambda value: type(value).__name__ + ("_uncounted" if getattr(value, "counts", True) is False else ""),
)
async def test_what_a_block_raises_is_judged_as_what_a_task_raises(
    small: Shop, raised: BaseException | None, ended: tuple[str, str, int]
) -> None:
    assert await _ended(small, raised) == ended


async def test_the_first_word_on_a_message_stands(small: Shop) -> None:
    (job,) = await small.notes("ada")
    async with small.app.consumer("q") as consumer:
        (message,) = await consumer.consume(wait=10)
        message.ack()
        with pytest.raises(ZeroDivisionError), message:
            _ = 1 / 0
        for word in (message.ack, message.retry):
            with pytest.raises(WorkhorseError, match="expected one word on it, got a second"):
                word()
    assert await job.status() == "succeeded"


async def test_a_word_after_the_end_comes_too_late(small: Shop) -> None:
    await small.notes("ada")
    async with small.app.consumer("q") as consumer:
        (message,) = await consumer.consume(wait=10)
    with pytest.raises(WorkhorseError, match="after its end; it was handed back, and comes again"):
        message.ack()
    with pytest.raises(WorkhorseError, match="expected to be open"):
        await consumer.consume()


async def test_a_message_of_several_arguments_says_them_all(small: Shop) -> None:
    await small.app.enqueue(small.app.job("elsewhere", 1, b"two", three={3}))  # of a task that nobody here knows
    async with small.app.consumer("q") as consumer:
        (message,) = await consumer.consume(wait=10)
        assert message.content == {"args": [1, b"two"], "kwargs": {"three": {3}}}
        message.ack()


async def test_what_is_cancelled_or_expired_is_not_given_out(small: Shop) -> None:
    late, stopped, good = (small.note.options(expires=0.001), small.note, small.note)
    jobs = [await late.enqueue("late"), await stopped.enqueue("stopped"), await good.enqueue("good")]
    assert await jobs[1].cancel()
    async with small.app.consumer("q") as consumer:
        (message,) = await consumer.consume(wait=10)
        message.ack()
    assert [(await small.row(job.id)).status for job in jobs] == ["dead", "cancelled", "succeeded"]


async def test_a_holder_that_blocks_the_loop_keeps_its_lease_for_a_while(small: Shop) -> None:
    (job,) = await small.notes("ada")
    async with small.app.consumer("q", lease=1.2) as consumer:
        (message,) = await consumer.consume(wait=10)
        watcher = threading.Thread(target=lambda: asyncio.run(_until_moved(small.app.url, job.id, 2)))
        watcher.start()
        watcher.join(20)  # blocking: nothing in this loop turns meanwhile
        assert not watcher.is_alive()
        message.ack()
    assert await job.status() == "succeeded"


async def _until_moved(url: str, id: str, times: int) -> None:
    """Return when the lease of this job was extended so often, as seen from elsewhere."""
    engine, seen = open_engine(url), set[float]()
    await engine.open()
    async with asyncio.timeout(20):
        while len(seen) <= times:
            assert engine.inspector is not None
            row = await engine.inspector.show(id)
            assert row is not None
            assert row.due is not None
            seen.add(row.due)
            await asyncio.sleep(0.02)
    await engine.close()


async def test_a_loss_that_is_known_is_told_at_the_word(small: Shop) -> None:
    mine, other = await small.notes("ada", "bob")
    async with small.app.consumer("q", lease=0.5) as consumer:
        ada, bob = await taken(consumer, 2)
        await _stolen(small, mine.id)
        await turns(lambda: ada.lost)
        for word in (ada.ack, ada.retry):
            with pytest.raises(LeaseLost):
                word()
        with pytest.raises(ZeroDivisionError), ada:
            _ = 1 / 0  # what the block raised is not hidden
        bob.ack()
    assert [await mine.status(), await other.status()] == ["running", "succeeded"]


async def test_a_consume_that_is_cancelled_keeps_nothing(small: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = await small.broker()
    claim, asked, free = broker.claim, asyncio.Event(), asyncio.Event()

    async def slow(*args: Any) -> Any:
        asked.set()
        await free.wait()
        return await claim(*args)

    (job,) = await small.notes("ada")
    async with small.app.consumer("q") as consumer:
        monkeypatch.setattr(broker, "claim", slow)
        consuming = asyncio.create_task(consumer.consume(wait=30))
        await asked.wait()
        consuming.cancel()
        free.set()
        with pytest.raises(asyncio.CancelledError):
            await consuming
        row = await small.row(job.id)
        assert (row.status, row.job.attempt, row.crashes) == ("ready", 1, 0)
        assert len(await consumer.consume()) == 1


async def test_an_engine_that_is_away_is_told_and_what_was_said_is_settled_later(
    small: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = await small.notes("ada")
    broker = await small.broker()
    settle = broker.settle

    async def away(*args: Any) -> Any:
        raise BrokerUnavailable("away")

    small.app._patience = 0.1
    async with small.app.consumer("q") as consumer:
        (message,) = await consumer.consume(wait=10)
        message.ack()
        monkeypatch.setattr(broker, "settle", away)
        with pytest.raises(BrokerUnavailable, match=r"1 message could not be settled within 0\.1 s"):
            await consumer.consume()
        monkeypatch.setattr(broker, "settle", settle)
        assert await consumer.consume() == []
        assert await job.status() == "succeeded"


async def test_an_error_of_the_block_is_not_hidden_by_what_goes_wrong_at_the_end(
    small: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*args: Any) -> Any:
        raise BrokerUnavailable("away")

    await small.notes("ada")
    small.app._patience = 0.1
    consumer = await small.app.consumer("q").__aenter__()
    await consumer.consume(wait=10)
    monkeypatch.setattr(await small.broker(), "settle", away)
    error = ZeroDivisionError()
    await consumer.__aexit__(type(error), error, None)  # raises nothing in its place


async def test_what_only_a_worker_can_run_is_handed_back(small: Shop) -> None:
    @step
    async def one() -> int:
        return 1

    @small.app.saga(name="tale")
    async def tale(saga: Saga) -> int:
        return await one()

    handle = await tale.enqueue()
    (job,) = await small.notes("ada")
    async with small.app.consumer("q") as consumer:
        (message,) = await taken(consumer, 1)
        message.ack()
    assert await job.status() == "succeeded"
    assert (await small.row(handle.id)).status == "scheduled"


async def test_what_follows_a_job_follows_its_acknowledgement(small: Shop) -> None:
    heard = list[object]()

    @small.app.task(name="hear", queue="ears")
    async def hear(said: list[Any]) -> None:
        heard.append(said)

    group = small.app.group([small.note.job("ada"), small.note.job("bob")])
    await group.then(hear).enqueue()
    async with small.app.consumer("q") as consumer:
        for message in await taken(consumer, 2):
            message.ack()
    await small.app.worker(queues=["ears"], burst=True, signals=()).run()
    assert heard == [[None, None]]


async def test_a_message_on_its_last_chance_comes_alone() -> None:
    app = Workhorse("memory://", name="q")
    note = app.task(name="note")(_nobody)
    async with in_memory(app) as bench:
        broker = (await app.engine()).broker
        assert broker is not None
        for text in ("bad", "worse"):
            await note.enqueue(text)
        for _ in range(2):  # two holders die with both
            assert len(await broker.claim(["q"], 10, 5)) == 2
            bench.clock.advance(6)
        await note.enqueue("good")
        async with app.consumer("q") as consumer:
            (suspect,) = await consumer.consume()
            assert suspect.content in ("bad", "worse")
            assert await consumer.consume() == []  # nothing comes beside it
            suspect.ack()
            (good,) = await consumer.consume()
            assert good.content == "good"
            bench.clock.advance(4)  # a tenth of the lease
            assert await consumer.consume() == []  # no suspect beside another
            good.ack()
            bench.clock.advance(4)
            (other,) = await consumer.consume()
            assert {suspect.content, other.content} == {"bad", "worse"}
            other.ack()


async def test_the_bus_is_told_of_what_is_consumed(small: Shop) -> None:
    told = list[str]()
    for kind in (JobStarted, JobSucceeded, JobEnded):
        small.app.bus.listen(kind, lambda it: told.append(type(it).__name__))
    await small.notes("ada", "bob")
    async with small.app.consumer("q") as consumer:
        ada, bob = await taken(consumer, 2)
        ada.ack()
        with pytest.raises(ZeroDivisionError), bob:
            _ = 1 / 0
    assert sorted(told) == ["JobEnded", "JobStarted", "JobStarted", "JobSucceeded"]


def test_synchronous_code_consumes_in_a_plain_block(tmp_path: Any) -> None:
    shop = Shop(f"sqlite:///{tmp_path}/jobs.db")
    jobs = [shop.note.enqueue_sync(text) for text in ("ada", "bob")]
    with shop.app.consumer("q", str) as consumer:
        messages = shop.app.run(taken(consumer, 2))
        for message in messages[:1]:
            with message:
                assert message.content == "ada"
    assert [shop.app.run(job.status()) for job in jobs] == ["succeeded", "ready"]
    shop.app.run(shop.app.close())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda app: app.consumer("two words"), "queue: expected 1 to 200"),
        (lambda app: app.consumer("q", lease=0), "lease: expected 0.1"),
        (lambda app: app.consumer("q", type("Odd", (), {})), "consumer: expected a class whose values can travel"),
    ],
    ids=["queue", "lease", "class"],
)
def test_what_cannot_work_is_said_when_it_is_asked_for(wrong: Any, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        wrong(Workhorse("memory://"))
