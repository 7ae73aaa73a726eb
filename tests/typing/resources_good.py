"""Handlers of events with a link, as checkers must accept them."""

from collections.abc import Mapping
from typing import Any, assert_type

import msgspec

from workhorse import Workhorse
from workhorse.events import ResourceHandler


class Order(msgspec.Struct):
    number: int


class Orders(ResourceHandler[Order]):
    hosts = ("api.example.org",)
    not_found_after = None
    cache = 5.0

    def reason_to_skip(self, event: Mapping[str, Any]) -> str | None:
        return None

    async def handle(self, resource: Order) -> bool:
        return resource.number > 0


async def called() -> None:
    assert_type(await Orders()({"uri": "https://api.example.org/orders/1"}), bool)
    assert_type(Orders().convert({"number": 1}), Order)


app = Workhorse("memory://", name="shop")
subscribed = app.on("application/vnd.shop.pubsub._.changed.order", name="orders")(Orders())
