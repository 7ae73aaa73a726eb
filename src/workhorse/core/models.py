"""Pydantic's models, when there are any: never imported here, only met."""

import sys
from typing import Any, TypeGuard

import msgspec


def is_model(cls: object) -> bool:
    """Whether this is a class of pydantic's models."""
    pydantic = sys.modules.get("pydantic")  # nobody can have made a model before somebody imported it
    base = getattr(pydantic, "BaseModel", None)
    return base is not None and isinstance(cls, type) and issubclass(cls, base)


def is_instance(value: object) -> TypeGuard[Any]:
    """Whether this is a model's instance."""
    return is_model(type(value))


def dump(model: Any) -> Any:
    """Its fields as plain JSON values, by alias. ValueError for what the model cannot put into JSON."""
    return model.model_dump(mode="json", by_alias=True, round_trip=True, warnings=False)


def load(cls: Any, body: Any) -> Any:
    """The model again, validated as from JSON text. ValueError for what does not fit: the fields and why, no values."""
    try:
        return cls.model_validate_json(msgspec.json.encode(body))
    except ValueError as error:
        raise ValueError(_reasons(cls, error)) from None


def _reasons(cls: Any, error: Any) -> str:
    if not hasattr(error, "errors"):
        return str(error)
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return f"{cls.__name__}: " + "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in found
    )
