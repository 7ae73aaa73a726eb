"""A task's arguments as they are typed: each text becomes what its parameter's type says."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from workhorse.core.codec import Unfit
from workhorse.core.errors import DeclarationError
from workhorse.core.names import did_you_mean
from workhorse.core.parameters import Parameter
from workhorse.core.registry import Declared
from workhorse.core.wire import refuse_duplicates

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

_KIND: Final = inspect.Parameter
_UNTYPED: Final[tuple[Any, ...]] = (str, Any, object)


def typed(task: Declared, words: Sequence[str]) -> Arguments:
    """Positional and named arguments from words. DeclarationError names the parameter that a word does not fit.

    `name=value` is named only where the task has a parameter of this name; any other word is positional.
    """
    parameters = task.schema.parameters
    named = {each.name: each for each in parameters if each.kind in (_KIND.POSITIONAL_OR_KEYWORD, _KIND.KEYWORD_ONLY)}
    first: list[str] = []
    kwargs: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or name not in named:
            first.append(word)
        elif name in kwargs:
            raise DeclarationError(f"task {task.name}: expected {name!r} once, got it twice")
        else:
            kwargs[name] = _value(task, named[name], text)
    return _by_position(task, parameters, first, kwargs), kwargs


def from_json(task: Declared, text: str) -> Arguments:
    """Arguments from a JSON list, a mapping of names, or {"args": [...], "kwargs": {...}}. DeclarationError says what does
    not fit."""
    args, kwargs = _parts(task, text)
    try:
        first, named = task.schema.decode(args, kwargs, False)
    except Unfit as error:
        raise DeclarationError(f"task {task.name}: {error}") from None
    return tuple(first), named


def _by_position(
    task: Declared, parameters: Sequence[Parameter], words: Sequence[str], named: Mapping[str, Any]
) -> tuple[Any, ...]:
    places = [each for each in parameters if each.kind in (_KIND.POSITIONAL_ONLY, _KIND.POSITIONAL_OR_KEYWORD)]
    rest = next((each for each in parameters if each.kind is _KIND.VAR_POSITIONAL), None)
    places += [rest] * max(0, len(words) - len(places)) if rest is not None else []
    if len(words) > len(places):
        raise DeclarationError(
            f"task {task.name}: expected at most {len(places)} values{_takes(parameters)}, got {len(words)}: "
            f"{words[len(places)]!r} is too much{_meant(words, parameters)}"
        )
    return tuple(_value(task, place, word) for place, word in zip(places, words, strict=False))


def _value(task: Declared, parameter: Parameter, text: str) -> Any:
    if parameter.hint in _UNTYPED:
        return text
    try:
        return msgspec.convert(text, parameter.hint, strict=False)
    except (TypeError, ValueError):
        reason = ""  # not as it stands; perhaps as JSON
    for candidate in (msgspec.json.encode(_carriable(text)), text.encode(errors="surrogateescape")):
        try:
            return parameter.codec.decode(candidate, False, parameter.name)
        except Unfit as error:
            reason = str(error)
    # that a text is no number is said already; what is wrong inside of a structure is not
    why = f" ({reason})" if _is_json(text) and text[:1] in "[{" else ""
    hint = _meant([text], task.schema.parameters)
    raise DeclarationError(
        f"task {task.name}: {parameter.name}: expected {_shown(parameter.hint)}, got {text!r}{why}{hint}"
    )


def _parts(task: Declared, text: str) -> tuple[msgspec.Raw, msgspec.Raw]:
    none = msgspec.Raw(b"[]"), msgspec.Raw(b"{}")
    try:
        found = msgspec.json.decode(text, type=list[msgspec.Raw] | dict[str, msgspec.Raw])
        refuse_duplicates(text.encode())
    except (ValueError, RecursionError) as error:
        raise DeclarationError(f"--args: expected a JSON list or mapping, got {text[:80]!r}: {error}") from None
    if isinstance(found, list):
        return msgspec.Raw(text.encode()), none[1]
    names = {each.name for each in task.schema.parameters}
    if found and found.keys() <= {"args", "kwargs"} and not names & {"args", "kwargs"}:
        return found.get("args", none[0]), found.get("kwargs", none[1])
    return none[0], msgspec.Raw(text.encode())


def _takes(parameters: Sequence[Parameter]) -> str:
    names = ", ".join(each.name for each in parameters)
    return f" ({names})" if names else ""


def _meant(words: Sequence[str], parameters: Sequence[Parameter]) -> str:
    """A hint for `widht=3`, which is a positional text because no parameter is named so."""
    names = [each.name for each in parameters]
    hints = (did_you_mean(word.partition("=")[0], names) for word in words if "=" in word)
    return next(filter(None, hints), "")


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def _carriable(text: str) -> str:
    """A file name of other bytes than UTF-8 arrives with lone surrogates, which no JSON carries."""
    return text.encode(errors="backslashreplace").decode()
