"""An app with events for the tests of this folder, and what they look at."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from workhorse import Workhorse
from workhorse.core.contract import Filter, Row
from workhorse.testing import drain

PLACED = "application/vnd.shop.order-placed"
PAID = "application/vnd.shop.order-paid"


class Placed(msgspec.Struct):
    order_id: int
    total: Decimal = Decimal(0)


class Paid(msgspec.Struct):
    order_id: int


def shop(url: str, name: str = "shop", **options: Any) -> Workhorse:
    """An app that knows both events, and whose retries cost no time."""
    app = Workhorse(url, name=name, **options)
    app.event(PLACED)(Placed)
    app.event(PAID)(Paid)
    return app


async def rows(app: Workhorse, status: Any = None, queue: str | None = None) -> Sequence[Row]:
    """What the engine holds."""
    inspector = (await app.engine()).inspector
    assert inspector is not None
    return await inspector.list(Filter(status=status, queue=queue))


async def dead(app: Workhorse) -> list[str]:
    """The reasons of the dead letters."""
    return [row.reason for row in await rows(app, "dead")]


__all__ = ["PAID", "PLACED", "Paid", "Placed", "dead", "drain", "rows", "shop"]
