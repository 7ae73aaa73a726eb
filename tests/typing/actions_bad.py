"""Actions without any broker, used wrong: both checkers reject each line marked `# E:`, and no other."""

from workhorse import Action, ActionQueue
from workhorse.actions import DoublingBackoff


class OneWay:
    def execute(self) -> None: ...


class Asking:
    def execute(self, user: int) -> None: ...
    def rollback(self) -> None: ...


class Fine(Action): ...


async def queues() -> None:
    ActionQueue([OneWay()])  # E: no rollback
    ActionQueue([Asking()])  # E: execute takes nothing
    ActionQueue(OneWay)  # E: not a list
    ActionQueue(Fine())  # E: not a list either
    ActionQueue([Fine]).execute()  # E: a class
    ActionQueue([Fine()], 3)  # E: by keyword
    ActionQueue([Fine()], retries=3)  # E: no such parameter
    ActionQueue([Fine()], max_retries=0.5)  # E: a whole number
    ActionQueue([Fine()], deadline="1")  # E: a number or a timedelta
    queue = ActionQueue([Fine()])
    queue.add(OneWay())  # E: no rollback
    queue.rollback_errors = ()  # E: only read
    queue.execute_async()  # E: not awaited
    result: int = queue.execute()  # E: None
    print(result)


def backoffs() -> None:
    DoublingBackoff("3")  # E: a whole number
    DoublingBackoff(3, "1")  # E: a number or a timedelta
    DoublingBackoff(first=1).again("busy")  # E: an exception
