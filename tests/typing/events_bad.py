"""Mistakes with events, each caught by mypy and by pyright on the line that is marked."""

from dataclasses import dataclass
from decimal import Decimal

import msgspec

from workhorse import Workhorse
from workhorse.events import media_type

app = Workhorse("memory://", topics=["orders"])  # E: a table


@app.event("application/vnd.shop.order-placed")
class OrderPlaced(msgspec.Struct):
    order_id: int
    total: Decimal = Decimal(0)


@app.event("application/vnd.shop.order-paid")
@dataclass
class OrderPaid:
    order_id: int


@app.on(OrderPlaced)
async def bill(order: OrderPlaced) -> None: ...


@app.on(OrderPlaced)  # E: another event
async def other_event(order: OrderPaid) -> None: ...


@app.on(OrderPlaced)  # E: takes no event
async def no_event() -> None: ...


@app.on(OrderPlaced)  # E: nobody passes `rate`
async def two_arguments(order: OrderPlaced, rate: float) -> None: ...


@app.on(OrderPlaced(1))  # E: the class, not an instance
async def instance(order: OrderPlaced) -> None: ...


@app.on(OrderPaid, filter=lambda event: event.nr > 0)  # E: no such field
async def no_field(order: OrderPaid) -> None: ...


@app.on(OrderPaid, colour="red")  # E: no such option
async def no_option(order: OrderPaid) -> None: ...


async def events() -> None:
    await app.publish(5)  # E: not an event
    await app.publish({"order_id": 1})  # E: of which type?
    await app.publish(OrderPlaced)  # E: the class, not an instance
    await app.publish(OrderPaid)  # E: the class, not an instance
    await app.publish(None)  # E: not an event
    await app.publish(OrderPaid(1), order_id=2)  # E: fields go with a media type
    await app.publish("application/vnd.shop.order-paid", 5)  # E: a mapping
    await app.publish(OrderPlaced(order_id="1"))  # E: not an int
    await bill.enqueue(OrderPaid(1))  # E: another event
    await bill(OrderPaid(1))  # E: another event
    app.outbox(dry=True)  # E: no such option
    media_type(5)  # E: a name, or a class
