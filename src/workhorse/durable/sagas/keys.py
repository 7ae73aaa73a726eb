"""Where the facts of a saga stand, and how its jobs are called."""

from typing import Final

WIDTH: Final = 8
"""Digits of an entry's number in a key, so that keys sort as numbers do."""


def head(id: str) -> str:
    """Its state, for people."""
    return f"saga/{id}"


def journal(id: str) -> str:
    """What the keys of its journal's lines begin with."""
    return f"saga/{id}/"


def line(id: str, number: int) -> str:
    """A line of its journal, by the number of the line's first entry."""
    return f"saga/{id}/{number:0{WIDTH}}"


def cancel(id: str) -> str:
    """The order to cancel."""
    return f"cancel/{id}"


def signals(id: str, name: str | None = None) -> str:
    """What the keys of its signals begin with; of those of one name."""
    return f"signal/{id}/" if name is None else f"signal/{id}/{name}/"


def calls(id: str) -> str:
    """What the keys begin with under which the jobs that it called tell their ends."""
    return f"called/{id}/"


def called(id: str, born: str, number: int) -> str:
    """The end of the job that this entry asked for."""
    return f"called/{id}/{born}/{number}"


def job(id: str, born: str, what: int | str) -> str:
    """The id of a job of the saga's: `born` keeps it apart from those of an earlier saga of the same id, whose late wake-ups
    may still be on their way."""
    return f"{id}~{born[:6]}~{what}"
