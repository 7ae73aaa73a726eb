"""On PostgreSQL."""

from dataclasses import replace

from peer import KEEPING, Peer, workhorse

OURS = workhorse(
    "postgres",
    "at least once; what was enqueued, and what became of it, survives a power cut (synchronous_commit=on)",
    ("synchronous_commit=on", "delete"),
)

PEERS = (
    OURS,
    replace(OURS, name="workhorse, results kept", settings=KEEPING, limit=("synchronous_commit=on", "update")),
    Peer(
        "postgres",
        "pgqueuer",
        module="pgqueuer",
        promises="at least once: a dead worker's jobs are picked up again by heartbeat; ended jobs go to a log in batches",
        concurrency=(10, 100, 500),
        package="pgqueuer",
        environment="servers",
        bulk="Queries.enqueue of lists",
    ),
    Peer(
        "postgres",
        "procrastinate",
        module="procrastinate",
        promises="a dead worker's jobs stay in doing until somebody asks for stalled ones; ended jobs are kept",
        concurrency=(10, 30, 100),
        package="procrastinate",
        environment="servers",
        bulk="batch_defer_async",
    ),
    Peer(
        "postgres",
        "saq",
        module="saq",
        promises="at least once: a sweep puts stuck jobs back, or aborts them",
        concurrency=(10, 30, 100),
        package="saq",
        environment="servers",
        filling="callers",
    ),
    Peer(
        "postgres",
        "DBOS",
        module="dbos",
        promises="a durable workflow a job, taken up again when its executor restarts; input and output always kept",
        concurrency=(10, 50, 100),
        package="dbos",
        environment="dbos",
        bulk="enqueue_in_transaction",
    ),
)
