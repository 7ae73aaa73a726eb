"""Two services on every engine: published once, told to each subscriber, durable while one is down, refused and buried alike."""

from typing import Any

import msgspec
import pytest

from shops import PAID, PLACED, Paid, Placed, rows, shop
from workhorse import Fixed, Limit, Retry, Unique
from workhorse.core.cloud_event import CloudEvent, encode
from workhorse.core.contract import Envelope
from workhorse.testing import drain

PLACES = ["database_url", "postgres_url", "redis_url"]


@pytest.fixture(params=PLACES)
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


async def test_from_one_service_to_another_and_back(url: str) -> None:
    orders, mail = shop(url, "orders"), shop(url, "mail")
    seen: list[tuple[str, int]] = []

    @orders.on(Paid)
    async def ship(paid: Paid) -> None:
        seen.append(("ship", paid.order_id))

    @mail.on(Placed, retry=Retry(1, Fixed(0)))
    async def bill(order: Placed) -> None:
        seen.append(("bill", order.order_id))
        if seen.count(("bill", order.order_id)) == 1:
            raise OSError("once")
        await mail.publish(Paid(order.order_id))

    @mail.on("application/vnd.shop.*", name="archive", limit=Limit(concurrency=1, key="{order_id}"))
    def archive(event: dict[str, Any]) -> None:
        seen.append(("archive", event["order_id"]))

    @mail.on(PLACED, unique=Unique(by=("order_id",), while_="finished"))
    async def greet(event: dict[str, Any]) -> None:
        seen.append(("greet", event["order_id"]))

    async with mail:
        pass  # it was there once, and is down while orders publishes
    async with orders:
        async with orders.outbox():
            await orders.publish(Placed(1))
            await orders.publish(PLACED, order_id=1)
        broker = (await orders.engine()).broker
        assert broker is not None
        wrong = CloudEvent(specversion="1.0", id="w", source="/x", type=PAID, data=msgspec.Raw(b'{"order_id":"one"}'))
        await broker.publish([Envelope("wrong", PAID, encode(wrong), topic=PAID)])
        async with mail:
            assert {row.job.queue for row in await rows(mail)} >= {"mail.bill", "mail.archive", "mail.greet"}
            await drain(mail)
        await drain(orders)
        reasons = {row.job.queue: row.reason for row in await rows(orders, "dead")}
    assert sorted(seen) == sorted(
        [("bill", 1)] * 3 + [("archive", 1)] * 4 + [("greet", 1)] + [("ship", 1)] * 2
    )  # both events are billed, and one is tried twice
    assert reasons.keys() == {"orders.ship", "mail.archive"}
    assert all("order-paid.order_id: expected `int`" in reason for reason in reasons.values())
