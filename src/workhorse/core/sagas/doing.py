"""An action as a deed of a saga: its fields are its journalled state, and come back with it."""

from typing import Any

import msgspec
from msgspec import Raw

from workhorse.core import wire
from workhorse.core.action import Action, checked
from workhorse.core.coroutines import makes_coroutines
from workhorse.core.looks import is_dict
from workhorse.core.sagas.telling import Call, Effort
from workhorse.core.schema import Unfit


class ActionDeed:
    """One action. Its class comes from the code, never from the journal."""

    kind = "action"

    def __init__(self, action: Action, effort: Effort) -> None:
        checked(action, "saga.do")
        self._action, self.doing, self.undoing = action, effort, effort
        self.name = type(action).__name__

    def written(self) -> tuple[bytes, bytes]:
        """Its fields as keywords."""
        return b"[]", self._fields()

    def same(self, args: Raw, kwargs: Raw) -> bool:
        """By the fields that it has before it is executed."""
        return self._fields() == bytes(kwargs) or wire.decode(self._fields()) == wire.decode(kwargs)

    def do(self, args: Raw, kwargs: Raw, state: Raw | None) -> Call:
        """From where the last attempt left it."""
        self._restore(kwargs if state is None else state)
        return Call(self._action.execute, (), {}, makes_coroutines(self._action.execute))

    def result(self, value: Any) -> bytes:
        """The fields as they are now, whatever it returned."""
        return self._fields()

    def value(self, result: Raw) -> Action:
        """The action itself, with its fields as they were."""
        self._restore(result)
        return self._action

    def state(self) -> bytes | None:
        """What it had on it when it failed; None when that cannot travel."""
        try:
            return self._fields()
        except Unfit:
            return None

    def undo(self, args: Raw, kwargs: Raw, result: Raw | None, state: Raw | None) -> Call:
        """Its rollback, with all that is known of its fields."""
        self._restore(result or state or kwargs)
        return Call(self._action.rollback, (), {}, makes_coroutines(self._action.rollback))

    def _fields(self) -> bytes:
        try:
            return wire.encode(_fields_of(self._action), self.name)
        except (TypeError, ValueError) as error:
            raise Unfit(str(error)) from None

    def _restore(self, text: Raw) -> None:
        fields = wire.decode(text)
        if not is_dict(fields):
            raise Unfit(f"{self.name}: expected the fields of an action, found {wire.shown(fields)}")
        action: Any = self._action
        put: Any = msgspec.structs.force_setattr if isinstance(action, msgspec.Struct) else object.__setattr__
        for name, value in fields.items():
            put(action, name, value)


def _fields_of(action: Any) -> dict[str, Any]:
    """What stands in its `__dict__` and its slots; of a msgspec struct its fields."""
    slots = [name for cls in type(action).__mro__ for name in _slots(cls)]
    named = {name: getattr(action, name) for name in slots if hasattr(action, name)}
    return {**named, **getattr(action, "__dict__", {})}


def _slots(cls: type[Any]) -> tuple[str, ...]:
    if issubclass(cls, msgspec.Struct):
        return tuple(cls.__struct_fields__)
    slots: Any = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(name for name in slots if not name.startswith("__"))
