"""Subscribing: each subscriber its own queue, retries and dead letters; what a handler is given, and what its outcomes are."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from shops import PAID, PLACED, Paid, Placed, dead, rows, shop
from workhorse import Context, Fixed, GiveUp, Limit, Priority, Retry, RetryLater, Router, Skip, Unique, Workhorse
from workhorse.core.cloud_event import CloudEvent, encode
from workhorse.core.contract import Envelope, Filter
from workhorse.errors import DeclarationError
from workhorse.testing import drain, in_memory

AT_ONCE = Retry(2, Fixed(0))


async def publish_bytes(app: Workhorse, media_type: str, data: bytes, topic: str | None = None) -> None:
    """As another service would, whose schema is its own."""
    broker = (await app.engine()).broker
    assert broker is not None
    event = CloudEvent(specversion="1.0", id="e", source="/other", type=media_type, data=msgspec.Raw(data))
    await broker.publish([Envelope("e", media_type, encode(event), topic=topic or media_type)])


async def test_each_subscriber_gets_a_copy_on_its_own_queue() -> None:
    app, seen = shop("memory://"), []

    @app.on(Placed)
    async def bill(order: Placed) -> None:
        seen.append(("bill", order))

    @app.on(Placed)
    def pack(ctx: Context, order: Placed) -> None:
        seen.append((ctx.job.queue, order))

    async with app:
        await app.publish(Placed(1, Decimal("9.90")))
        assert {row.job.queue for row in await rows(app)} == {"shop.bill", "shop.pack"}
        counts = await drain(app)
    assert counts.succeeded == 2
    assert set(map(repr, seen)) == {
        repr(("bill", Placed(1, Decimal("9.90")))),
        repr(("shop.pack", Placed(1, Decimal("9.90")))),
    }


async def test_a_subscriber_is_a_task_of_one_argument_too() -> None:
    app = shop("memory://")

    @app.on(Placed)
    async def bill(order: Placed) -> str:
        return f"billed {order.order_id}"

    async with in_memory(app) as bench:
        assert await bill(Placed(3)) == "billed 3"
        job = await bill.enqueue(Placed(1))
        await bill.enqueue(order=Placed(2))
        await app.publish(Placed(4))
        await bench.drain()
        assert bench.results == ["billed 1", "billed 2", "billed 4"]
        assert await job.result() == "billed 1"


@dataclass
class Ledger:
    """A subscriber with a collaborator."""

    lines: list[int]

    async def __call__(self, order: Placed) -> None:
        self.lines.append(order.order_id)


async def test_an_object_with_collaborators_subscribes_under_the_name_of_its_class_or_another() -> None:
    app, first, second = shop("memory://"), Ledger([]), Ledger([])
    task = app.on(Placed)(first)
    app.on(Placed, name="second")(second)
    assert task.name == "ledger"
    async with app:
        await app.publish(Placed(7))
        await drain(app)
    assert (first.lines, second.lines) == ([7], [7])


async def test_by_media_type_a_handler_gets_a_mapping_or_what_it_announces() -> None:
    app, seen = shop("memory://"), []

    class View(msgspec.Struct):
        total: str

    def keep(name: str) -> Callable[[Any], None]:
        return lambda event: seen.append((name, event))

    @app.on(PLACED, name="mapping")
    async def mapping(event: dict[str, Any]) -> None:
        keep("mapping")(event)

    @app.on(PLACED, name="view")
    async def view(event: View) -> None:
        keep("view")(event)

    @app.on(PLACED, name="itself")
    async def itself(event: Placed) -> None:
        keep("itself")(event)

    @app.on(Placed, name="anything")
    async def anything(event: object) -> None:
        keep("anything")(event)

    async with app:
        await app.publish(Placed(1, Decimal("9.90")))
        await drain(app)
    found = dict(seen)
    assert found["mapping"] == {"order_id": 1, "total": "9.90"}
    assert found["view"].total == "9.90"
    assert found["itself"] == found["anything"] == Placed(1, Decimal("9.90"))


async def test_a_pattern_means_one_part_and_on_a_shared_queue_the_exact_type_goes_first() -> None:
    app, seen = shop("memory://"), []

    @app.on("application/vnd.shop.*", queue="ship")
    async def every(ctx: Context, event: dict[str, Any]) -> None:
        seen.append(("every", ctx.job.task))

    @app.on(Paid, queue="ship")
    async def paid(event: Paid) -> None:
        seen.append(("paid", PAID))

    app.event("application/vnd.shop.order.lost")(Ledger)
    async with app:
        await app.publish(Placed(1))
        await app.publish(Paid(1))
        await app.publish("application/vnd.shop.order.lost", lines=[])
        await drain(app)
    assert sorted(seen) == [("every", PLACED), ("paid", PAID)]


async def test_a_copy_of_a_type_that_nobody_asked_for_is_succeeded_and_counted() -> None:
    app = shop("memory://", topics={"default": "everything"})

    @app.on(Placed)
    async def bill(order: Placed) -> None: ...

    async with app:
        await app.publish(Placed(1))
        await app.publish(Paid(1))
        counts = await drain(app)
        notes = {row.job.task: row.job.trail for row in await rows(app, "succeeded")}
    assert (counts.succeeded, counts.dead) == (2, 0)
    assert b"nobody asked for this type" in notes[PAID]
    assert notes[PLACED] == b""


async def test_a_filter_and_false_and_skip_are_skips() -> None:
    app, seen = shop("memory://"), []

    @app.on(Paid, filter=lambda paid: paid.order_id > 1)
    def filtered(ctx: Context, paid: Paid) -> bool:
        seen.append(paid.order_id)
        return paid.order_id > 2

    @app.on(Paid)
    async def skipping(paid: Paid) -> None:
        raise Skip("not today")

    async with app:
        for number in (1, 2, 3):
            await app.publish(Paid(number))
        counts = await drain(app)
        notes = sorted(row.job.trail.decode() for row in await rows(app, queue="shop.filtered"))
        assert {row.job.trail for row in await rows(app, queue="shop.skipping")} == {b'{"note":"not today"}'}
    assert (counts.succeeded, counts.dead, sorted(seen)) == (6, 0, [2, 3])
    assert notes == ["", '{"note":"it returned False"}', '{"note":"its filter left it out"}']


async def test_a_handler_retries_gives_up_or_dies_and_the_others_do_not_notice() -> None:
    app, tries = shop("memory://"), []

    @app.on(Paid, retry=AT_ONCE)
    async def later(ctx: Context, paid: Paid) -> None:
        tries.append(ctx.attempt)
        if ctx.attempt == 1:
            raise RetryLater(0)

    @app.on(Paid)
    async def giving_up(paid: Paid) -> None:
        raise GiveUp("bad order")

    @app.on(Paid, retry=AT_ONCE)
    async def failing(paid: Paid) -> None:
        raise OSError("no route")

    async with app:
        await app.publish(Paid(1))
        counts = await drain(app)
        assert sorted(await dead(app)) == ["GiveUp: bad order", "OSError: no route"]
    assert (counts.succeeded, counts.dead, tries) == (1, 2, [1, 2])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"order_id":"one"}', "order_id"),
        (b'{"number":1}', "order_id"),
        (b"[1]", "expected `object`"),
        (b"{", "not an event"),
    ],
    ids=["another type", "renamed", "no object", "broken"],
)
async def test_what_a_changed_publisher_sends_is_a_dead_letter_with_its_reason(data: bytes, why: str) -> None:
    app = shop("memory://")

    @app.on(Paid)
    async def record(paid: Paid) -> None: ...

    async with app:
        if data == b"{":
            broker = (await app.engine()).broker
            assert broker is not None
            await broker.publish([Envelope("e", PAID, b'{"specversion":"1.0",', topic=PAID)])
        else:
            await publish_bytes(app, PAID, data)
        await drain(app)
        (reason,) = await dead(app)
    assert why in reason


async def test_a_consumer_that_wants_more_than_it_is_sent_has_dead_letters_and_one_that_wants_less_has_none() -> None:
    publisher = shop("memory://", name="publisher")

    class More(msgspec.Struct):
        order_id: int
        currency: str

    class Less(msgspec.Struct):
        pass

    class MoreOrNot(msgspec.Struct):
        order_id: int
        currency: str = "EUR"

    async def outcome(described: type[Any]) -> list[str]:
        consumer = Workhorse(publisher.places.url, name="consumer")
        consumer.event(PAID)(described)
        consumer.on(described, name="record")(Recorder())
        async with consumer:
            await publisher.publish(Paid(1))
            await drain(consumer)
            found = await dead(consumer)
            inspector = (await consumer.engine()).inspector
            assert inspector is not None
            await inspector.delete(Filter(status="dead"))
            return found

    async with publisher:
        (reason,) = await outcome(More)
        assert "currency" in reason
        assert await outcome(Less) == []
        assert await outcome(MoreOrNot) == []


class Recorder:
    async def __call__(self, event: object) -> None: ...


async def test_what_is_published_while_a_subscriber_is_down_waits_for_it(database_url: str) -> None:
    def service() -> tuple[Workhorse, list[int]]:
        app, seen = shop(database_url), list[int]()

        @app.on(Paid)
        async def record(paid: Paid) -> None:
            seen.append(paid.order_id)

        return app, seen

    first, _ = service()
    async with first:
        pass  # it was there once
    async with shop(database_url, name="publisher") as publisher:
        await publisher.publish(Paid(1))
    again, seen = service()
    async with again:
        await drain(again)
    assert seen == [1]


async def test_nothing_is_bound_at_import_and_what_is_subscribed_later_when_a_worker_starts() -> None:
    app, seen = shop("memory://"), []
    async with app:
        await app.publish(Paid(1))

        @app.on(Paid)
        async def record(paid: Paid) -> None:
            seen.append(paid.order_id)

        await app.publish(Paid(2))
        await drain(app)
        await app.publish(Paid(3))
        await drain(app)
    assert seen == [3]


async def test_an_unbound_subscription_gets_nothing_more_and_keeps_what_it_has() -> None:
    app = shop("memory://")

    @app.on(Paid)
    async def record(paid: Paid) -> None: ...

    async with app:
        await app.publish(Paid(1))
        assert await app.events.unbind(await app.engine(), "shop.record") == [PAID]
        await app.publish(Paid(2))
        assert len(await rows(app)) == 1


async def test_priority_and_expiry_are_the_copies() -> None:
    app = shop("memory://")

    @app.on(Paid, priority=Priority.HIGH, expires=30)
    async def first(paid: Paid) -> None: ...

    @app.on(Paid)
    async def second(paid: Paid) -> None: ...

    async with app:
        await app.publish(Paid(1))
        found = {row.job.queue: (row.job.priority, row.job.expires) for row in await rows(app)}
    assert found == {"shop.first": (3, 30.0), "shop.second": (2, None)}


async def test_an_expired_copy_is_a_dead_letter() -> None:
    app = shop("memory://")

    @app.on(Paid, expires=30)
    async def record(paid: Paid) -> None: ...

    async with in_memory(app) as bench:
        await app.publish(Paid(1))
        bench.clock.advance(31)
        await bench.drain()
        assert await dead(app) == ["expired"]


async def test_unique_limit_and_order_take_effect_when_a_copy_is_first_claimed_by_fields_of_the_event() -> None:
    app, seen, most = shop("memory://"), [], [0, 0]

    @app.on(Paid, unique=Unique(by=("order_id",), while_="finished"))
    async def once(paid: Paid) -> None:
        seen.append(paid.order_id)

    @app.on("application/vnd.shop.order-paid", limit=Limit(concurrency=1, key="{order_id}"))
    async def alone(ctx: Context, event: dict[str, Any]) -> None:
        most[0] += 1
        most[1] = max(most)
        await asyncio.sleep(0.01)
        most[0] -= 1
        assert ctx.job.task == PAID

    @app.on(Paid, ordered_by="{order_id}")
    async def ordered(paid: Paid) -> None: ...

    async with app:
        for number in (1, 1, 2, 1):
            await app.publish(Paid(number))
        await drain(app)
        assert await dead(app) == []
        lanes = {row.job.lane.key for row in await rows(app, queue="shop.ordered") if row.job.lane is not None}
    assert sorted(seen) == [1, 2]
    assert most[1] == 2  # one of each order
    assert lanes == {"shop.ordered/ordered:1", "shop.ordered/ordered:2"}


async def test_a_job_of_the_task_and_a_copy_share_a_unique_key() -> None:
    app, seen = shop("memory://"), []

    @app.on(Paid, unique=Unique(while_="finished"))
    async def once(paid: Paid) -> None:
        seen.append(paid.order_id)

    async with app:
        await once.enqueue(Paid(1))
        await app.publish(Paid(1))
        await drain(app)
    assert seen == [1]


async def test_a_copy_keeps_its_life_in_its_lane() -> None:
    app = shop("memory://")

    @app.on(Paid, ordered_by="{order_id}", expires=30)
    async def ordered(paid: Paid) -> None:
        await asyncio.sleep(0)

    async with in_memory(app) as bench:
        await app.publish(Paid(1))
        bench.clock.advance(10)
        await bench.drain()
        lives = [row.job.expires for row in await rows(app) if row.job.lane is not None]
    assert lives == [20.0]


async def test_a_copy_without_its_key_is_a_dead_letter() -> None:
    app = shop("memory://")

    @app.on("application/vnd.other.thing", ordered_by="{account}")
    async def ordered(event: dict[str, Any]) -> None: ...

    async with app:
        await publish_bytes(app, "application/vnd.other.thing", b'{"account":"a"}')
        await drain(app)
        assert await dead(app) == []
        await publish_bytes(app, "application/vnd.other.thing", b"[]")
        await drain(app)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda app: app.on(Ledger)(Recorder()), "Ledger is no event"),
        (lambda app: [app.on(Paid, name=n, queue="q")(Recorder()) for n in "ab"], "two subscriptions to .* share the queue 'q'"),
        (lambda app: app.on(Paid, expires=_moment())(Recorder()), "expected a duration"),
    ],
    ids=["undeclared class", "two on one queue", "a moment"],
)  # fmt: skip
async def test_what_cannot_be_served_is_an_error_when_the_app_opens(
    declare: Callable[[Workhorse], object], message: str
) -> None:
    app = shop("memory://")
    declare(app)
    with pytest.raises(DeclarationError, match=message):
        async with app:
            pass


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda app: app.on(Paid)(lambda: None), "event alone"),
        (lambda app: app.on(Paid, name="two")(lambda a, b: None), "event alone"),
        (lambda app: app.on(Paid, name="key")(_keyword_only), "event alone"),
        (lambda app: app.on(Paid, filter=5)(Recorder()), "filter: expected a function"),
        (lambda app: app.on(5)(Recorder()), "on: expected"),
        (lambda app: app.on("a b")(Recorder()), "on: expected"),
        (lambda app: app.on(Paid, ordered_by="{nr}")(Recorder()), "'order_id'.*got 'nr'"),
        (lambda app: app.on(Paid, unique=Unique(by=("nr",)))(Recorder()), "'order_id'.*got 'nr'"),
        (lambda app: app.on(Paid, name="x" * 198)(Recorder()), "the queue of"),
    ],
    ids=["none", "two", "keyword", "filter", "number", "no name", "order", "unique", "long"],
)
def test_what_cannot_be_a_subscriber_is_an_error_where_it_is_declared(
    declare: Callable[[Workhorse], Any], message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        declare(shop("memory://"))


def test_a_schedule_or_a_batch_is_no_option_of_a_subscriber() -> None:
    for option in ("schedule", "batch", "colour"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{option}'"):
            shop("memory://").on(Paid, **{option: 1})(Recorder())  # type: ignore[call-overload]


def test_two_subscribers_of_one_name_are_an_error() -> None:
    app = shop("memory://")
    app.on(Paid)(Recorder())
    with pytest.raises(DeclarationError, match="two tasks are named 'recorder'"):
        app.on(Placed)(Recorder())


async def test_names_that_an_engine_would_sanitise_stay_apart(database_url: str) -> None:
    app, seen = shop(database_url), []
    names = ["a.b", "a_b", "a-b", "a:b", "A.b", "a/b", "a+b"]
    for name in names:
        app.on(Paid, name=name)(_telling(seen, name))
    async with app:
        await app.publish(Paid(1))
        await drain(app)
    assert sorted(seen) == sorted(names)


async def test_a_routers_subscribers_have_its_prefix_and_not_its_queue() -> None:
    app, router = shop("memory://"), Router(prefix="mail.", queue="mail")

    @router.on(Paid)
    async def thank(paid: Paid) -> None: ...

    app.include(router)
    assert (thank.name, thank.settings.queue) == ("mail.thank", "shop.mail.thank")
    assert app.registry.queues() == ["shop.mail.thank"]


async def test_the_start_says_which_handler_serves_which_type(caplog: pytest.LogCaptureFixture) -> None:
    app = shop("memory://")
    app.on(Paid, name="record")(Recorder())
    app.on("application/vnd.shop.*", name="all", queue="elsewhere")(Recorder())
    with caplog.at_level(logging.INFO, "workhorse"):
        async with app:
            await app.worker(queues=["shop.record"], burst=True, signals=()).run()
    lines = [record.getMessage() for record in caplog.records if " serves " in record.getMessage()]
    assert [line.partition(" serves ")[2] for line in lines] == [f"{PAID} with record, from shop.record"]


async def test_each_copy_has_a_line_with_its_result_and_where_it_was(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "workhorse")
    app = shop("memory://")

    @app.on(Paid)
    async def done(paid: Paid) -> None: ...

    @app.on(Paid)
    async def skipped(paid: Paid) -> None:
        raise Skip("not today")

    @app.on(Paid)
    async def given_up(paid: Paid) -> None:
        raise GiveUp("bad")

    async with app:
        await app.publish(Paid(1))
        await drain(app)
    found = {getattr(it, "queue", ""): (it.getMessage(), it.levelname) for it in caplog.records}
    assert " succeeded in " in found["shop.done"][0]
    assert " skipped (not today) in " in found["shop.skipped"][0]
    assert (" is dead: GiveUp: bad" in found["shop.given_up"][0], found["shop.given_up"][1]) == (True, "ERROR")


async def test_a_copy_on_a_queue_that_nobody_here_serves_is_handed_back_and_then_dead() -> None:
    app = shop("memory://", unknown_for=0)
    async with app:
        broker = (await app.engine()).broker
        assert broker is not None
        await broker.bind(PAID, "old.handler")
        await app.publish(Paid(1))
        await app.worker(queues=["old.handler"], burst=True, signals=()).run()
        (reason,) = await dead(app)
    assert reason.startswith(f"no worker here knows the task '{PAID}'")


def _moment() -> Any:
    return datetime.now(UTC)


def _keyword_only(*, paid: Paid) -> None: ...


def _telling(seen: list[str], name: str) -> Callable[[Paid], None]:
    def tell(paid: Paid) -> None:
        seen.append(name)

    return tell
