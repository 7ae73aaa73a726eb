"""What a function must look like to be a task, and what its look says: does it take a Context, where does it run."""

import inspect
import re
import sys
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from workhorse.core.context import Context
from workhorse.core.coroutines import makes_coroutines
from workhorse.core.errors import DeclarationError

RunIn = Literal["async", "thread", "process"]

_NAMED = re.compile(r"(\w+\.)*Context")
_OPTIONAL = re.compile(r"\bOptional\[\s*(\w+\.)*Context\s*\]|\b(\w+\.)*Context\s*\||\|\s*(\w+\.)*Context\b")


class Shape(NamedTuple):
    """`place` is where it stands, as module:qualname; `skip` is 1 when the first parameter is the injected Context."""

    place: str
    run_in: RunIn
    skip: int


def shape_of(fn: object, run_in: str | None) -> Shape:
    """DeclarationError for what cannot be a task: no function, a method, a generator, a misplaced Context, a `run_in`
    that does not fit."""
    plain = _function(fn)
    place = place_of(plain)
    signature = _signature(plain, place)
    _refuse_methods(plain, signature, place)
    skip = int(_takes_context(plain, signature, place))
    return Shape(place, _runs_in(plain, run_in, skip, place), skip)


def refuse_required(fn: Callable[..., Any], shape: Shape) -> None:
    """DeclarationError for a task that is to run by itself and has parameters that somebody must pass."""
    passed = list(inspect.signature(fn).parameters.values())[shape.skip :]
    needed = [it.name for it in passed if it.default is it.empty and it.kind not in (it.VAR_POSITIONAL, it.VAR_KEYWORD)]
    if needed:
        raise DeclarationError(
            f"task {shape.place}: expected no required parameters beside schedule=, got {', '.join(map(repr, needed))}; "
            f"nobody is there to pass them: give them defaults"
        )


def check_batch(fn: Callable[..., Any], shape: Shape) -> None:
    """DeclarationError for a batch handler that takes anything but the list, after its Context."""
    parameters = list(inspect.signature(fn).parameters.values())[shape.skip :]
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(parameters) != 1 or parameters[0].kind not in by_position:
        names = ", ".join(map(str, parameters)) or "nothing"
        raise DeclarationError(f"task {shape.place}: a batch handler takes the list of its items alone, got {names}")


def place_of(fn: Callable[..., Any]) -> str:
    """`module:qualname`, as people find it."""
    named: Any = fn if hasattr(fn, "__qualname__") else type(fn)
    return f"{named.__module__}:{named.__qualname__}"


def _function(fn: object) -> Callable[..., Any]:
    if isinstance(fn, staticmethod | classmethod):
        raise DeclarationError(f"task: expected a function, got {fn!r}; put @staticmethod above the task's decorator")
    if not callable(fn) or isinstance(fn, type):
        raise DeclarationError(f"task: expected a function, got {fn!r}")
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise DeclarationError(f"task {place_of(fn)}: a generator has no result that could travel; return a list")
    return fn


def _signature(fn: Callable[..., Any], place: str) -> inspect.Signature:
    try:
        return inspect.signature(fn)
    except (ValueError, TypeError) as error:
        raise DeclarationError(f"task {place}: its signature cannot be read: {error}") from None


def _refuse_methods(fn: Callable[..., Any], signature: inspect.Signature, place: str) -> None:
    inside_class = "." in getattr(fn, "__qualname__", "").rsplit("<locals>.", 1)[-1]
    first = next(iter(signature.parameters), "")
    if inspect.ismethod(fn) or (inside_class and first in ("self", "cls")):
        raise DeclarationError(
            f"task {place}: expected a function, got a method; its object cannot travel: make it a function that is "
            f"given what it needs"
        )


def _takes_context(fn: Callable[..., Any], signature: inspect.Signature, place: str) -> bool:
    found = [
        (index, parameter, kind)
        for index, parameter in enumerate(signature.parameters.values())
        if (kind := _kind(fn, parameter.annotation))
    ]
    if not found:
        return False
    index, parameter, kind = found[0]
    if kind == "optional" or parameter.default is not parameter.empty:
        raise DeclarationError(
            f"task {place}: the parameter {parameter.name!r} is an optional Context; a task is always given its "
            f"Context: write {parameter.name}: Context"
        )
    if len(found) > 1:
        raise DeclarationError(f"task {place}: expected one Context, got {len(found)}; keep the first parameter's")
    if index or parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
        raise DeclarationError(
            f"task {place}: expected the Context as first parameter, got it as {parameter.name!r}; move it to the front"
        )
    return True


def _kind(fn: Callable[..., Any], annotation: Any) -> Literal["plain", "optional", ""]:
    if isinstance(annotation, str):
        resolved = _resolved(fn, annotation)
        if resolved is None:
            return _kind_by_text(annotation)
        annotation = resolved
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if annotation is Context:
        return "plain"
    union = get_origin(annotation) in (Union, types.UnionType)
    return "optional" if union and Context in get_args(annotation) else ""


def _resolved(fn: Callable[..., Any], annotation: str) -> Any:
    # One by one: that another parameter's type is not defined yet must not hide the Context.
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    names: Mapping[str, Any] = getattr(inspect.unwrap(fn), "__globals__", {})
    try:
        return get_type_hints(holder, dict(names), include_extras=True)["it"]
    except Exception:
        return None


def _kind_by_text(annotation: str) -> Literal["plain", "optional", ""]:
    # A name imported for type checkers only, or local to a function, cannot be looked up.
    if _NAMED.fullmatch(annotation.strip()):
        return "plain"
    return "optional" if _OPTIONAL.search(annotation) else ""


def _runs_in(fn: Callable[..., Any], run_in: str | None, skip: int, place: str) -> RunIn:
    if makes_coroutines(fn):
        if run_in is not None:
            raise DeclarationError(
                f"task {place}: run_in={run_in!r} is for plain functions, and this one is async: it runs on the loop"
            )
        return "async"
    if run_in != "process":
        return "thread"
    if skip:
        raise DeclarationError(
            f"task {place}: a Context cannot follow into another process; leave it out, or run in a thread"
        )
    _refuse_unimportable(fn, place)
    return "process"


def _refuse_unimportable(fn: Callable[..., Any], place: str) -> None:
    module, _, qualname = place.partition(":")
    main = sys.modules.get("__main__")
    typed_in = module == "__main__" and getattr(main, "__file__", None) is None
    if typed_in or not hasattr(fn, "__qualname__") or "<" in qualname:
        raise DeclarationError(
            f"task {place}: run_in='process' needs a function that another process can import by name; "
            f"move it to the top of a module"
        )
