"""A function's signature as it travels: arguments to bytes when a job is enqueued, bytes to arguments when it is run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from workhorse.core.codec import TAG, Codec, Unfit, located
from workhorse.core.keys import KeyText, key_text
from workhorse.core.parameters import Parameter, Parameters, read
from workhorse.core.swift import Swift, swift

__all__ = ["Schema", "Unfit", "decode_any", "encode_one", "encode_unknown"]


class Schema:
    """How one task's arguments and result travel. Cheap to make; `prepare`, which all verbs call first, does the work once.

    `name` is the task's, for errors; `skip` is 1 where the first parameter is the injected Context. Of a `batch`, which takes
    and returns lists, one item travels.
    """

    def __init__(self, fn: Callable[..., Any], name: str, skip: int = 0, batch: bool = False) -> None:
        self._fn, self._name, self._skip, self._batch = fn, name, skip, batch
        self._prepared: Parameters | None = None
        self._swift: Swift | None = None
        self._keys: dict[Sequence[str] | None, KeyText] = {}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those that a caller passes, in order. DeclarationError as `prepare`."""
        return self._ready().all

    def prepare(self) -> None:
        """Resolve the annotations and build the codecs. DeclarationError, with task, parameter and type, for what does not
        resolve or cannot travel."""
        if self._prepared is None:
            parameters = read(self._fn, self._name, self._skip, self._batch)
            self._swift = swift(parameters)
            self._prepared = parameters

    def encode(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """A JSON array and a JSON object, checked by decoding them. Unfit, with the reason, for arguments that do not fit the
        signature or cannot travel."""
        parameters = self._prepared or self._ready()
        if self._swift is not None and (texts := self._swift.encode(args, kwargs)) is not None:
            return texts
        return parameters.encode(args, kwargs)

    def encode_rest(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """All but the first argument, which is to come; Unfit as `encode`."""
        return self._ready().encode(args, kwargs, after=1)

    def decode(self, args: msgspec.Raw, kwargs: msgspec.Raw, tagged: bool) -> tuple[list[Any], dict[str, Any]]:
        """What to call the function with, after its Context. Unfit for what is missing, too much, or of a wrong type."""
        parameters = self._prepared or self._ready()
        if self._swift is not None and not tagged and (found := self._swift.decode(args, kwargs)) is not None:
            return found
        return parameters.decode(args, kwargs, tagged)

    def key(self, names: tuple[str, ...] | None) -> KeyText:
        """The text of a key that is made of these parameters (None: of all), which there are."""
        found = self._keys.get(names)
        if found is None:
            found = self._keys[names] = key_text(self._ready(), names)
        return found

    def encode_result(self, value: Any) -> bytes:
        """`{"value": ...}` as the return annotation has it; `{"tagged": ...}` where there is none, or the value is another.
        Unfit when it cannot travel at all."""
        codec = self._ready().result
        if codec.plain:
            try:
                text = codec.encode(value, "result")
            except Unfit:
                text = None  # what was returned counts, not what was announced
            if text is not None and not (codec.zoned and TAG in text):  # a reader without the annotation reads it, too
                return b'{"value":%b}' % text
        return b'{"tagged":%b}' % _RESULT.encode(value, "result")

    def decode_result(self, data: bytes) -> Any:
        """The result again. Unfit for bytes that are no result, or not of the annotated type."""
        codec = self._ready().result
        result = _result(data)
        if isinstance(result.value, msgspec.Raw):
            return codec.decode(result.value, False, "result")
        return _RESULT.decode(result.tagged, True, "result")

    def _ready(self) -> Parameters:
        self.prepare()
        assert self._prepared is not None
        return self._prepared


def encode_unknown(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The arguments of a task whose signature nobody here knows: everything tagged. Unfit for what cannot travel."""
    return (
        b"[%b]" % b",".join([_tagged(value, f"argument {index}") for index, value in enumerate(args, 1)]),
        b"{%b}" % b",".join([b"%b:%b" % (_tagged(name, "name"), _tagged(kwargs[name], name)) for name in kwargs]),
    )


def encode_one(value: Any) -> bytes:
    """One argument of such a task: tagged. Unfit for what cannot travel."""
    return _tagged(value, "argument 1")


def decode_any(data: bytes) -> Any:
    """The result of a task whose return annotation nobody here knows: what was plain stays plain. Unfit for no result."""
    result = _result(data)
    if isinstance(result.value, msgspec.Raw):
        return msgspec.json.decode(result.value)
    return _RESULT.decode(result.tagged, True, "result")


def _tagged(value: Any, name: str) -> bytes:
    return _RESULT.encode(value, name)


class _Result(msgspec.Struct, gc=False):
    """A result's bytes: one of the two stands there."""

    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    tagged: msgspec.Raw = msgspec.Raw(b"null")


_results: Final = msgspec.json.Decoder(_Result)
_RESULT: Final = Codec(Any)


def _result(data: bytes) -> _Result:
    try:
        return _results.decode(data)
    except (ValueError, RecursionError) as error:
        raise Unfit(located(error, "result")) from None
