"""Attempts without any broker, used wrong: both checkers reject each line marked `# E:`, and no other."""

from workhorse import Effort, Retry


def fetch(url: str, *, timeout: float = 1) -> bytes:
    return b""


async def fetch_async(url: str) -> bytes:
    return b""


def notify(effort: Effort[int]) -> None: ...


async def attempts() -> None:
    Retry(3).attempt(fetch)  # E: an argument is missing
    Retry(3).attempt(fetch, 1)  # E: not a string
    Retry(3).attempt(fetch, "https://", timeuot=2)  # E: no such parameter
    Retry(3).attempt(fetch, "https://", retry=2)  # E: an option is no argument
    await Retry(3).attempt_async(fetch, "https://")  # E: not a coroutine function
    Retry(3).attempt_async(fetch_async, "https://")  # E: not awaited
    effort = Retry(3).attempt(fetch, "https://")
    effort.culmination.value.decode()  # E: it may be an exception
    effort.react(notify)  # E: another effort
    effort.react(print, on="sometimes")  # E: always, success or failure
    effort.attempts = ()  # E: frozen
    number: int = effort.result()  # E: bytes
    print(number)
