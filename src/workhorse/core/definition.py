"""A task as it was declared: its function and its own options; and, once an app has it, its full name and settings."""

from collections.abc import Callable, Mapping
from typing import Any

from workhorse.core import names
from workhorse.core.errors import DeclarationError
from workhorse.core.handle import Door
from workhorse.core.options import FOR_TASKS, Settings, checked
from workhorse.core.schema import Schema
from workhorse.core.shape import RunIn, Shape, shape_of


class Definition:
    """One a function, shared by its task and all copies that `.options()` makes of it.

    It changes in one step, `bind`: a router's tasks may be declared before an app includes the router, and their full
    names, defaults and door come from there.
    """

    known = FOR_TASKS
    who = "task()"
    version = 0
    """Of a saga, from 1: there may be several of one name."""

    def __init__(self, fn: Callable[..., Any], given: Mapping[str, Any]) -> None:
        said = checked(given, self.known, self.who)
        shape = self._shape(fn, said.pop("run_in", None))
        self.fn = fn
        self.place = shape.place
        self.run_in: RunIn = shape.run_in
        self.takes_context = bool(shape.skip)
        self.own_name = names.name(said.pop("name", None) or _name_of(fn, shape.place), f"task {shape.place}: name")
        self.own_options: Mapping[str, Any] = said
        self.name = self.own_name
        self._bound: tuple[Settings, Schema, Door] | None = None

    def rename(self, name: str) -> None:
        """Its name with the prefixes so far; DeclarationError when that is none."""
        self.name = names.name(name, f"task {self.place}: name")

    def bind(self, name: str, settings: Settings, door: Door) -> None:
        """From now on it belongs to the app behind `door`. DeclarationError when it does already, or for a bad name."""
        if self._bound is not None:
            raise DeclarationError(f"task {self.name} ({self.place}): belongs to an app already")
        self.rename(name)
        self._bound = settings, Schema(self.fn, name, skip=int(self.takes_context)), door

    def _shape(self, fn: object, run_in: str | None) -> Shape:
        return shape_of(fn, run_in)

    @property
    def settings(self) -> Settings:
        """What holds for it, all layers merged."""
        return self._belonging[0]

    @property
    def schema(self) -> Schema:
        """Its signature as it travels."""
        return self._belonging[1]

    @property
    def door(self) -> Door:
        """The app that it belongs to."""
        return self._belonging[2]

    @property
    def _belonging(self) -> tuple[Settings, Schema, Door]:
        if self._bound is None:
            raise DeclarationError(
                f"task {self.name} ({self.place}): its router belongs to no app yet; call app.include(router) first"
            )
        return self._bound


def _name_of(fn: Callable[..., Any], place: str) -> str:
    name = getattr(fn, "__name__", None)
    if not isinstance(name, str) or name == "<lambda>":
        raise DeclarationError(f"task {place}: it has no name of its own; give one: task(name=...)")
    return name
