"""A task as it was declared: its function and its own options; and, once an app has it, its full name and settings."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from workhorse.core import keyed, names
from workhorse.core.batch import Batch
from workhorse.core.document import Document
from workhorse.core.errors import DeclarationError
from workhorse.core.handle import Door
from workhorse.core.options import FOR_TASKS, KEYED, Settings, checked
from workhorse.core.schedule import Schedule
from workhorse.core.schema import Schema
from workhorse.core.shape import RunIn, Shape, check_batch, refuse_required, shape_of


class Definition:
    """One a function, shared by its task and all copies that `.options()` makes of it.

    It changes in one step, `bind`: a router's tasks may be declared before an app includes the router, and their full
    names, defaults and door come from there.
    """

    known = FOR_TASKS
    who = "task()"
    version = 0
    """Of a saga, from 1: there may be several of one name."""

    def __init__(self, fn: Callable[..., Any], given: Mapping[str, Any], *, signed: bool = True) -> None:
        """`signed=False`: it stands for a function elsewhere, and its own signature says nothing."""
        said = checked(given, self.known, self.who)
        shape = self._shape(fn, said.pop("run_in", None))
        self.fn = fn
        self.runs = fn
        """What a worker calls; the function itself is for who calls the task by hand."""
        self.place = shape.place
        self.run_in: RunIn = shape.run_in
        self.batch: Batch | None = said.pop("batch", None)
        if self.batch is not None:
            check_batch(fn, shape)
        self.takes_context = bool(shape.skip)
        self._signed = signed
        self.own_name = names.name(said.pop("name", None) or _name_of(fn, shape.place), f"task {shape.place}: name")
        self.schedule: Schedule | None = said.get("schedule")
        if self.schedule is not None:
            refuse_required(fn, shape)
        self.own_options: Mapping[str, Any] = said
        self.name = self.own_name
        self.check_keys(said)
        self._bound: tuple[Settings, Schema, Door] | None = None

    def rename(self, name: str) -> None:
        """Its name with the prefixes so far; DeclarationError when that is none."""
        self.name = names.name(name, f"task {self.place}: name")

    def bind(self, name: str, settings: Settings, door: Door) -> None:
        """From now on it belongs to the app behind `door`. DeclarationError when it does already, or for a bad name."""
        if self._bound is not None:
            raise DeclarationError(f"task {self.name} ({self.place}): belongs to an app already")
        self.rename(name)
        self.check_keys(settings.of(KEYED))
        self._bound = settings, self._schema(name), door

    def arguments(self, document: Document) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """What to call the function with, after its Context; Unfit when they do not fit."""
        return self.schema.decode(document.args, document.kwargs, document.tagged)

    def check_keys(self, said: Mapping[str, Any]) -> None:
        """DeclarationError for a key that names no parameter, and for an order and a limit that do not go together."""
        if any(said.get(name) is not None for name in KEYED):
            keyed.check(said, self._parameters, f"task {self.name} ({self.place})")

    @cached_property
    def _parameters(self) -> tuple[str, ...] | None:
        return tuple(inspect.signature(self.fn).parameters)[int(self.takes_context) :] if self._signed else None

    def _schema(self, name: str) -> Schema:
        return Schema(self.fn, name, int(self.takes_context), self.batch is not None)

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
