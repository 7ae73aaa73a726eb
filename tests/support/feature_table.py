"""The table of docs/features.md, as the engines themselves say it."""

from typing import Final

from workhorse.cli.abilities import Told, told
from workhorse.durable.beside import Beside
from workhorse.engine import Engine
from workhorse.engines import open_engine

ENGINES: Final = {
    "SQLite": "sqlite:///jobs.db",
    "memory": "memory://jobs",
    "PostgreSQL": "postgresql://localhost/jobs",
    "Redis": "redis://localhost",
}
"""One line an engine."""


def table() -> str:
    """In Markdown: one row a feature, one column an engine, and at last one with `store=`."""
    engines: dict[str, Engine] = {name: open_engine(url) for name, url in ENGINES.items()}
    engines["SQLite with `store=`"] = Beside(open_engine("sqlite:///jobs.db"), open_engine("memory://"))
    rows = [[row[0].about, *(each.much for each in row)] for row in zip(*map(_told, engines.values()), strict=True)]
    head = ["", *engines]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in (head, ["---"] * len(head), *rows))


def _told(engine: Engine) -> list[Told]:
    assert engine.broker is not None
    return told(engine.broker.features)
