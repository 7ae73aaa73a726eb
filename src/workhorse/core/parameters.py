"""The parameters of one task: read from its function, and bound to arguments as Python would, before the function is called."""

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Never, NoReturn, ParamSpecArgs, ParamSpecKwargs, Unpack, get_origin, get_type_hints

import msgspec

from workhorse.core.annotations import Uncarriable, shown
from workhorse.core.batch import item_of, result_of
from workhorse.core.codec import Codec, Unfit, located
from workhorse.core.errors import DeclarationError


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter that a caller passes; `kind` as `inspect.Parameter.kind`."""

    name: str
    kind: Any
    required: bool
    codec: Codec
    default: Any

    @property
    def hint(self) -> Any:
        """Its annotation, resolved; Any where there is none."""
        return self.codec.hint


class Parameters:
    """All of them, and the result's codec."""

    def __init__(self, all: tuple[Parameter, ...], result: Codec) -> None:
        self.all, self.result = all, result
        self.positional = [each for each in all if each.kind in (_POSITIONAL_ONLY, _EITHER)]
        self.named = {each.name: each for each in all if each.kind in (_EITHER, _KEYWORD_ONLY)}
        self._rest = next((each for each in all if each.kind is REST), None)
        self._extra = next((each for each in all if each.kind is EXTRA), None)
        self.required = frozenset(each.name for each in all if each.required)
        self.plain = not self._rest and not self._extra and all_plain(all)

    def encode(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], after: int = 0) -> tuple[bytes, bytes]:
        """A JSON array and a JSON object, one argument at a time; `after` so many that are to come in front."""
        first, rest = self._bind(after + len(args), kwargs)
        values = [each.codec.encode(value, name) for (name, each), value in zip(first[after:], args, strict=True)]
        members = [b"%b:%b" % (_name_to_json(name), each.codec.encode(kwargs[name], name)) for name, each in rest]
        return b"[%b]" % b",".join(values), b"{%b}" % b",".join(members)

    def decode(self, args: msgspec.Raw, kwargs: msgspec.Raw, tagged: bool) -> tuple[list[Any], dict[str, Any]]:
        """The arguments, one at a time."""
        try:
            values, members = _arrays.decode(args), _objects.decode(kwargs)
        except (ValueError, RecursionError) as error:
            raise Unfit(located(error, "arguments")) from None
        first, rest = self._bind(len(values), members)
        return (
            [each.codec.decode(value, tagged, name) for (name, each), value in zip(first, values, strict=True)],
            {name: each.codec.decode(members[name], tagged, name) for name, each in rest},
        )

    def _bind(
        self, count: int, kwargs: Mapping[str, Any]
    ) -> tuple[list[tuple[str, Parameter]], list[tuple[str, Parameter]]]:
        first = [(each.name, each) for each in self.positional[:count]]
        if count > len(first):
            if self._rest is None:
                raise Unfit(f"expected at most {len(first)} positional arguments, got {count}")
            first += [(f"{self._rest.name}[{index}]", self._rest) for index in range(count - len(first))]
        taken = {name for name, _ in first}
        rest = [(name, self._by_name(name, taken)) for name in kwargs]
        missing = self.required - taken - (kwargs.keys() & self.named.keys())
        if missing:
            names = ", ".join(repr(each.name) for each in self.all if each.name in missing)
            raise Unfit(f"expected a value for {names}, got none")
        return first, rest

    def _by_name(self, name: str, taken: set[str]) -> Parameter:
        found = self.named.get(name)
        if found is not None and name in taken:
            raise Unfit(f"expected {name!r} once, got it by position and by name")
        if found is None:
            found = self._extra
        if found is None:
            raise Unfit(f"expected {self._known()}, got {name!r}")
        return found

    def _known(self) -> str:
        return "the arguments " + ", ".join(map(repr, self.named)) if self.named else "no named arguments"


def read(fn: Callable[..., Any], task: str, skip: int, batch: bool = False) -> Parameters:
    """From the function's signature; of a batch, for one item. DeclarationError, with task, parameter and type, for what cannot
    travel."""
    signature = inspect.signature(fn)
    found: list[Parameter] = []
    for parameter in list(signature.parameters.values())[skip:]:
        what = f"task {task}: parameter {parameter.name!r}"
        hint = _resolved(fn, parameter.annotation, what)
        codec = _codec(item_of(hint, what) if batch else hint, what)
        required = parameter.default is parameter.empty and parameter.kind not in (REST, EXTRA)
        found.append(Parameter(parameter.name, parameter.kind, required, codec, parameter.default))
    what = f"task {task}: result"
    hint = _resolved(fn, signature.return_annotation, what)
    return Parameters(tuple(found), _codec(result_of(hint, what) if batch else hint, what))


_POSITIONAL_ONLY: Final = inspect.Parameter.POSITIONAL_ONLY
_EITHER: Final = inspect.Parameter.POSITIONAL_OR_KEYWORD
_KEYWORD_ONLY: Final = inspect.Parameter.KEYWORD_ONLY
REST: Final = inspect.Parameter.VAR_POSITIONAL
EXTRA: Final = inspect.Parameter.VAR_KEYWORD

_arrays: Final = msgspec.json.Decoder(list[msgspec.Raw])
_objects: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def all_plain(parameters: tuple[Parameter, ...]) -> bool:
    """Whether msgspec alone carries them all."""
    return all(each.codec.plain for each in parameters)


def _resolved(fn: Callable[..., Any], annotation: Any, what: str) -> Any:
    if annotation is inspect.Parameter.empty or annotation in (Never, NoReturn):
        return Any
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    names = _globals(fn)
    try:
        hint = get_type_hints(holder, dict(names), include_extras=True)["it"]
    except Exception as error:  # any: annotations are code
        raise DeclarationError(f"{what}: its annotation {annotation!r} does not resolve: {error}") from None
    left_open = get_origin(hint) is Unpack or isinstance(hint, ParamSpecArgs | ParamSpecKwargs)
    return Any if left_open else hint


def _globals(fn: Any) -> Mapping[str, Any]:
    """Where the names in its annotations are looked up: also of a partial, and of an object with a `__call__`."""
    fn = inspect.unwrap(getattr(fn, "func", fn))
    return getattr(fn, "__globals__", None) or getattr(type(fn).__call__, "__globals__", {})


def _codec(hint: Any, what: str) -> Codec:
    try:
        return Codec(hint)
    except (Uncarriable, DeclarationError) as error:
        raise DeclarationError(f"{what}: {shown(hint)}: {error}") from None


def _name_to_json(name: str) -> bytes:
    return msgspec.json.encode(name)
