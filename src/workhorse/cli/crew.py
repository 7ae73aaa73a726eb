"""A worker as the command line sets it up: in this process, or in each of several."""

import gc

import msgspec

from workhorse.app import Workhorse
from workhorse.cli.finding import find_app
from workhorse.observe.logging import Form, configure
from workhorse.worker.budget import Budget
from workhorse.worker.link import Link
from workhorse.worker.worker import Worker


class Settings(msgspec.Struct, frozen=True):
    """What the command line said, as plain values: it goes to other processes."""

    spec: str
    level: str
    form: Form
    concurrency: int
    queues: list[str]
    burst: bool
    grace: float
    lease: float


def hired(app: Workhorse, settings: Settings, budget: Budget, signals: "list[int] | None" = None) -> Worker:
    """The worker of an app, as set."""
    gc.collect()
    gc.freeze()  # what is loaded by now stays: no collection need look at it again
    return app.worker_of(
        budget,
        concurrency=settings.concurrency,
        queues=settings.queues,
        burst=settings.burst,
        lease=settings.lease,
        grace=settings.grace,
        signals=signals,
    )


def work(settings: Settings, link: Link) -> None:
    """All that a process of several does: find the app again, work, and tell its supervisor."""
    configure(settings.level, settings.form)
    link.run(hired(find_app(settings.spec), settings, link.budget, list(link.signals)))
