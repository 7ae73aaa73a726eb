"""Which queues are bound to which topics, as facts: engines have no verb that lists them, and an unbind must find them all."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from workhorse.core.contract import Broker, Engine, Put, Store

PREFIX: Final = "subscription/"
PAGE: Final = 1000
AT_ONCE: Final = 100


class Binding(msgspec.Struct, frozen=True):
    """From now on copies of what is published on the topic come on the queue, with this priority and life in seconds."""

    topic: str
    queue: str
    priority: int | None = None
    expires: float | None = None


async def bind(engine: Engine, bindings: Sequence[Binding]) -> None:
    """Durable on return; again, they are as said last."""
    broker = _broker(engine)
    if engine.store is not None:  # first: what nobody knows of, nobody could end
        await engine.store.put([Put(_key(it), msgspec.json.encode(it)) for it in bindings])
    for begin in range(0, len(bindings), AT_ONCE):
        some = bindings[begin : begin + AT_ONCE]
        await asyncio.gather(
            *[broker.bind(it.topic, it.queue, priority=it.priority, expires=it.expires) for it in some]
        )


async def unbind(engine: Engine, binding: Binding) -> None:
    """Copies that are there stay."""
    await _broker(engine).bind(binding.topic, binding.queue, False)
    if engine.store is not None:
        await engine.store.delete({_key(binding): None})


async def known(store: Store, queue: str = "") -> Sequence[Binding]:
    """All that were made, or those of one queue, in the order of their names."""
    found: list[Binding] = []
    prefix, after = f"{PREFIX}{queue}", ""
    while page := await store.scan(prefix, after, PAGE):
        found += [msgspec.json.decode(value, type=Binding) for _, value, _ in page]
        after = page[-1][0]
    return [it for it in found if queue in ("", it.queue)]


def _key(binding: Binding) -> str:
    return f"{PREFIX}{binding.queue} {binding.topic}"  # no name has a space


def _broker(engine: Engine) -> Broker:
    assert engine.broker is not None, "an app without a broker does not open"
    return engine.broker
