"""What was enqueued, with assertions that say what came instead."""

from typing import Any

from workhorse.core.job import Job


class Recorder:
    """Jobs in the order of their acceptance."""

    def __init__(self) -> None:
        self.jobs: list[Job[Any]] = []

    @property
    def names(self) -> list[str]:
        """The tasks' names, a job each."""
        return [job.task for job in self.jobs]

    def in_order(self, *tasks: str) -> list[Job[Any]]:
        """The jobs, which are of exactly these tasks in this order; AssertionError if not."""
        assert self.names == list(tasks), f"expected {list(tasks)} to be enqueued in this order, got {self.names}"
        return list(self.jobs)

    def in_any_order(self, *tasks: str) -> list[Job[Any]]:
        """The jobs, which are of exactly these tasks; AssertionError if not."""
        assert sorted(self.names) == sorted(tasks), f"expected {sorted(tasks)} to be enqueued, got {sorted(self.names)}"
        return list(self.jobs)

    def nothing(self) -> None:
        """AssertionError if anything was enqueued."""
        assert not self.jobs, f"expected nothing to be enqueued, got {self.names}"
