"""Which fields an event's class has, and which of an arrived object's members are none of them."""

import typing
from collections.abc import Iterator
from typing import Any

from msgspec import inspect

from workhorse.core import models
from workhorse.core.kinds import field_names
from workhorse.core.looks import is_array, is_dict


def names_of(cls: Any) -> tuple[str, ...]:
    """As Python knows them."""
    if models.is_model(cls):
        return tuple(cls.model_fields)
    if typing.is_typeddict(cls):
        return tuple(typing.get_type_hints(cls))
    return field_names(cls) or ()


def unknown(cls: Any, body: Any) -> list[str]:
    """Paths of the members of `body` that `cls`, and the classes in its fields, have no field for."""
    if models.is_model(cls):  # what stands deeper, its own configuration judges
        return [name for name in body if name not in _aliases(cls)] if is_dict(body) else []
    return list(_unknown(inspect.type_info(cls), body, ""))


def _aliases(model: Any) -> set[str]:
    """By which a model is written or read; what it works out by itself is written only."""
    found = {*model.model_fields, *model.model_computed_fields}
    for field in (*model.model_fields.values(), *model.model_computed_fields.values()):
        for alias in (
            field.alias,
            getattr(field, "validation_alias", None),
            getattr(field, "serialization_alias", None),
        ):
            found |= {choice for choice in getattr(alias, "choices", [alias]) if isinstance(choice, str)}
    return found


def _unknown(info: inspect.Type, body: Any, path: str) -> Iterator[str]:
    match info:
        case inspect.StructType() | inspect.DataclassType() | inspect.TypedDictType() if is_dict(body):
            known = {field.encode_name: field.type for field in info.fields}
            for name, item in body.items():
                if name in known:
                    yield from _unknown(known[name], item, f"{path}{name}.")
                else:
                    yield path + str(name)
        case inspect.DictType() if is_dict(body):
            for name, item in body.items():
                yield from _unknown(info.value_type, item, f"{path}{name}.")
        case inspect.CollectionType() if is_array(body):
            for index, item in enumerate(body):
                yield from _unknown(info.item_type, item, f"{path}{index}.")
        case inspect.UnionType():  # the arm that knows most of them is the one that was meant
            found = [list(_unknown(arm, body, path)) for arm in info.types if _may_be(arm, body)]
            yield from min(found, key=len) if found else ()
        case inspect.CustomType() if models.is_model(info.cls) and is_dict(body):
            yield from (path + name for name in unknown(info.cls, body))
        case _:
            return


def _may_be(arm: inspect.Type, body: Any) -> bool:
    """Whether this arm of a union can be what arrived, as far as classes go."""
    if isinstance(arm, inspect.StructType) and arm.tag_field is not None and is_dict(body):
        return bool(body.get(arm.tag_field) == arm.tag)
    return is_dict(body) == isinstance(
        arm, inspect.StructType | inspect.DataclassType | inspect.TypedDictType | inspect.DictType | inspect.CustomType
    )


def plain_of(value: Any, name: str) -> Any:
    """One field of an event's object, or of a mapping; KeyError where there is none."""
    if is_dict(value):
        return value[name]
    try:
        return getattr(value, name)
    except AttributeError:
        raise KeyError(name) from None
