"""A batch while it runs: one call for many jobs, each of which may be cancelled, lost or late by itself."""

import time
from collections.abc import Sequence
from typing import Any

from workhorse.worker.call import Plan
from workhorse.worker.running import Report, Running
from workhorse.worker.shares import terms_of


class Together:
    """What each of the jobs takes for its own call. What happens to one does not end the call of the others."""

    def __init__(self, lead: Running, plans: Sequence[tuple[Plan, Running]]) -> None:
        self.terms = terms_of([its for its, _ in plans])
        self._lead, self._jobs = lead, [job for _, job in plans]
        lead.mates, lead.plan = self._jobs, plans[0][0]
        lead.began = lead.began or time.monotonic()
        for job in self._jobs:
            job.call = self
            job.late = 0.0 if self.terms.timeout is None else lead.began + self.terms.timeout

    def cancel(self, msg: Any | None = None) -> None:
        """When time is over, or the worker ends: all. Where one is cancelled or lost: when no other is left."""
        if msg in ("late", "stopped") or all(job.why is not None for job in self._jobs):
            self._lead.interrupt(msg or "stopped")

    def end(self) -> None:
        """It has returned: there is nothing to interrupt any more."""
        for job in self._jobs:
            job.call = None


def begin(lead: Running, plans: Sequence[tuple[Plan, Running]], report: Report) -> Together:
    """From here on the batch's time runs, and its progress is that of each of its jobs."""

    async def report_all(lead: str, done: float, text: str) -> None:
        for _, job in plans:
            await report(job.claim.job.id, done, text)

    lead.report = report_all
    return Together(lead, plans)
