"""Coroutines where they are not welcome: functions that would make one, and one that nobody is going to await."""

import inspect


def makes_coroutines(fn: object) -> bool:
    """Whether calling this makes a coroutine, as far as can be seen before it is called."""
    call = getattr(fn, "__call__", None)  # noqa: B004 - an object with an async __call__ does, too
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(call)


def closed(value: object) -> bool:
    """Whether this is a coroutine; closed then, as it would warn that nobody awaited it."""
    if not inspect.iscoroutine(value):
        return False
    value.close()
    return True
