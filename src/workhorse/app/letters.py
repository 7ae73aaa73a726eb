"""Jobs as their envelopes, checked: what does not fit is refused here, before any engine hears of it."""

from collections.abc import Callable
from typing import Any

from workhorse.core.contract import Envelope
from workhorse.core.envelope import encode_job
from workhorse.core.job import Job
from workhorse.core.registry import Registry
from workhorse.core.schema import Unfit
from workhorse.core.sequel import depth


class Letters:
    """`max_size`: bytes of one payload; `max_hops`: how many jobs may follow one another."""

    def __init__(self, registry: Registry, now: Callable[[], float], max_size: int, max_hops: int) -> None:
        self._registry, self._now = registry, now
        self.max_size, self.max_hops = max_size, max_hops

    def of(self, job: Job[Any], most: int | None = None) -> Envelope:
        """The job's envelope; `most`: bytes that the engine takes. Unfit, with the reason."""
        if job.options and (hops := depth(job)) > self.max_hops:
            raise Unfit(
                f"{hops} jobs would follow one another, and max_hops is {self.max_hops}; raise it, or make it a saga"
            )
        envelope = encode_job(job, self._registry.get(job.task), self._now, self._registry.get)
        self.fits(envelope, most, "its arguments take")
        return envelope

    def fits(self, envelope: Envelope, most: int | None, what: str) -> None:
        """Unfit for a payload that is too large."""
        limit = self.max_size if most is None else min(self.max_size, most)
        if (size := len(envelope.payload)) > limit:
            raise Unfit(f"{what} {size:,} bytes, and max_size is {limit:,}; pass a reference to them instead")
