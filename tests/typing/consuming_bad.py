"""Consuming by hand, as checkers must reject it."""

import msgspec

from workhorse import Workhorse

app = Workhorse("memory://", name="shop")


class Order(msgspec.Struct):
    number: int


async def by_hand() -> None:
    app.consumer("shop.bill", Order(1))  # E: a class, not one of its values
    app.consumer(Order)  # E: first the queue
    async with app.consumer("shop.bill", Order) as consumer:
        await consumer.consume(max="10")  # E: a whole number
        for message in await consumer.consume():
            print(message.content.nr)  # E: no such field
            message.retry("5")  # E: a number or a timedelta
            message.content = Order(2)  # E: only to be read
