"""How the values of one annotation become JSON and values again; made once, used for every job."""

import re
from datetime import datetime, time, timedelta, timezone
from typing import Any, Final

import msgspec

from workhorse.core import tags, wire
from workhorse.core.alike import alike
from workhorse.core.annotations import Survey, shown, survey
from workhorse.core.errors import WorkhorseError
from workhorse.core.fitting import bare, fit, from_wire, to_wire
from workhorse.core.looks import is_collection, is_dict

Bytes = bytes | msgspec.Raw


class Unfit(WorkhorseError):
    """A value that does not fit its annotation, or cannot travel; arguments that do not fit a signature. The message says why."""


class Codec:
    """Carries the values of one annotation. `plain`: as msgspec's JSON, which the annotation explains; else tagged.

    Raises Uncarriable (of `workhorse.core.annotations`) for an annotation whose values cannot travel, DeclarationError for
    a class whose tag is taken. `wary`: its plain JSON must be told from tagged.
    """

    def __init__(self, hint: Any) -> None:
        seen = survey(hint)
        for cls in seen.classes:
            tags.declare(cls)
        self.hint = hint
        self.open, self.zoned, self.loops = seen.open, seen.zoned, seen.loops
        self._anything = hint is Any or hint is object
        self._decoder = _decoder_of(hint, seen)
        self._names, self._mapping = seen.names, self._decoder is not None and _is_mapping(hint)
        self.wary = self._decoder is not None and bool(seen.classes)

    @property
    def plain(self) -> bool:
        """Whether msgspec alone carries these values."""
        return self._decoder is not None

    @property
    def simple(self) -> bool:
        """Whether encoding them needs no second look: no zones to keep, no depth to measure."""
        return self._decoder is not None and not self.zoned and not self.loops

    def encode(self, value: Any, name: str) -> bytes:
        """JSON that decodes to the value again; Unfit, with the path from `name`, where there is none."""
        try:
            text = self._encode(value, name)
            arrived = self._decode(text, False)
        except wire.Refusal as refusal:
            raise Unfit(refusal.text(name)) from None
        except (TypeError, ValueError, RecursionError) as error:
            raise Unfit(_explained(error, value, name)) from None
        if not self._anything and not alike(arrived, value):
            raise Unfit(_difference(arrived, value, name, self.hint))
        return text

    def decode(self, text: Bytes, tagged: bool, name: str) -> Any:
        """The value; Unfit, with the path from `name`, for JSON that does not fit."""
        try:
            return self._decode(text, tagged)
        except (TypeError, ValueError, RecursionError) as error:
            raise Unfit(located(error, name)) from None

    def canonical(self, value: Any, name: str) -> bytes:
        """JSON for keys: the same for values that arrive as equal ones, in whatever order their sets and mappings are."""
        arrived = value if self.hint is str and type(value) is str else self._decode(self.encode(value, name), False)
        if self._decoder is None:
            return _orderly.encode(wire.tagged(arrived))
        return _orderly.encode(_with_zones(arrived) if self.zoned else arrived)

    def _encode(self, value: Any, name: str) -> bytes:
        if self._decoder is None:
            return wire.encode(value, name)
        if self.zoned:
            value = _with_zones(value)
        text = encoder.encode(value)
        if self.loops:
            wire.tagged(msgspec.json.decode(text))  # measures how deep it is
        return text

    def _decode(self, text: Bytes, tagged: bool) -> Any:
        if self._decoder is None or tagged or (self.wary and self._looks_tagged(bytes(text))):
            return self._fit(wire.decode(text))
        try:
            return self._decoder.decode(text)
        except msgspec.DecodeError as error:
            return self._fit_or(text, error)

    def _looks_tagged(self, text: bytes) -> bool:
        """A class whose fields all have defaults would take a tagged object for an empty one of its own.

        In JSON these three bytes are always the start of an object with a name that begins with `$`: inside text the
        quote is escaped. Where the user's own names stand, only the outermost object is certain.
        """
        return text.startswith(TAG) and not self._mapping if self._names else TAG in text

    def _fit_or(self, text: Bytes, error: Exception) -> Any:
        # A sender whose annotation said less sent it tagged; where that does not fit either, the first reason is the true one.
        try:
            return self._fit(wire.decode(text))
        except (TypeError, ValueError, RecursionError):
            raise error from None

    def _fit(self, value: Any) -> Any:
        if self._anything:
            return value
        return fit(value if self.open else bare(value), self.hint)


encoder: Final = msgspec.json.Encoder(enc_hook=to_wire)
_orderly: Final = msgspec.json.Encoder(enc_hook=to_wire, order="deterministic")

_OPENING: Final = re.compile(r"^(Expected|Invalid|Object|Integer|Input|Exceeds|Number)\b")
TAG: Final = b'{"$'


def located(error: Exception, name: str) -> str:
    """msgspec's reason, with the path put in front."""
    if isinstance(error, RecursionError):
        return f"{name}: nested too deep"
    text = str(error) or type(error).__name__
    reason, at, path = text.partition(" - at ")
    path = path.replace("`", "").replace("key in ", "a key of ")
    where = path.replace("$", name, 1) if at else name
    return f"{where}: {_OPENING.sub(lambda word: word[0].lower(), reason)}"


def _decoder_of(hint: Any, seen: Survey) -> "msgspec.json.Decoder[Any] | None":
    if seen.open:
        return None
    try:
        return msgspec.json.Decoder(hint, dec_hook=from_wire)
    except TypeError:  # a union, or an enum, that msgspec refuses
        return None


def _is_mapping(hint: Any) -> bool:
    return isinstance(msgspec.inspect.type_info(hint), msgspec.inspect.DictType)


def _with_zones(value: Any) -> Any:
    """The value itself where plain JSON keeps its times whole; else its plain form, in which the times are tagged."""
    plain = msgspec.to_builtins(value, builtin_types=(datetime, time), str_keys=True, enc_hook=to_wire)
    return wire.tagged(plain) if _loses_zone(plain) else value


def _loses_zone(plain: Any) -> bool:
    if isinstance(plain, datetime | time):
        offset = plain.utcoffset()
        whole = offset is not None and offset % timedelta(minutes=1) == timedelta(0)
        return plain.tzinfo is not None and not (whole and isinstance(plain.tzinfo, timezone))
    if is_dict(plain):
        return any(map(_loses_zone, plain.values()))
    return is_collection(plain) and any(map(_loses_zone, plain))


def _explained(error: Exception, value: Any, name: str) -> str:
    """The walk over tagged values knows the path of what no encoder takes: NaN, lone surrogates, too many levels."""
    try:
        wire.encode(value, name)
    except ValueError as better:
        return str(better)
    except TypeError as other:
        return str(other) if isinstance(error, TypeError) else located(error, name)
    return located(error, name)


def _difference(arrived: Any, value: Any, name: str, hint: Any) -> str:
    lost = ValueError(f"expected {shown(hint)}, got {wire.shown(value)}, which would arrive as {wire.shown(arrived)}")
    return _explained(lost, value, name)
