"""The account of what follows: of each end just what belongs to it, once, with the result that counts."""

from collections.abc import Iterator
from typing import Any

from simulation.history import Happening
from simulation.lives import Life, Lives
from simulation.program import Program, Spec

MOURNED = ("flaky", "hopeless")
"""Kinds whose death is told."""


class Sequels:
    """Hears what follow-ups and collectors got, and compares it at the end with what became of the jobs before them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._got: dict[str, list[list[Any]]] = {}

    def hear(self, it: Happening) -> None:
        """One of them began, and said what it got."""
        self._got.setdefault(it.job, []).append(it.more["got"])

    def wrong(self, lives: Lives) -> Iterator[tuple[str, str]]:
        """What is wrong, and with which job."""
        for spec in self._program.specs.values():
            if spec.followed and (life := _last(lives, spec.id)) is not None and life.ended is not None:
                yield from self._after(spec, life, lives)
        for group in {spec.group: spec for spec in self._program.specs.values() if spec.group}:
            yield from self._of_group(group, lives)

    def _after(self, spec: Spec, life: Life, lives: Lives) -> Iterator[tuple[str, str]]:
        followers = [it for it in lives.all if it.id.startswith(f"{spec.id}~")]
        kinds = {it.id.rpartition("~")[2] for it in followers}
        kind = life.ended.more["kind"] if life.ended else ""
        expected = {"Succeeded": {"0"}, "Dead": {"dead"} if spec.kind in MOURNED else set[str]()}.get(kind, set())
        if kinds != expected or len(followers) != len(expected):
            yield f"followed by {sorted(it.id for it in followers)} after {kind}", spec.id
            return
        for follower in followers:
            if follower.ended is None:
                yield "its follow-up did not end", follower.id
            if kind == "Succeeded" and not all(got[0] in _counted(life) for got in self._got.get(follower.id, [])):
                yield "followed with an old result", follower.id

    def _of_group(self, group: str, lives: Lives) -> Iterator[tuple[str, str]]:
        specs = sorted((it for it in self._program.specs.values() if it.group == group), key=lambda it: it.place)
        members = [_last(lives, spec.id) for spec in specs]
        collectors = [it for it in lives.all if it.id == group]
        complete = all(life is not None and life.ended is not None and life.deleted is None for life in members)
        if len(collectors) != complete:
            yield f"collected {len(collectors)} times", group
        for collector in collectors:
            if collector.ended is None:
                yield "its collector did not end", group
        for got in self._got.get(group, []):
            if not all(_is_end(value, life) for value, life in zip(got, members, strict=True)):
                yield "collected another end than its member's", group


def _last(lives: Lives, id: str) -> Life | None:
    return lives.current.get(id)


def _counted(life: Life) -> set[int]:
    """The runs of the claim whose settle ended it."""
    holding = None if life.ended is None else life.holding(life.ended.more["token"])
    return set() if holding is None else holding.finished


def _is_end(value: Any, life: Life | None) -> bool:
    if life is None or life.ended is None:
        return False
    return value in _counted(life) if life.ended.more["kind"] == "Succeeded" else value == "failed"
