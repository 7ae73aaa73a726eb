"""Whether what would arrive is what was sent: by equality, and by fields for classes that have no equality of their own."""

from collections.abc import Callable
from typing import Any

import msgspec

from workhorse.core.looks import class_of, is_array, is_mapping


def alike(arrived: Any, sent: Any) -> bool:
    """Equal; or of the same class with alike fields; or arrays, or mappings, of alike items.

    A list sent where a tuple is annotated is alike, a Decimal sent where text is annotated is not.
    """
    try:
        if arrived == sent:
            return True
    except Exception:  # any: equality may be the user's code
        return False
    if is_array(sent) and is_array(arrived) and not hasattr(sent, "_fields"):
        return len(arrived) == len(sent) and all(map(alike, arrived, sent))
    if is_mapping(sent) and is_mapping(arrived):
        return _same_members(arrived, sent, lambda mapping, key: mapping[key], list(sent), list(arrived))
    if class_of(arrived) is not class_of(sent):
        return False
    names = _attributes(sent)
    return bool(names) and _same_members(arrived, sent, getattr, names, _attributes(arrived))


def _same_members(arrived: Any, sent: Any, get: Callable[[Any, Any], Any], names: list[Any], others: list[Any]) -> bool:
    return set(names) == set(others) and all(alike(get(arrived, name), get(sent, name)) for name in names)


def _attributes(value: Any) -> list[str]:
    if isinstance(value, msgspec.Struct):
        return list(value.__struct_fields__)
    held: Any = getattr(value, "__dict__", None)
    if held is not None:
        return list(held)
    slots = [name for cls in class_of(value).__mro__ for name in vars(cls).get("__slots__", ())]
    return [name for name in slots if hasattr(value, name)]
