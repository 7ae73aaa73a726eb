"""Topics: which queues are bound to one, and the copies that they get."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from workhorse.core.contract import Envelope
from workhorse.core.errors import DeclarationError
from workhorse.engines.redis.link import Link

_KEY: Final = "bindings"


class Binding(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A topic, maybe with stars, and a queue that gets copies of what is published to it, with this priority and life if given."""

    topic: str
    queue: str
    priority: int | None = None
    expires: float | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Binding).decode


async def bind(link: Link, binding: Binding, bound: bool) -> None:
    """Copy what is published to the topic to the queue from now on, or no more."""
    if any("*" in part and part != "*" for part in binding.topic.split(".")):
        raise DeclarationError(f"topic {binding.topic!r}: expected a star to stand for one whole part between dots")
    field = _encode((binding.topic, binding.queue))
    await link.ask(*(("HSET", link.key(_KEY), field, _encode(binding)) if bound else ("HDEL", link.key(_KEY), field)))


async def bindings(link: Link) -> Sequence[Binding]:
    """All there are."""
    return sorted((_decode(each) for each in await link.ask("HVALS", link.key(_KEY))), key=lambda it: it.queue)


def copies(bindings: Sequence[Binding], env: Envelope) -> Iterator[Envelope]:
    """One job for each queue that is bound to the event's topic; `id@queue`."""
    parts = env.topic.split(".")
    bound = {it.queue: it for it in bindings if _matches(it.topic, env.topic, parts)}
    for queue, it in bound.items():
        yield msgspec.structs.replace(
            env,
            id=f"{env.id}@{queue}",
            queue=queue,
            priority=env.priority if it.priority is None else it.priority,
            expires=env.expires if it.expires is None else it.expires,
            unique=env.unique and msgspec.structs.replace(env.unique, key=f"{env.unique.key}@{queue}"),
        )


def _matches(pattern: str, topic: str, parts: Sequence[str]) -> bool:
    if "*" not in pattern:
        return pattern == topic
    wanted = pattern.split(".")
    return len(wanted) == len(parts) and all(one in ("*", other) for one, other in zip(wanted, parts, strict=True))
