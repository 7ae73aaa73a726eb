"""How much is measured: the whole plan, and the quick one that only shows that everything works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Counts of jobs, and bounds in seconds, the same for every peer."""

    rounds: int = 3
    jobs: int = 100_000
    """The backlog of a drain."""

    drain: float = 12
    """Seconds after which a drain is cut short: the rate is that of the jobs so far, the backlog as large as anybody's."""

    enqueue: float = 2
    filling: float = 900
    """For a slow peer's backlog, once."""

    tuning: float = 3
    samples: int = 100
    idle: float = 3
    busy_jobs: int = 10_000
    neighbour_jobs: int = 500_000
    probes: int = 1000
    """Of a neighbour, at most; fewer when the queue is empty before."""

    batches: int = 40
    """Of a hundred jobs, for one cost."""

    waiting: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    scheduled: int = 1_000_000
    parked: int = 100_000
    queues: int = 200
    snapshot: float = 60
    """Seconds for which a transaction of a stranger is held open beside a worker's statements."""

    lifetime: int = 1_000_000
    """Jobs of one worker, for its memory: in ten parts."""


FULL = Plan()
SERVED = Plan(rounds=2, drain=4, enqueue=1, tuning=1, idle=2, busy_jobs=5_000)
"""With a server there are more peers and more to start: shorter turns, the same backlog."""

QUICK = Plan(
    rounds=1, jobs=5_000, drain=3, enqueue=0.5, filling=60, tuning=1, samples=20, idle=1, busy_jobs=1_000,
    neighbour_jobs=20_000, probes=100, batches=10, waiting=(1_000, 10_000), scheduled=10_000, parked=2_000, queues=50, snapshot=2,
    lifetime=10_000,
)  # fmt: skip
