"""Events in the hands of who consumes, who replays them, and who follows their links."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from homes import HOMES, home
from shell import Shell, shells
from workhorse import Workhorse
from workhorse.engine import Filter
from workhorse.events import ResourceHandler
from workhorse.testing import in_memory

PLACED = "application/vnd.shop.order-placed"


class Placed(msgspec.Struct):
    order_id: int
    note: str = ""


def shop(url: str) -> Workhorse:
    """An app with one event and one subscriber, on a topic that carries another one, too."""
    app = Workhorse(url, name="shop", topics={"default": "all"})
    app.event(PLACED)(Placed)
    app.event("application/vnd.shop.order-paid")(type("Paid", (msgspec.Struct,), {"__annotations__": {"n": int}}))

    @app.on(Placed, name="bill")
    async def bill(order: Placed) -> None: ...

    return app


@pytest.mark.parametrize("kind", HOMES)
async def test_a_subscriber_s_copies_are_taken_by_hand(request: pytest.FixtureRequest, kind: str) -> None:
    async with shop(home(request, kind)) as app:
        await app.publish("application/vnd.shop.order-paid", n=1)
        id = await app.publish(Placed(7))
        for as_what in (None, Placed):
            consumer = app.consumer("shop.bill") if as_what is None else app.consumer("shop.bill", as_what)
            async with consumer:
                (message,) = await consumer.consume(wait=10)
                assert (message.id, message.media_type, message.task) == (f"{id}@shop.bill", PLACED, PLACED)
                assert message.content == Placed(7)
        async with app.consumer("shop.bill") as last:
            (message,) = await last.consume(wait=10)
            message.ack()
            assert await last.consume() == []  # nor does the other type come: nobody asked for it here


async def test_an_event_whose_schema_is_another_here_is_dead_with_its_reason(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    async with shop(url) as app:
        inspector = (await app.engine()).inspector
        assert inspector is not None
        id = await app.publish(Placed(7))

        class Other(msgspec.Struct):
            order_id: str

        async with app.consumer("shop.bill", Other) as consumer:
            assert await consumer.consume(wait=1) == []
        row = await inspector.show(f"{id}@shop.bill")
        assert row is not None
        assert (row.status, "content.order_id: expected `str`, got `int`" in row.reason) == ("dead", True)


SHOP = """
import msgspec
from workhorse import GiveUp, Retry, Workhorse

app = Workhorse("sqlite:///jobs.db", name="shop", retry=Retry(0))
handled = []


@app.event("application/vnd.shop.order-placed")
class Placed(msgspec.Struct):
    order_id: int


@app.on(Placed)
async def bill(order: Placed) -> None:
    if order.order_id == 13:
        raise GiveUp("no such order")
"""


def test_recorded_events_go_to_one_subscriber_once(shell: Shell) -> None:
    (shell.folder / f"{shell.spec.partition(':')[0]}.py").write_text(SHOP)
    events = [
        {"specversion": "1.0", "id": str(n), "type": PLACED, "source": "/shop", "data": {"order_id": n}}
        for n in (12, 13)
    ]
    odd = {**events[0], "id": "odd", "data": {"order_id": "twelve"}}
    (shell.folder / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in [*events, odd, events[0]]))
    told = shell.json("replay", "APP", "events.jsonl", "--queue", "shop.bill", exit=1)
    assert (told["enqueued"], told["there"], told["bad"]) == (2, 1, 1)
    assert "order_id: expected `int`, got `str`" in told["lines"][0]["reason"]
    counts = shell.burst()
    assert (counts["succeeded"], counts["dead"]) == (1, 1)
    (shell.folder / "dead.jsonl").write_text(shell.run("dead", "APP", "export").stdout)
    assert shell.json("replay", "APP", "dead.jsonl")["put_back"] == 1
    assert shell.burst()["dead"] == 1
    shell.run("dead", "APP", "purge", "--all")
    assert shell.json("replay", "APP", "dead.jsonl", "--again")["enqueued"] == 1
    assert shell.burst()["dead"] == 1


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


class Orders(ResourceHandler[Placed]):
    def __init__(self) -> None:
        self.handled = list[Placed]()

    def reason_to_skip(self, event: Any) -> str | None:
        return f"{event['uri']} is not for us"

    async def handle(self, resource: Placed) -> bool:
        self.handled.append(resource)
        return True


async def test_a_handler_of_resources_is_a_subscriber() -> None:
    app, orders = Workhorse("memory://", name="shop"), Orders()
    app.on("application/vnd.shop.pubsub._.created.order")(orders)
    async with in_memory(app) as bench:
        await app.publish("application/vnd.shop.pubsub._.created.order", uri="http://127.0.0.1/orders/1")
        counts = await bench.drain()
        assert counts.succeeded == 1
        inspector = (await app.engine()).inspector
        assert inspector is not None
        (row,) = await inspector.list(Filter())
        assert b"http://127.0.0.1/orders/1 is not for us" in row.job.trail
