"""Events as they are meant to be used: accepted by mypy and pyright, both strict."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, assert_type

import attrs
import msgspec
import pydantic

from workhorse import Context, JobHandle, Retry, Router, Workhorse
from workhorse.events import media_type

app = Workhorse("memory://", name="shop", topics={"default": "shop", "created": {"order": "orders"}})
router = Router(prefix="mail.")


@app.event("application/vnd.shop.order-placed")
class OrderPlaced(msgspec.Struct):
    order_id: int
    total: Decimal


@app.event("application/vnd.shop.order-paid")
@dataclass
class OrderPaid:
    order_id: int


@router.event("application/vnd.shop.order-sent", strict=True)
class OrderSent(pydantic.BaseModel):
    order_id: int


@app.event("application/vnd.shop.order-lost")
@attrs.define
class OrderLost:
    order_id: int


@app.on(OrderPlaced)
async def bill(order: OrderPlaced) -> int:
    return order.order_id


@app.on(OrderPaid, filter=lambda event: event.order_id > 0, queue="ship", retry=Retry(3))
def ship(ctx: Context, order: OrderPaid) -> None: ...


@app.on(OrderSent)
async def log_anything(event: object) -> None: ...


@router.on("application/vnd.shop.*", priority=ship.settings.priority)
async def log_all(event: dict[str, Any]) -> None: ...


class Ledger:
    async def __call__(self, order: OrderPlaced) -> None: ...


app.on(OrderPlaced, name="ledger")(Ledger())
assert_type(media_type("order", "created", organization="shop", public=True), str)
assert_type(OrderPlaced(1, Decimal(1)), OrderPlaced)


async def events() -> None:
    assert_type(await app.publish(OrderPlaced(order_id=1, total=Decimal("9.90"))), str)
    await app.publish(OrderPaid(1), delay=5)
    await app.publish(OrderSent(order_id=1))
    await app.publish(OrderLost(1))
    await app.publish("application/vnd.shop.order-placed", {"order_id": 1}, total="9.90")
    assert_type(await bill.enqueue(OrderPlaced(order_id=1, total=Decimal(1))), JobHandle[int])
    assert_type(await bill(OrderPlaced(order_id=1, total=Decimal(1))), int)
    ship(Context(), OrderPaid(1))
    async with app.outbox(dry_run=True) as box:
        await app.publish(OrderPaid(1))
    print([(item.id, item.kind) for item in box.items])
    assert_type(app.run(app.publish(OrderPaid(1))), str)
