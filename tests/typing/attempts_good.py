"""Attempts without any broker, used right: both checkers accept every line."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_type

from workhorse import Effort, Failure, Fixed, Retry, Success


def fetch(url: str, *, timeout: float = 1) -> bytes:
    return b""


async def fetch_async(url: str) -> bytes:
    return b""


def notify(effort: Effort[object]) -> None: ...


async def attempts() -> None:
    effort = Retry(3, Fixed(0.1)).attempt(fetch, "https://", timeout=2).react(notify)
    assert_type(effort, Effort[bytes])
    match effort.culmination:
        case Success(body):
            assert_type(body, bytes)
        case Failure(error):
            assert_type(error, Exception)
    if isinstance(effort.culmination, Success):
        assert_type(effort.culmination.value, bytes)
    print(effort.culmination.successful, effort.culmination.value, effort.initial_attempt, effort.final_attempt)
    print(len(effort.attempts), len(effort.retries))
    assert_type(effort.attempts, tuple[Success[bytes] | Failure, ...])
    assert_type(effort.initial_attempt.started, datetime)
    assert_type(effort.reaction_errors, tuple[Exception, ...])
    assert_type(effort.result(), bytes)
    other = await Retry(3, lambda retry: timedelta(seconds=retry)).attempt_async(fetch_async, "https://")
    assert_type(other, Effort[bytes])
    other.react(notify, on="failure").react(print, on="success").react(lambda it: it.result().decode())


def covariant(effort: Effort[bool], success: Success[bool]) -> tuple[Effort[int], Success[int]]:
    return effort, success
