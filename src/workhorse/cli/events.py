"""`workhorse events APP`: who subscribes to what, on which queue; and the end of a subscription."""

from collections.abc import Sequence
from typing import Any

import click

from workhorse.cli.noun import noun
from workhorse.cli.shared import Desk, desk, inspector_of
from workhorse.core import names
from workhorse.core.contract import Engine
from workhorse.core.errors import DeclarationError
from workhorse.durable import subscriptions


@noun("events")
def events() -> None:
    """See who subscribes to which events; end a subscription."""


@events.command("list")
@desk
def list_events(desk: Desk) -> None:
    """List subscriptions: what each asks for, on which queue, from which topics, how many copies wait; also of handlers that are gone."""

    async def find(desk: Desk, engine: Engine) -> None:
        counts = await inspector_of(engine).count("queue")
        found = [{**it, "waiting": _waiting(counts, it["queue"])} for it in await _known(desk, engine)]
        desk.value(found)
        columns = ("subscription", "task", "events", "topics", "waiting>")
        lines = [
            (it["queue"], it["task"] or "(nobody here)", it["events"], " ".join(it["topics"]), it["waiting"])
            for it in found
        ]
        desk.table(columns, lines, empty="no subscriptions")

    desk.ask(find)


@events.command("unbind")
@click.argument("subscription")
@desk
def unbind(desk: Desk, subscription: str) -> None:
    """End a subscription, by its queue or its task: no more copies come to it. Those that are there stay."""

    async def order(desk: Desk, engine: Engine) -> None:
        known = await _known(desk, engine)
        queue = _queue(desk, subscription, known)
        topics = await desk.app.events.unbind(engine, queue)
        left = _waiting(await inspector_of(engine).count("queue"), queue)
        desk.value({"queue": queue, "topics": topics, "waiting": left})
        desk.say(f"{queue} gets no more copies from {', '.join(topics)}; {left} wait there")
        if any(it["queue"] == queue and it["task"] for it in known):
            desk.remark(f"the app still declares {queue}: whoever opens it next binds it again")

    desk.ask(order)


async def _known(desk: Desk, engine: Engine) -> list[dict[str, Any]]:
    """What the app declares, and what was bound once and is still."""
    stored = [] if engine.store is None else await subscriptions.known(engine.store)
    topics: dict[str, list[str]] = {}
    for it in stored:
        topics.setdefault(it.queue, []).append(it.topic)
    declared = [
        {"queue": it.queue, "task": it.task.name, "events": it.wanted, "topics": topics.get(it.queue, [])}
        for it in desk.app.events.subscriptions
    ]
    here = {it["queue"] for it in declared}
    gone = [
        {"queue": queue, "task": None, "events": "", "topics": its}
        for queue, its in topics.items()
        if queue not in here
    ]
    return declared + gone


def _queue(desk: Desk, subscription: str, known: Sequence[dict[str, Any]]) -> str:
    for it in known:
        if subscription in (it["queue"], it["task"]):
            return str(it["queue"])
    near = names.did_you_mean(subscription, [it["queue"] for it in known])
    raise DeclarationError(
        f"no subscription is called {subscription!r}{near}; `workhorse events {desk.spec}` shows them"
    )


def _waiting(counts: dict[str, dict[str, int]], queue: str) -> int:
    its = counts.get(queue, {})
    return sum(its.get(status, 0) for status in ("ready", "scheduled", "parked", "running"))
