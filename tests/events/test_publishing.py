"""Publishing: what goes out, byte for byte, with what comes along; what is refused, and how."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cloudevents.v1.conversion import to_json
from cloudevents.v1.http import from_json

from shops import PAID, PLACED, Paid, Placed, dead, rows, shop
from workhorse import Retry, Workhorse
from workhorse.core import cloud_event
from workhorse.core.document import Malformed, NewerVersion, decode
from workhorse.core.origin import NOWHERE, here
from workhorse.errors import BrokerUnavailable, DeclarationError, EnqueueRefused
from workhorse.testing import drain


def listening(url: str = "memory://", **options: Any) -> Workhorse:
    """A shop with a queue that gets every event, and a handler that is never run in these tests."""
    app = shop(url, **options)

    @app.on("application/vnd.shop.*", name="all")
    async def all_of_them(event: dict[str, Any]) -> None: ...

    return app


async def told(app: Workhorse) -> list[dict[str, Any]]:
    """What lies on its queue, as JSON."""
    return [json.loads(row.job.payload) for row in await rows(app, queue="shop.all")]


async def test_an_event_or_its_media_type_and_fields_of_which_keywords_win() -> None:
    async with listening() as app:
        first = await app.publish(Placed(1, Decimal("9.90")))
        second = await app.publish(PLACED, {"order_id": 2, "total": "1"}, total="2.50")
        third = await app.publish(PLACED, order_id=3)
        found = await told(app)
    assert {each["id"]: each["data"] for each in found} == {
        first: {"order_id": 1, "total": "9.90"},
        second: {"order_id": 2, "total": "2.50"},
        third: {"order_id": 3, "total": "0"},
    }
    assert {each["type"] for each in found} == {PLACED}


async def test_from_synchronous_code() -> None:
    app = listening()
    id = app.run(app.publish(Paid(1)))
    assert [row.job.id for row in app.run(rows(app, queue="shop.all"))] == [f"{id}@shop.all"]
    app.run(app.close())


async def test_on_the_wire_it_is_a_cloud_event_which_another_implementation_reads_and_whose_own_we_read() -> None:
    async with listening() as app:
        before = datetime.now(UTC) - timedelta(seconds=1)
        id = await app.publish(Placed(1, Decimal("9.90")))
        (row,) = await rows(app, queue="shop.all")
    theirs = from_json(row.job.payload)
    assert (theirs["specversion"], theirs["id"], theirs["type"], theirs["source"]) == ("1.0", id, PLACED, "/shop")
    assert theirs["datacontenttype"] == "application/json"
    assert before < datetime.fromisoformat(theirs["time"]) <= datetime.now(UTC) + timedelta(seconds=1)
    assert theirs["correlationid"] == id
    assert theirs.data == {"order_id": 1, "total": "9.90"}
    ours = decode(to_json(theirs))
    assert ours.event is not None
    assert (ours.event.id, ours.event.type, bytes(ours.event.data)) == (id, PLACED, b'{"order_id": 1, "total": "9.90"}')


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        (b'{"specversion":"1.0","id":"1","source":"/x"}', Malformed, "type"),
        (b'{"specversion":"1.0","id":"1","source":"/x","type":"a","datacontenttype":"text/xml"}', Malformed, "JSON"),
        (b'{"specversion":"2.0","id":"1","source":"/x","type":"a"}', NewerVersion, "CloudEvents"),
        (b'{"id":"1","specversion":"1.0","source":"/x","type":"a","data":', Malformed, "truncated"),
    ],
    ids=["no type", "no JSON", "newer", "broken"],
)
def test_what_is_no_event_of_ours_says_why(text: bytes, kind: type[Exception], why: str) -> None:
    with pytest.raises(kind, match=why):
        decode(text)


async def test_what_is_published_in_a_handler_carries_on_the_correlation_the_context_and_the_hops() -> None:
    app = shop("memory://")

    @app.task(headers={"tenant": "acme"})
    async def begin() -> None:
        await app.publish(Placed(1))

    @app.on(Placed)
    async def pay(order: Placed) -> None:
        await app.publish(Paid(order.order_id))

    @app.on(Paid, name="all", queue="shop.all")
    async def last(paid: Paid) -> None: ...

    async with app:
        job = await begin.enqueue()
        worker = app.worker(queues=["shop", "shop.pay"], burst=True, signals=())
        await worker.run()
        (row,) = await rows(app, queue="shop.all")
        (event,) = await told(app)
    assert (event["correlationid"], event["hops"]) == (job.id, 2)
    assert event["causationid"].endswith("@shop.pay")
    assert dict(row.job.headers) == {"tenant": "acme"}


def test_outside_of_a_job_there_is_nothing_to_carry_on() -> None:
    assert here() is NOWHERE


async def test_what_does_not_fit_its_schema_is_refused() -> None:
    async with listening() as app:
        for content in ({"order_id": "one"}, {}, {"order_id": None}):
            with pytest.raises(EnqueueRefused, match="order_id"):
                await app.publish(PLACED, content)
        with pytest.raises(EnqueueRefused, match="total"):
            await app.publish(Placed(1, total="much"))  # type: ignore[arg-type]
        assert await rows(app) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("application/vnd.shop.order-place", {}), "no event is declared as .*did you mean"),
        (("application/vnd.shop.*", {}), "no event is declared"),
        ((5,), "int is no event"),
        ((Placed,), "the class Placed"),
        ((Placed(1), {"order_id": 2}), "an event and fields beside it"),
        ((PLACED, 5), "expected a mapping"),
        (("not a name", {}), "publish: expected 1 to 200"),
    ],
    ids=["unknown", "pattern", "number", "class", "both", "no mapping", "no name"],
)
async def test_what_is_no_event_is_an_error(arguments: tuple[Any, ...], message: str) -> None:
    async with listening() as app:
        with pytest.raises(DeclarationError, match=message):
            await app.publish(*arguments)


async def test_the_class_of_many_media_types_is_published_by_one_of_them() -> None:
    app = shop("memory://")
    app.event("application/vnd.shop.created.*")(type("Made", (Paid,), {}))
    made = app.catalog.needed("application/vnd.shop.created.order").cls
    async with app:
        with pytest.raises(DeclarationError, match="say which"):
            await app.publish(made(1))
        assert await app.publish("application/vnd.shop.created.order", order_id=1)


async def test_an_event_without_a_topic_is_an_error() -> None:
    async with shop("memory://", topics={PLACED: "orders"}) as app:
        assert await app.publish(Placed(1))
        with pytest.raises(DeclarationError, match=f"no topic for '{PAID}'"):
            await app.publish(Paid(1))


async def test_an_event_goes_to_the_topic_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKHORSE_TOPICS__DEFAULT", "rest")
    app = shop("memory://", topics={PLACED: "orders"})
    async with app:
        broker = (await app.engine()).broker
        assert broker is not None
        await broker.bind("orders", "a")
        await broker.bind("rest", "b")
        await app.publish(Placed(1))
        await app.publish(Paid(1))
        assert {(row.job.queue, row.job.task) for row in await rows(app)} == {("a", PLACED), ("b", PAID)}


async def test_an_event_that_is_too_large_is_refused_with_both_sizes() -> None:
    async with listening(max_size=300) as app:
        with pytest.raises(EnqueueRefused, match=r"order-placed: it takes 5\d\d bytes, and max_size is 300"):
            await app.publish(PLACED, order_id=1, total="1" * 300)
        assert await app.publish(Placed(1))


async def test_a_delayed_event_is_told_later() -> None:
    async with listening() as app:
        await app.publish(Placed(1), delay=60)
        (row,) = await rows(app)
        assert row.status == "scheduled"
        assert row.due is not None
        assert 50 < row.due - row.accepted <= 60


async def test_an_engine_that_does_not_answer_is_told_and_the_event_named() -> None:
    app = shop("redis://127.0.0.1:9", enqueue_timeout=0.2)
    with pytest.raises(BrokerUnavailable, match="publishing it again may tell it twice"):
        await app.publish(Placed(1))


async def test_nobody_listens_and_that_is_fine() -> None:
    async with shop("memory://") as app:
        assert await app.publish(Placed(1))
        assert await rows(app) == []


async def test_an_endless_loop_of_two_handlers_ends_in_a_dead_letter() -> None:
    app = shop("memory://", max_hops=5, retry=Retry(0))
    seen: list[str] = []

    @app.on(Placed)
    async def ping(order: Placed) -> None:
        seen.append("ping")
        await app.publish(Paid(1))

    @app.on(Paid)
    async def pong(paid: Paid) -> None:
        seen.append("pong")
        await app.publish(Placed(1))

    async with app:
        await app.publish(Placed(1))
        await drain(app)
        assert await dead(app) == ["it followed 6 jobs, and max_hops is 5"]
    assert seen == ["ping", "pong"] * 3


def test_a_moment_is_text_in_utc() -> None:
    assert cloud_event.moment(0) == "1970-01-01T00:00:00Z"
