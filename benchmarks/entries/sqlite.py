"""On SQLite."""

from dataclasses import replace

from peer import KEEPING, Peer, workhorse

_FULL = "at least once; what was enqueued survives a power cut (synchronous=full)"
_NORMAL = "at least once; survives kill -9, the last moments may not survive a power cut (synchronous=normal)"

OURS = workhorse("sqlite", _FULL, ("full", "delete"))
_NORMALLY = replace(OURS, promises=_NORMAL, settings={"BENCH_OPTIONS": "?synchronous=normal"})

PEERS = (
    OURS,
    replace(_NORMALLY, name="workhorse, normal", limit=("normal", "delete")),
    replace(OURS, name="workhorse, results kept", settings=KEEPING, limit=("full", "update")),
    replace(
        _NORMALLY,
        name="workhorse, results kept, normal",
        settings={**_NORMALLY.settings, **KEEPING},
        limit=("normal", "update"),
    ),
    Peer(
        "sqlite",
        "huey",
        module="huey",
        promises="at most once: off the queue before it runs; synchronous=off",
        concurrency=(1, 4, 10),
        package="huey",
        environment="small",
    ),
    Peer(
        "sqlite",
        "huey, fsync",
        module="huey",
        promises="at most once: off the queue before it runs; synchronous=full",
        concurrency=(1, 4, 10),
        package="huey",
        environment="small",
        settings={"BENCH_FSYNC": "1"},
    ),
    Peer(
        "sqlite",
        "litequeue",
        module="litequeue",
        promises="locked while it runs, and nobody unlocks what a dead worker held; synchronous=normal",
        concurrency=(1, 2, 4),
        package="litequeue",
        environment="small",
        bulk="puts in one transaction",
    ),
    Peer(
        "sqlite",
        "persist-queue",
        module="persistqueue",
        promises="at least once, for one process: what was not acknowledged comes back when it opens the queue again",
        concurrency=(1, 2, 4),
        package="persist-queue",
        environment="small",
        processes=1,
    ),
    Peer(
        "sqlite",
        "DBOS",
        module="dbos",
        promises="a durable workflow a job, taken up again when its executor restarts; input and output always kept",
        concurrency=(10, 50, 100),
        package="dbos",
        environment="dbos",
        bulk="enqueue_in_transaction",
    ),
)
