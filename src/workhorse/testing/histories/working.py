"""What workers do: claim, settle in time and too late, extend; and time passes, and engines are opened again."""

from collections.abc import Sequence

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from workhorse.engine import Claim, Lane, Outcome, Put
from workhorse.testing.histories.choices import (
    LEASE,
    QUEUES,
    later,
    outcome,
    outcomes,
    perhaps_lanes,
    picks,
    queue_of,
)
from workhorse.testing.histories.facts import Facts, puts
from workhorse.testing.model import Life, carried


class Working(Facts):
    """`claim`, `settle` and `extend`."""

    @rule(asked=st.sampled_from((QUEUES, QUEUES[::-1], ("mail",))), limit=st.sampled_from((1, 2, 3, 50)))
    def claim(self, asked: Sequence[str], limit: int) -> None:
        claims = self.run(self.broker.claim(asked, limit, LEASE))
        assert len(claims) <= limit, f"expected at most {limit} claims, got {len(claims)}"
        must = [life for life in self.model.jobs.values() if self.model.must_claim(life, asked)]
        for claim in claims:
            self._claimed(claim, asked)
        self.claims += claims
        brought = {claim.job.id for claim in claims}
        left = [life for life in must if life.job.id not in brought]
        if len(claims) < limit:
            left += [life for life in self.model.jobs.values() if self.model.must_be_admitted(life, asked)]
            assert not left, f"due, free to go and left behind: {_ids(left)}"
        else:
            self._in_their_order(claims, left, asked, limit)

    @precondition(lambda self: self.held)
    @rule(
        pick=picks,
        kind=outcomes,
        after=later,
        trail=st.sampled_from((None, b"so far")),
        written=puts,
        follow=st.booleans(),
        lane=perhaps_lanes,
        twice=st.booleans(),
    )
    def settle(
        self,
        pick: int,
        kind: type[Outcome],
        after: float,
        trail: bytes | None,
        written: list[tuple[str, str, float | None]],
        follow: bool,
        lane: Lane | None,
        twice: bool,
    ) -> None:
        """One, with the facts and the job that go with it."""
        writes = self.puts(written) if self.store else []
        if not self.features.transactions:
            writes = [msgspec.structs.replace(each, expect=None) for each in writes]
        jobs = [self.new(queue_of(lane), lane=lane)] if follow else []
        what = outcome(kind, self.held[pick % len(self.held)], after, trail=trail, writes=writes, publish=jobs)
        if self._settle(what) and twice:
            assert [why for _, why in self.run(self.broker.settle([what]))] in ([], ["stale"])

    @precondition(lambda self: self.held)
    @rule(some=st.lists(st.tuples(picks, outcomes), min_size=1, max_size=5), after=later)
    def settle_many(self, some: list[tuple[int, type[Outcome]]], after: float) -> None:
        held = self.held
        kinds = {held[pick % len(held)].job.id: kind for pick, kind in some}
        self._settle(*(outcome(kinds[each.job.id], each, after) for each in held if each.job.id in kinds))

    @precondition(lambda self: self.late and self.features.fenced)
    @rule(pick=picks, kind=outcomes)
    def settle_late(self, pick: int, kind: type[Outcome]) -> None:
        """As a worker that wakes when its job is another's."""
        late, fact = self.late[pick % len(self.late)], [Put("fact/a", b"late")] if self.store else []
        self._settle(outcome(kind, late, 5.5, writes=fact, publish=[self.new("mail")]))

    @precondition(lambda self: self.claims and self.features.fenced)
    @rule(some=st.lists(picks, min_size=1, max_size=5))
    def extend(self, some: list[int]) -> None:
        claims = [self.claims[pick % len(self.claims)] for pick in some]
        expected = [self.model.extend(claim, LEASE) for claim in claims]
        answers = self.run(self.broker.extend(claims, LEASE))
        assert answers == expected, f"expected {expected}, got {answers}"

    @rule(seconds=st.sampled_from((1, 3, 10, 35)))
    def pass_time(self, seconds: int) -> None:
        self.run(self.subject.pass_time(seconds))
        self.model.now += seconds

    @precondition(lambda self: getattr(self.subject, "reopens", True))
    @rule()
    def reopen(self) -> None:
        for engine in self.engines:
            self.run(engine.close())
        self.engines = [self.opened(), self.opened()]

    @property
    def held(self) -> list[Claim]:
        """Claims that may settle: where the engine does not fence, only within their lease."""
        good = [each for each in self.claims if self.model.holds(each)]
        return [each for each in good if self.features.fenced or self.model.jobs[each.job.id].due > self.model.now]

    @property
    def late(self) -> list[Claim]:
        """Claims that may settle nothing: those whose job another holds, if there are any; they could do harm."""
        late = [each for each in self.claims if not self.model.holds(each)]
        held = {each.job.id for each in self.claims if self.model.holds(each)}
        return [each for each in late if each.job.id in held] or late

    def _claimed(self, claim: Claim, asked: Sequence[str]) -> None:
        id = claim.job.id
        assert id in self.model.jobs, f"{id} was claimed, and there is no such job"
        assert (id, claim.token) not in {(each.job.id, each.token) for each in self.claims}, f"{id}: a token came back"
        life = self.model.jobs[id]
        assert self.model.may_claim(life, asked), f"{id} was claimed, and must not be: {life}"
        self.model.claim(claim, LEASE)
        assert carried(claim.job) == carried(life.job)
        assert claim.cancel == life.cancel, f"{id}: cancel {claim.cancel}"
        assert claim.expired == (life.expires is not None and life.expires <= self.model.now), f"{id}: {claim.expired}"
        if self.features.counts_crashes:
            assert claim.crashes == life.crashes, f"{id}: expected {life.crashes} crashes, got {claim.crashes}"

    def _in_their_order(self, claims: Sequence[Claim], left: list[Life], asked: Sequence[str], limit: int) -> None:
        """No higher level was skipped, no earlier queue was, and none took more than its share from another."""
        for life in left:
            level, queue = life.job.priority, life.job.queue
            lower = [each.job.id for each in claims if each.job.priority < level]
            assert not lower, f"{life.job.id} is of a higher priority than {lower}, and was left behind"
            taken = [each.job.queue for each in claims if each.job.priority == level]
            for other in set(taken) - {queue}:
                share = (limit + 1) // 2
                assert taken.count(other) <= share, (
                    f"{other} took {taken.count(other)} of {limit}, and {queue} had more"
                )
                if asked.index(other) > asked.index(queue):
                    least = max(1, limit // 2) - len([each for each in claims if each.job.priority > level])
                    assert taken.count(queue) >= least, f"{queue} comes before {other}, and was left behind"

    def _settle(self, *outcomes: Outcome) -> bool:
        """Settle them, with what the model says; whether all were done."""
        undone = self.run(self.broker.settle(outcomes))
        expected = [(each, why) for each in outcomes if (why := self.model.settle(each))]
        assert sorted(map(_named, undone)) == sorted(map(_named, expected)), f"expected {expected}, got {undone}"
        return not undone


def _named(undone: tuple[Outcome, str]) -> tuple[str, str]:
    return undone[0].claim.job.id, undone[1]


def _ids(lives: Sequence[Life]) -> list[str]:
    return [life.job.id for life in lives]
