"""Consuming by hand, as checkers must accept it."""

from datetime import timedelta
from typing import Any, assert_type

import msgspec

from workhorse import Message, Workhorse

app = Workhorse("memory://", name="shop")


class Order(msgspec.Struct):
    number: int


async def by_hand() -> None:
    async with app.consumer("shop.bill") as consumer:
        for message in await consumer.consume(max=10, wait=2):
            assert_type(message, Message[Any])
            with message:
                print(message.content["order_id"])
    async with app.consumer("shop.bill", Order, lease=timedelta(minutes=5)) as typed:
        for order in await typed.consume(wait=timedelta(seconds=1)):
            assert_type(order.content, Order)
            order.ack()
            order.retry(after=5)
            async with order as same:
                assert_type(same.content.number, int)
            assert_type(order.lost, bool)


def at_once() -> None:
    with app.consumer("shop.bill", Order) as consumer:
        for message in app.run(consumer.consume()):
            assert_type(message.content, Order)
