"""Who is measured, and how each is set. Another peer is one adapter in peers/ and one entry here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Peer:
    """One way to run one library."""

    name: str
    module: str
    """Of its adapter in peers/."""

    promises: str
    """What a crash costs: speed is compared among equals only."""

    concurrency: tuple[int, int, int]
    """The three values of its tuning budget; the fastest in a short drain is used."""

    package: str
    environment: str
    """The requirements file, and the virtual environment in .bench; empty: the project's own."""

    bulk: str = ""
    """Its API for many jobs at once; empty: a hundred callers of the single one."""

    settings: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    """What starts its worker, before the concurrency; empty: the adapter's `work_off`."""

    processes: int = 2
    """How many may work on one queue."""

    limit: tuple[str, str] | None = None
    """Which bare limit it is held against: synchronous, and what becomes of an ended job."""


_FULL = "at least once; what was enqueued survives a power cut (synchronous=full)"
_NORMAL = "at least once; survives kill -9, the last moments may not survive a power cut (synchronous=normal)"

OURS = Peer(
    "workhorse",
    module="ours",
    promises=_FULL,
    concurrency=(50, 100, 500),
    package="workhorse",
    environment="",
    bulk="enqueue_many",
    command=("-m", "workhorse", "worker", "peers.ours:app", "--concurrency"),
    limit=("full", "delete"),
)
_NORMALLY = replace(OURS, promises=_NORMAL, settings={"BENCH_URL": "?synchronous=normal"})
_KEEPING = {"BENCH_KEEP": "1"}

PEERS = (
    OURS,
    replace(_NORMALLY, name="workhorse, normal", limit=("normal", "delete")),
    replace(OURS, name="workhorse, results kept", settings=_KEEPING, limit=("full", "update")),
    replace(
        _NORMALLY,
        name="workhorse, results kept, normal",
        settings={**_NORMALLY.settings, **_KEEPING},
        limit=("normal", "update"),
    ),
    Peer(
        "huey",
        module="huey",
        promises="at most once: off the queue before it runs; synchronous=off",
        concurrency=(1, 4, 10),
        package="huey",
        environment="small",
    ),
    Peer(
        "huey, fsync",
        module="huey",
        promises="at most once: off the queue before it runs; synchronous=full",
        concurrency=(1, 4, 10),
        package="huey",
        environment="small",
        settings={"BENCH_FSYNC": "1"},
    ),
    Peer(
        "litequeue",
        module="litequeue",
        promises="locked while it runs, and nobody unlocks what a dead worker held; synchronous=normal",
        concurrency=(1, 2, 4),
        package="litequeue",
        environment="small",
        bulk="puts in one transaction",
    ),
    Peer(
        "persist-queue",
        module="persistqueue",
        promises="at least once, for one process: what was not acknowledged comes back when it opens the queue again",
        concurrency=(1, 2, 4),
        package="persist-queue",
        environment="small",
        processes=1,
    ),
    Peer(
        "DBOS",
        module="dbos",
        promises="a durable workflow a job, taken up again when its executor restarts; input and output always kept",
        concurrency=(10, 50, 100),
        package="dbos",
        environment="dbos",
        bulk="enqueue_in_transaction",
    ),
)


def named(names: str) -> list[Peer]:
    """The peers of these names, separated by semicolons; empty: all."""
    wanted = [name.strip() for name in names.split(";") if name.strip()]
    known = {peer.name: peer for peer in PEERS}
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"--peers: expected names of {'; '.join(known)}, got {'; '.join(unknown)}")
    return [known[name] for name in wanted] if wanted else list(PEERS)
