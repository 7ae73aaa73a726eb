"""Handlers of events with a link, as checkers must reject them."""

import msgspec

from workhorse.events import ResourceHandler


class Order(msgspec.Struct):
    number: int


class Orders(ResourceHandler[Order]):
    hosts = ("api.example.org",)
    timeout = "5"  # E: a number or a timedelta

    async def handle(self, resource: Order) -> bool:
        return resource.nr > 0  # E: no such field


class Unfinished(ResourceHandler[Order]):
    hosts = ("api.example.org",)


Unfinished()  # E: it handles nothing
