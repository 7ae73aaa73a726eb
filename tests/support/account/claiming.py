"""Who held a job, and whose word counted: one at a time within a lease, only the newest, only once, and none once it is cancelled."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from account.harm import Harm
from account.line import Line, none_of
from account.records import Claimed
from account.story import ENDINGS, Story

SLACK = 0.005
"""Seconds by which two clocks of one machine may drift apart while a job lives."""


def claiming(told: Sequence[Story], harm: Harm) -> Iterator[Line]:
    """The lines of holders."""
    yield none_of("stale finish: settled by a claim that was not the newest", (it.job for it in told if _stale(it)))
    yield none_of("ended twice", (story.job for story in told if _twice(story)))
    yield none_of("two claims alive within a valid lease", (it.job for it in told if _two_alive(it, harm)))
    yield none_of("cancelled before its claim, yet run", (it.job for it in told if _run_in_spite(it)))


def _stale(story: Story) -> bool:
    """Of two claims that were under way at once nobody knows which is the newer one."""
    by_token = {claim.token: claim for claim in story.claims}
    done = [(by_token[it.token], it.since) for it in story.settled if not it.answer and it.token in by_token]
    return any(
        own.at <= newer.since and newer.at < since for own, since in done for newer in story.claims if newer is not own
    )


def _twice(story: Story) -> bool:
    return len({(it.token, it.kind) for it in story.settled if it.kind in ENDINGS and not it.answer}) > 1


def _two_alive(story: Story, harm: Harm) -> bool:
    """Whichever of them took effect first, if both were under way at once."""
    return any(
        _too_soon(story, claim, newer)
        and (claim.at <= newer.since or _too_soon(story, newer, claim))
        and not harm.jumped(claim.since, newer.at)
        for claim, newer in pairwise(story.claims)
    )


def _too_soon(story: Story, claim: Claimed, newer: Claimed) -> bool:
    return newer.at < _valid_until(story, claim) - SLACK and not _let_go(story, claim, newer.at)


def _valid_until(story: Story, claim: Claimed) -> float:
    """The earliest moment at which its lease may have ended."""
    kept = [it.since + it.lease for it in story.extended if it.token == claim.token and it.answer != "lost"]
    return max([*kept, claim.since + claim.lease])


def _let_go(story: Story, claim: Claimed, at: float) -> bool:
    return any(settle.token == claim.token and settle.at <= at for settle in story.settling)


def _run_in_spite(story: Story) -> bool:
    """A claim that was made later comes marked, and must not be run."""
    gone = story.cancelled
    return gone is not None and any(run.claim is not None and run.claim.since > gone for run in story.runs)
