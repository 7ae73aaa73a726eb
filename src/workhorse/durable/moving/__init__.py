"""Moving house: jobs go from one engine to another, once each, while workers of both may live."""

from collections.abc import Sequence

from workhorse.core.contract import Engine
from workhorse.durable.moving.account import Account
from workhorse.durable.moving.claimed_over import ClaimedOver
from workhorse.durable.moving.move import Move

__all__ = ["Account", "ClaimedOver", "Move", "moving"]


def moving(source: Engine, target: Engine, queues: Sequence[str] | None, *, dry: bool = False) -> Move | ClaimedOver:
    """The move that fits: one that lists, where the source can be listed; else one that claims what is due."""
    if source.inspector is not None and (source.broker is None or source.broker.features.inspectable):
        return Move(source, target, queues, dry=dry)
    return ClaimedOver(source, target, queues or (), dry=dry)
