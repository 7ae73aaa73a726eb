"""The race: every peer on the same work, taking turns round by round."""

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

import environments
from peer import Peer
from plan import Plan
from stage import Failed, Stage

ENQUEUE = ("single", "callers", "bulk")


def race(peers: Iterable[Peer], plan: Plan, save: Callable[[dict[str, Any]], None]) -> None:
    """Saves after each peer's turn all there is so far. A peer that fails is out, with the reason, and the others go on."""
    told: dict[str, Any] = {}
    with ExitStack() as stack:
        entries = [Entry(peer, plan, stack.enter_context(Stage(peer))) for peer in peers]
        for step in [Entry.get_ready, *[Entry.run_round] * plan.rounds, Entry.rest]:
            for entry in entries:
                entry.take(step)
                told[entry.peer.name] = entry.told
                save(told)


class Entry:
    """One peer in the race, and what is known of it."""

    def __init__(self, peer: Peer, plan: Plan, stage: Stage) -> None:
        self.peer, self.plan, self.stage = peer, plan, stage
        self.concurrency, self.jobs = peer.concurrency[0], min(peer.jobs or plan.jobs, plan.jobs)
        self.told: dict[str, Any] = {
            "version": environments.version(peer.environment, peer.package), "promises": peer.promises,
            "bulk_api": peer.bulk, "limit": peer.limit, "jobs": self.jobs, "rounds": [],
        }  # fmt: skip

    def take(self, step: Callable[["Entry"], None]) -> None:
        """One step, unless an earlier one failed."""
        if "failed" in self.told:
            return
        try:
            step(self)
        except Failed as error:
            self.told["failed"] = str(error)
            print(f"bench: {self.peer.name}: {error}", file=sys.stderr, flush=True)
        finally:
            self.stage.stop()

    def get_ready(self) -> None:
        """Keep a full queue for the drains, and choose the concurrency on it."""
        _say(self.peer.name, "filling and tuning")
        self._fill()
        tried = {concurrency: self._try(concurrency) for concurrency in self.peer.concurrency}
        self.concurrency = max(tried, key=tried.__getitem__)
        self.told |= {"concurrency": self.concurrency, "tried": tried}

    def run_round(self) -> None:
        """Everything once."""
        _say(self.peer.name, f"round {len(self.told['rounds']) + 1} of {self.plan.rounds}")
        modes = [mode for mode in ENQUEUE if mode != "bulk" or self.peer.bulk]
        result: dict[str, Any] = {mode: self._enqueue(mode) for mode in modes}
        result.setdefault("bulk", result["callers"])
        for count in range(1, self.peer.processes + 1):
            result[f"drain_{count}"] = self.stage.drain(self.jobs, self.plan.drain, count, self.concurrency)
        if self.peer.processes > 1:
            result["latency"] = self.stage.latency(self.plan.samples, self.concurrency, self.plan.idle)
        self.told["rounds"].append(result)

    def rest(self) -> None:
        """Leave no full queue behind: the disk is for the parts that follow."""
        self.stage.forget()

    def _try(self, concurrency: int) -> float:
        if len(self.peer.concurrency) == 1:
            return 0.0
        return self.stage.drain(self.jobs, self.plan.tuning, 1, concurrency)["rate"]

    def _enqueue(self, mode: str) -> dict[str, float]:
        self.stage.empty()
        told = self.stage.enqueue(mode, self.jobs, self.plan.enqueue)
        return {**told, "rate": told["jobs"] / told["seconds"]}

    def _fill(self) -> None:
        self.stage.empty()
        before = self.stage.server.size()
        how = "bulk" if self.peer.bulk else self.peer.filling
        filled = self.stage.enqueue(how, self.jobs, self.plan.filling)["jobs"]
        if filled < self.jobs:
            raise Failed(f"only {filled:,} of {self.jobs:,} jobs were enqueued within {self.plan.filling:g} s")
        self.told["bytes_a_job"] = (self.stage.server.size() - before) / filled
        self.stage.keep()


def _say(who: str, what: str) -> None:
    print(f"bench: {who}: {what}", file=sys.stderr, flush=True)
