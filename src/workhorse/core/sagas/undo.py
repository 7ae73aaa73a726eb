"""How a step is taken back: which function, and whether it wants the step's result before the step's arguments."""

import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any, Final, NamedTuple

from workhorse.core.errors import DeclarationError
from workhorse.core.sagas.telling import Effort
from workhorse.core.shape import place_of

_POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class Undo(NamedTuple):
    """`takes_result`: it is given the step's result first (None: not known), then the step's arguments."""

    fn: Callable[..., Any]
    takes_result: bool
    effort: Effort


def undo_of(fn: object, step: Callable[..., Any], name: str, effort: Effort) -> Undo:
    """DeclarationError for a function that takes neither the step's arguments nor its result and then these."""
    if not callable(fn) or isinstance(fn, type):
        raise DeclarationError(f"step {name}: undo: expected a function, got {fn!r}")
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise DeclarationError(f"step {name}: undo: expected a function, got the generator {place_of(fn)}")
    ours, its = _parameters(step), _parameters(fn)
    for skip in (0, 1):
        if _alike(ours, its, skip):
            return Undo(fn, bool(skip), effort)
    raise DeclarationError(
        f"step {name}: undo: expected {place_of(fn)} to take the step's arguments {_shown(ours)}, or its result and then "
        f"these, got {_shown(its)}"
    )


def _parameters(fn: Callable[..., Any]) -> list[Parameter]:
    return list(inspect.signature(fn).parameters.values())


def _alike(ours: list[Parameter], its: list[Parameter], skip: int) -> bool:
    """By position, whatever their names; by name where only a name will do."""
    mine, theirs = _positional(ours), _positional(its)
    if len(theirs) != len(mine) + skip or _kinds(ours) - _kinds(its):
        return False
    if any(
        each.default is not each.empty and other.default is each.empty for each, other in _pairs(mine, theirs, skip)
    ):
        return False
    named, known = _named(ours), _named(its)
    needed = {name for name, each in known.items() if each.default is each.empty}
    return needed <= named.keys() <= known.keys()


def _pairs(mine: list[Parameter], theirs: list[Parameter], skip: int) -> list[tuple[Parameter, Parameter]]:
    return list(zip(mine, theirs[skip:], strict=True))


def _positional(parameters: list[Parameter]) -> list[Parameter]:
    return [each for each in parameters if each.kind in _POSITIONAL]


def _named(parameters: list[Parameter]) -> dict[str, Parameter]:
    return {each.name: each for each in parameters if each.kind is Parameter.KEYWORD_ONLY}


def _kinds(parameters: list[Parameter]) -> set[Any]:
    """Of the open ones: *args and **kwargs."""
    return {each.kind for each in parameters if each.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)}


def _shown(parameters: list[Parameter]) -> str:
    return f"({', '.join(each.name for each in parameters)})"
