"""Values as tagged JSON: what travels where no annotation says the type. Lossless, or refused; nothing is ever imported.

A value beyond JSON's own types is an object of one member, `{"$tag": body}`. An object of a user's that has one member
whose name begins with `$` is escaped by one more `$`; so a tag is never mistaken for data, nor data for a tag.
"""

import json
import math
import reprlib
from collections.abc import Callable
from typing import Any, Final

import msgspec

from workhorse.core.fitting import Foreign
from workhorse.core.looks import class_of
from workhorse.core.tags import by_class, by_tag

DEEPEST: Final = 100
"""Levels of containers in one value: what is deeper is a mistake, or a loop, and no decoder should meet it."""

LONGEST_INT: Final = 14_000
"""Bits of an integer that travels as a JSON number; beyond, Python refuses to read decimal text."""


def dumps(value: Any, /) -> bytes:
    """Tagged JSON. TypeError, with the path, for what is not registered; ValueError for NaN, infinities, lone surrogates and
    what is nested more than 100 deep."""
    return encode(value, "value")


def loads(text: bytes | str, /) -> Any:
    """The value again; a tag that is not registered stays a mapping. ValueError for what is no JSON, or not in our form,
    and for a name that stands twice in one object."""
    # Not bytes(text): of an integer that makes so many zeros.
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else memoryview(text).tobytes()
    value = decode(data)
    refuse_duplicates(data)
    return value


def refuse_duplicates(text: bytes) -> None:
    """ValueError for a name that stands twice in one object of this JSON: text that others wrote may mean either."""
    json.loads(text, object_pairs_hook=_each_once)


def encode(value: Any, root: str) -> bytes:
    """As `dumps`; `root` is what errors call the value."""
    try:
        return _encoder.encode(tagged(value))
    except Refusal as refusal:
        raise refusal.kind(refusal.text(root)) from None
    except RecursionError:
        raise ValueError(f"{root}: nested too deep") from None


def decode(text: bytes | msgspec.Raw) -> Any:
    """As `loads`, for text that we wrote ourselves: of a name that stands twice, the last counts."""
    try:
        return restored(_decoder.decode(text))
    except RecursionError:
        raise ValueError("nested too deep") from None


class Refusal(Exception):
    """Travels up through the walk and gathers the path."""

    def __init__(self, kind: type[TypeError] | type[ValueError], reason: str) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.path = kind, reason, ""

    def text(self, root: str) -> str:
        """The reason, with the path from `root`; of a long path its two ends."""
        path = self.path if len(self.path) <= 200 else f"{self.path[:100]}...{self.path[-100:]}"
        return f"{root}{path}: {self.reason}"

    def under(self, step: str) -> "Refusal":
        """The same, seen from one level further out."""
        self.path = step + self.path
        return self


def shown(value: Any) -> str:
    """A short look at a value, for errors: whatever its own repr does."""
    try:
        return reprlib.repr(value)
    except Exception:  # any: repr may be the user's code; and it refuses integers of 5,000 digits
        return f"a {type(value).__name__}"


def tagged(value: object, room: int = DEEPEST) -> Any:
    """The value as plain JSON types, with its tags. Refusal for what cannot travel."""
    kind = type(value)
    check = _SCALARS.get(kind)
    if check is not None:
        return check(value)
    if room <= 0:
        raise Refusal(ValueError, f"nested more than {DEEPEST} deep, or inside itself")
    if kind is list:
        return _items(value, room)
    if kind is dict:
        return _mapping(value, room)
    return _object(value, room)


def restored(value: Any) -> Any:
    """The value behind plain JSON types with tags. ValueError for a body that does not fit its tag."""
    kind = value.__class__
    if kind is list:
        return [restored(item) for item in value]
    if kind is not dict:
        return value
    if len(value) == 1:
        name, body = next(iter(value.items()))
        if name.startswith("$"):
            return _untagged(name, restored(body))
    return {name: restored(item) for name, item in value.items()}


def _untagged(name: str, body: Any) -> Any:
    if name.startswith("$$"):
        return {name[1:]: body}
    kind = by_tag(name[1:])
    if kind is None:
        return Foreign({name: body})
    try:
        return kind.make(body)
    except RecursionError:
        raise
    except Exception as error:  # any: rebuilding runs the class's own code
        raise ValueError(f"{name}: {str(error) or type(error).__name__}") from error


def _items(values: Any, room: int) -> list[Any]:
    made: list[Any] = []
    for index, item in enumerate(values):
        try:
            made.append(tagged(item, room - 1))
        except Refusal as refusal:
            raise refusal.under(f"[{index}]") from None
    return made


def _mapping(value: Any, room: int, join: str = "[{!r}]") -> Any:
    # All keys before any item: to begin anew in the middle would double the work at each level.
    if any(type(name) is not str for name in value):
        return _pairs(value, room)
    made = _members(value, room, join)
    if len(made) == 1:
        name = next(iter(made))
        if name.startswith("$"):
            return {"$" + name: made[name]}
    return made


def _members(value: dict[str, Any], room: int, join: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, item in value.items():
        try:
            made[_text(name)] = tagged(item, room - 1)
        except Refusal as refusal:
            raise refusal.under(join.format(name[:40])) from None
    return made


def _pairs(value: dict[Any, Any], room: int) -> Any:
    pairs: list[Any] = []
    for name, item in value.items():
        try:
            pairs.append([tagged(name, room - 1), tagged(item, room - 1)])
        except Refusal as refusal:
            raise refusal.under(f"[{shown(name)}]") from None
    return {"$map": pairs}


def _object(value: Any, room: int) -> Any:
    cls = class_of(value)
    if cls is Foreign:
        return _members(value, room, "[{!r}]") if value.is_whole else _mapping(value, room)
    kind = by_class(cls)
    if kind is None:
        raise Refusal(TypeError, f"cannot travel: {_UNREGISTERED.format(cls.__module__, cls.__qualname__)}")
    try:
        body = kind.take(value)
    except (TypeError, ValueError) as error:
        raise Refusal(TypeError if isinstance(error, TypeError) else ValueError, str(error)) from None
    made = _mapping(body, room, ".{}") if type(body) is dict else tagged(body, room)
    if cls is set or cls is frozenset:
        made.sort(key=_encoder.encode)  # so that equal sets are equal bytes, whatever the hash seed
    return {"$" + kind.tag: made}


def _same(value: Any) -> Any:
    return value


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Refusal(
                ValueError, f"lone surrogate at character {error.start}: it is no text, and UTF-8 has no form for it"
            ) from None
    return value


def _integer(value: int) -> Any:
    return value if value.bit_length() <= LONGEST_INT else {"$int": hex(value)}


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise Refusal(ValueError, f"expected a finite number, got {value}: JSON has no form for it")
    return value


_SCALARS: Final[dict[type[Any], Callable[[Any], Any]]] = {
    str: _text,
    int: _integer,
    bool: _same,
    type(None): _same,
    float: _number,
}

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder()


_UNREGISTERED: Final = (
    "expected a plain value or an object of a registered class, got {}.{}; register it with workhorse.wire.register"
)


def _each_once(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise ValueError(f"expected each name once in an object, got {name[:40]!r} twice")
        seen.add(name)
