"""Actions without any broker, used right: both checkers accept every line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_type

from workhorse import Action, ActionQueue
from workhorse.actions import DoublingBackoff


@dataclass
class ReserveSeat(Action):
    user: int
    seat: int | None = None
    backoff: DoublingBackoff = field(default_factory=DoublingBackoff)

    def execute(self) -> None:
        try:
            self.seat = self.user + 1
        except OSError as error:
            self.backoff.again(error)

    def rollback(self) -> None:
        self.seat = None


class SendMail(Action):
    """It cannot be taken back, so it says nothing of that."""

    def execute(self) -> str:
        return "sent"


class CallOut:
    async def execute(self) -> int:
        return 1

    async def rollback(self) -> None: ...


async def queues() -> None:
    queue = ActionQueue([ReserveSeat(1), SendMail()], max_retries=3, deadline=60)
    assert_type(queue.add(ReserveSeat(2)), ActionQueue)
    queue.execute()
    queue.rollback()
    assert_type(queue.rollback_errors, tuple[Exception, ...])
    mixed = ActionQueue((action for action in (ReserveSeat(1), CallOut())), deadline=timedelta(minutes=1))
    await mixed.execute_async()
    await mixed.rollback_async()
    with ActionQueue([ReserveSeat(1)]) as block:
        assert_type(block, ActionQueue)
        block.execute()
    async with ActionQueue([CallOut()]) as block:
        await block.execute_async()


def never_ends(backoff: DoublingBackoff) -> int:
    backoff.again()


def backoffs() -> list[DoublingBackoff]:
    return [DoublingBackoff(), DoublingBackoff(5, 0.1), DoublingBackoff(retries=1, first=timedelta(seconds=2))]
