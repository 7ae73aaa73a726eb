"""Marshmallow's schemas, when there are any: never imported here, only met. They describe mappings."""

import sys
from collections.abc import Mapping
from typing import Any

from workhorse.core.looks import is_array, is_dict


def is_schema(cls: object) -> bool:
    """Whether this is a class of marshmallow's schemas."""
    marshmallow = sys.modules.get("marshmallow")  # nobody can have made one before somebody imported it
    base = getattr(marshmallow, "Schema", None)
    return base is not None and isinstance(cls, type) and issubclass(cls, base)


def names_of(cls: Any) -> tuple[str, ...]:
    """The names of its fields, in Python."""
    return tuple(cls().fields)


def dump(cls: Any, content: Mapping[str, Any], strict: bool) -> Any:
    """As it travels, and checked so: what is dumped must load again. ValueError, naming the fields, for what does not fit."""
    schema = cls()
    if strict:
        _refuse_unknown(cls, set(content) - {field.attribute or name for name, field in schema.fields.items()})
    try:
        dumped = schema.dump(content)
    except Exception as error:  # any: fields are code, and take what is given without a look at it
        _loaded(schema, content, False)  # knows which field
        raise ValueError(f"{cls.__name__}: {error}") from None
    _loaded(schema, dumped, strict)
    return dumped


def load(cls: Any, body: Any, strict: bool) -> Any:
    """The mapping that arrived, as the schema reads it. ValueError, naming the fields, for what does not fit."""
    return _loaded(cls(), body, strict)


def _loaded(schema: Any, body: Any, strict: bool) -> Any:
    marshmallow: Any = sys.modules["marshmallow"]
    given: Any = body
    if is_dict(body):  # what only goes out is no reason to refuse it on its way in
        given = {name: item for name, item in body.items() if name not in _outward(schema)}
    try:
        return schema.load(given, unknown=marshmallow.RAISE if strict else marshmallow.EXCLUDE)
    except marshmallow.ValidationError as error:
        raise ValueError(f"{type(schema).__name__}: {_reasons(error.messages)}") from None


def _outward(schema: Any) -> set[str]:
    return {field.data_key or name for name, field in schema.dump_fields.items() if name not in schema.load_fields}


def _refuse_unknown(cls: Any, found: set[str]) -> None:
    if found:
        raise ValueError(f"expected no fields but those of {cls.__name__}, got {', '.join(sorted(found))}")


def _reasons(messages: Any) -> str:
    if not is_dict(messages):
        return str(messages)
    return "; ".join(
        f"{name}: {' '.join(map(str, each)) if is_array(each) else each}" for name, each in messages.items()
    )
