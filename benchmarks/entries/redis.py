"""On Redis: without persistence, as it is mostly used for queues; and the fastest again with every write synced."""

from collections.abc import Iterator
from dataclasses import replace

from peer import KEEPING, Peer, workhorse

OURS = workhorse(
    "redis",
    "at least once; survives kill -9 of workers and producers; what Redis loses is lost",
    ("due times, leases, tokens", "delete"),
)

PEERS = (
    OURS,
    replace(OURS, name="workhorse, results kept", settings=KEEPING, limit=None),
    Peer(
        "redis",
        "repid",
        module="repid",
        promises="at least once: acknowledged after the job, one XACK each; the entries stay in the stream",
        concurrency=(10, 100, 1000),
        package="repid",
        environment="repid",
        filling="callers",
    ),
    Peer(
        "redis",
        "dramatiq",
        module="dramatiq",
        promises="at least once: acknowledged after the job; a dead worker's messages come back after its heartbeat's minute",
        concurrency=(4, 8, 32),
        package="dramatiq",
        environment="servers",
        command=(
            "-m",
            "dramatiq",
            "peers.dramatiq",
            "--processes",
            "1",
            "--skip-logging",
            "--threads",
            "{concurrency}",
        ),
    ),
    Peer(
        "redis",
        "taskiq",
        module="taskiq",
        promises="at least once: acknowledged after the job; the entries stay in the stream",
        concurrency=(10, 100, 500),
        package="taskiq",
        environment="taskiq",
        filling="callers",
        command=(
            "-m",
            "taskiq",
            "worker",
            "peers.taskiq:broker",
            "--workers",
            "1",
            "--log-level",
            "ERROR",
            "--ack-type",
            "when_saved",
            "--max-async-tasks",
            "{concurrency}",
            "--max-prefetch",
            "{concurrency}",
        ),
    ),
    Peer(
        "redis",
        "saq",
        module="saq",
        promises="at least once: a sweep puts stuck jobs back, or aborts them",
        concurrency=(10, 30, 100),
        package="saq",
        environment="servers",
        filling="callers",
    ),
    Peer(
        "redis",
        "arq",
        module="arq",
        promises="at least once: off the queue after the job; a dead worker's job runs again when its lock expires",
        concurrency=(10, 100, 1000),
        package="arq",
        environment="arq",
        filling="callers",
    ),
    Peer(
        "redis",
        "streaq",
        module="streaq",
        promises="at least once: acknowledged after the job; a dead worker's entries are taken over after a minute",
        concurrency=(16, 100, 500),
        package="streaq",
        environment="streaq",
        bulk="enqueue_many",
    ),
    Peer(
        "redis",
        "celery",
        module="celery",
        promises="at least once (acks_late): a dead worker's tasks come back after the visibility time-out of an hour",
        concurrency=(1, 4, 10),
        package="celery",
        environment="servers",
    ),
    Peer(
        "redis",
        "RQ",
        module="rq",
        promises="a dead worker's job goes to the failed registry, and is not run again by itself",
        concurrency=(1,),
        package="rq",
        environment="servers",
        bulk="enqueue_many",
    ),
)


def synced() -> Iterator[Peer]:
    """Ours and the two fastest of them, where every write is on the disk before it is answered."""
    for peer in PEERS:
        if peer.name in {"workhorse", "repid", "dramatiq"}:
            limit = ("due times, leases, tokens", "delete") if peer is OURS else None
            promises = "at least once; what was enqueued survives a power cut" if peer is OURS else peer.promises
            yield replace(peer, engine="redis-aof", limit=limit, promises=promises, filling="callers")
