"""`workhorse events APP`: who subscribes to what, on which queue; and the end of a subscription."""

from collections.abc import Mapping, Sequence

import click
import msgspec

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
        found = await _known(desk, engine)
        desk.value(msgspec.to_builtins(found))
        columns = ("subscription", "task", "events", "topics", "waiting>")
        lines = [(it.queue, it.task or "(nobody here)", it.events, " ".join(it.topics), it.waiting) for it in found]
        desk.table(columns, lines, empty="no subscriptions")

    desk.ask(find)


@events.command("unbind")
@click.argument("subscription")
@desk
def unbind(desk: Desk, subscription: str) -> None:
    """End a subscription, by its queue or its task: no more copies come to it. Those that are there stay."""

    async def order(desk: Desk, engine: Engine) -> None:
        its = _found(desk, subscription, await _known(desk, engine))
        topics = await desk.app.events.unbind(engine, its.queue)
        desk.value({"queue": its.queue, "topics": topics, "waiting": its.waiting})
        desk.say(f"{its.queue} gets no more copies from {', '.join(topics)}; waiting there: {its.waiting}")
        if its.task:
            desk.remark(f"the app still declares {its.queue}: whoever opens it next binds it again")

    desk.ask(order)


class Known(msgspec.Struct):
    """A subscription: which task asks for which events, if it is still there; from which topics its copies come, and how many wait."""

    queue: str
    task: str | None
    events: str
    topics: list[str]
    waiting: int


async def _known(desk: Desk, engine: Engine) -> list[Known]:
    """What the app declares, and what was bound once and is still."""
    topics: dict[str, list[str]] = {}
    for binding in () if engine.store is None else await subscriptions.known(engine.store):
        topics.setdefault(binding.queue, []).append(binding.topic)
    counts = await inspector_of(engine).count("queue")
    declared = [
        Known(it.queue, it.task.name, it.wanted, topics.get(it.queue, []), _waiting(counts, it.queue))
        for it in desk.app.events.subscriptions
    ]
    here = {it.queue for it in declared}
    gone = [Known(each, None, "", its, _waiting(counts, each)) for each, its in topics.items() if each not in here]
    return declared + gone


def _found(desk: Desk, subscription: str, known: Sequence[Known]) -> Known:
    for it in known:
        if subscription in (it.queue, it.task):
            return it
    near = names.did_you_mean(subscription, [it.queue for it in known])
    raise DeclarationError(
        f"no subscription is called {subscription!r}{near}; `workhorse events {desk.spec}` shows them"
    )


def _waiting(counts: Mapping[str, Mapping[str, int]], queue: str) -> int:
    its = counts.get(queue, {})
    return sum(its.get(status, 0) for status in ("ready", "scheduled", "parked", "running"))
