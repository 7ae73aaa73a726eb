"""What describes the events of one media type: a class of any kind that Codec carries, or a marshmallow schema."""

import typing
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from workhorse.core.annotations import Uncarriable
from workhorse.core.codec import Codec, Unfit, located
from workhorse.core.errors import DeclarationError
from workhorse.core.events import fields, schemas
from workhorse.core.fitting import fit
from workhorse.core.kinds import is_described
from workhorse.core.looks import is_mapping
from workhorse.core.shape import place_of


class Described(Protocol):
    """Events of one media type, or of a pattern of them."""

    media_type: str
    cls: Any

    @property
    def place(self) -> str:
        """Where it is declared, for people."""
        ...

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields."""
        ...

    def prepare(self) -> None:
        """DeclarationError for what cannot travel."""
        ...

    def encode(self, content: Any) -> bytes:
        """An event, or a mapping of its fields, as a JSON object that `decode` takes. Unfit where there is none."""
        ...

    def decode(self, text: bytes | msgspec.Raw) -> Any:
        """The event: an object of the class, or a mapping where a mapping is described. Unfit for what does not fit."""
        ...


class OfClass:
    """By a struct, dataclass, attrs class, pydantic model or TypedDict. Unknown fields are dropped, or refused if `strict`."""

    def __init__(self, media_type: str, cls: Any, strict: bool) -> None:
        self.media_type, self.cls, self._strict = media_type, cls, strict
        self._codec: Codec | None = None

    @property
    def place(self) -> str:
        return place_of(self.cls)

    @property
    def fields(self) -> tuple[str, ...]:
        return fields.names_of(self.cls)

    def prepare(self) -> None:
        self._ready()

    def encode(self, content: Any) -> bytes:
        codec, name = self._ready(), self.media_type
        if is_mapping(content) and (typing.is_typeddict(self.cls) or not isinstance(content, self.cls)):
            content = self._made(dict(content), name)
        text = codec.encode(content, name)
        return text if codec.plain else _untagged(text)

    def decode(self, text: bytes | msgspec.Raw) -> Any:
        codec = self._ready()
        value = codec.decode(text, False, self.media_type)
        if self._strict:
            self._refuse_unknown(msgspec.json.decode(text), self.media_type)
        return value

    def _made(self, content: dict[str, Any], name: str) -> Any:
        if self._strict:
            self._refuse_unknown(content, name)
        try:
            return fit(content, self.cls)
        except (TypeError, ValueError, RecursionError) as error:
            raise Unfit(located(error, name)) from None

    def _refuse_unknown(self, body: Any, name: str) -> None:
        if found := fields.unknown(self.cls, body):
            raise Unfit(f"{name}: expected no fields but those of {self.cls.__qualname__}, got {', '.join(found)}")

    def _ready(self) -> Codec:
        if self._codec is None:
            try:
                self._codec = Codec(self.cls)
            except (Uncarriable, DeclarationError) as error:
                raise DeclarationError(f"event {self.media_type} ({self.place}): {error}") from None
        return self._codec


class OfSchema:
    """By a marshmallow Schema, which describes mappings."""

    def __init__(self, media_type: str, cls: Any, strict: bool) -> None:
        self.media_type, self.cls, self._strict = media_type, cls, strict

    @property
    def place(self) -> str:
        return place_of(self.cls)

    @property
    def fields(self) -> tuple[str, ...]:
        return schemas.names_of(self.cls)

    def prepare(self) -> None:
        pass

    def encode(self, content: Any) -> bytes:
        try:
            return msgspec.json.encode(schemas.dump(self.cls, dict(content), self._strict))
        except (TypeError, ValueError) as error:
            raise Unfit(f"{self.media_type}: {error}") from None

    def decode(self, text: bytes | msgspec.Raw) -> Any:
        try:
            return schemas.load(self.cls, msgspec.json.decode(text), self._strict)
        except (TypeError, ValueError, RecursionError) as error:
            raise Unfit(located(error, self.media_type)) from None


def described(media_type: str, cls: Any, strict: bool) -> Described:
    """What this class makes of a media type; DeclarationError for a class that describes no object with fields."""
    if schemas.is_schema(cls):
        return OfSchema(media_type, cls, strict)
    if isinstance(cls, type) and (typing.is_typeddict(cls) or is_described(cls)) and not _is_enum(cls):
        return OfClass(media_type, cls, strict)
    raise DeclarationError(
        f"event {media_type}: expected a struct, dataclass, attrs class, pydantic model, TypedDict or marshmallow Schema, "
        f"got {cls!r}"
    )


def merged(content: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Named fields beat those of the mapping."""
    return {**content, **named}


def _is_enum(cls: type[Any]) -> bool:
    return not fields.names_of(cls) and not hasattr(cls, "__struct_fields__")


def _untagged(text: bytes) -> bytes:
    """The object alone: its media type says what it is, and other readers want its fields."""
    if not text.startswith(b'{"$'):
        return text
    whole = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    return bytes(next(iter(whole.values()))) if len(whole) == 1 else text
