"""What is said of one peer. Another is one adapter in peers/ and one entry in entries/."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    """One way to run one library."""

    engine: str
    """What it keeps its jobs in: a key of servers.SERVERS."""

    name: str
    module: str
    """Of its adapter in peers/."""

    promises: str
    """What a crash costs: speed is compared among equals only."""

    concurrency: tuple[int, ...]
    """Its tuning budget: three values, or one where there is nothing to choose; the fastest in a short drain is used."""

    package: str
    environment: str
    """The requirements file, and the virtual environment in .bench; empty: the project's own."""

    bulk: str = ""
    """Its API for many jobs at once; empty: a hundred callers of the single one."""

    filling: str = "single"
    """How its backlog is made where there is no bulk API: single, or callers where a hundred who wait side by side are faster."""

    settings: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    """What starts its worker, {concurrency} filled in; empty: the adapter's `work_off`."""

    processes: int = 2
    """How many may work on one queue."""

    jobs: int | None = None
    """A smaller backlog than everybody's, where that one is hopeless; the table says so."""

    limit: tuple[str, str] | None = None
    """Which bare limit it is held against: a variant of its engine's, and what becomes of an ended job."""


KEEPING = {"BENCH_KEEP": "1"}
"""Ours with results and retention as they are by default."""


def workhorse(engine: str, promises: str, limit: tuple[str, str]) -> Peer:
    """Ours, the same on every engine: nothing is kept of a job that has succeeded."""
    return Peer(
        engine,
        "workhorse",
        module="ours",
        promises=promises,
        concurrency=(50, 100, 500),
        package="workhorse",
        environment="",
        bulk="enqueue_many",
        command=("-m", "workhorse", "worker", "peers.ours:app", "--concurrency", "{concurrency}"),
        limit=limit,
    )
