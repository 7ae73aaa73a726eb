"""Who is dead, and for what: those that always fail and those that kill, with their reasons; attempts and crashes as they were."""

import math
from collections.abc import Iterator, Sequence

from account.harm import Harm
from account.line import Line, none_of
from account.records import ALWAYS, Claimed, Failed, Fault
from account.story import Story

CRASHED = "crashed"
"""How the reason of a job begins that died with its workers."""


def deaths(told: Sequence[Story], harm: Harm) -> Iterator[Line]:
    """The lines of the dead."""
    yield Line("dead letters", sum(story.status == "dead" for story in told))
    yield Line("dead for as many crashes of their own", sum(_crashed(it) and not it.wish.poison for it in told))
    last = _last_deaths(told, harm)
    yield none_of(
        "dead with a poison job that they only stood by", (it.job for it in told if _bystander(it, last, harm))
    )
    yield none_of("dead letters incomplete, or one too many", (it.job for it in told if it.row and _wrong(it)))
    yield none_of("attempts over what failed", (it.job for it in told if _overcounted(it)))
    yield none_of("crashes charged over the deaths of holders", (it.job for it in told if _overcharged(it, harm)))


def _bystander(story: Story, last_deaths: set[str], harm: Harm) -> bool:
    """Dead, and its last crash was the death of a poison job on its last chance, which had to be kept apart from it."""
    if story.wish.poison or not _crashed(story) or not story.claims:
        return False
    charged = _unsettled(story, story.claims[-1])
    return any(
        claim.who in last_deaths
        and claim.crashes == story.wish.max_crashes - 1
        and not any(fault.kind != "poison" for fault in _struck(claim, story, harm))
        for claim in charged
    )


def _last_deaths(told: Sequence[Story], harm: Harm) -> set[str]:
    """Who died of running a poison job on its last chance; a late riser may die of an older run, with this claim in its hands."""
    return {
        claim.who
        for story in told
        if story.wish.poison
        for claim in (run.claim for run in story.runs if run.claim is not None)
        if claim.crashes >= story.wish.max_crashes - 1
        and any(fault.kind == "poison" for fault in _struck(claim, story, harm))
    }


def _crashed(story: Story) -> bool:
    return story.row is not None and story.status == "dead" and story.row.reason.startswith(CRASHED)


def _struck(claim: Claimed, story: Story, harm: Harm) -> list[Fault]:
    newer = story.superseded(claim)
    return harm.to(claim, math.inf if newer is None else newer.at)


def _unsettled(story: Story, claim: Claimed) -> list[Claimed]:
    """Claims of the same attempt that may be earlier, and that no settle is known to have ended."""
    settled = {it.token for it in story.settled if not it.answer}
    earlier = [it for it in story.claims if it is not claim and it.since <= claim.at]
    return [it for it in earlier if it.attempt == claim.attempt and it.token not in settled]


def _wrong(story: Story) -> bool:
    if story.wish.poison:
        return not _crashed(story)
    if story.wish.fails == ALWAYS:
        return not (_complete(story) or _crashed(story) or story.cancelled is not None)
    return story.status == "dead" and not _crashed(story)


def _complete(story: Story) -> bool:
    """As many attempts as it was to have, each error kept, the last one its reason."""
    row, errors = story.row, {run.end.error for run in story.runs if isinstance(run.end, Failed)}
    if row is None or row.status != "dead" or row.attempt != story.wish.retries + 1:
        return False
    return len(row.errors) == row.attempt and set(row.errors) <= errors and row.errors[-1] in row.reason


def _overcounted(story: Story) -> bool:
    """The attempt of a claim counts from 1, and only a run that failed raises it: a hand-back or a crash does not."""
    attempts = [claim.attempt for claim in story.claims] + ([story.row.attempt] if story.row is not None else [])
    return max(attempts, default=1) - 1 > story.failures


def _overcharged(story: Story, harm: Harm) -> bool:
    return any(claim.crashes > _chargeable(story, claim, harm) for claim in story.claims)


def _chargeable(story: Story, claim: Claimed, harm: Harm) -> int:
    """What the claim before had, one more if that one came to harm; one for each that was under way beside it; and one for each
    whose answer nobody heard and that was under way after the claim before began: it may have begun long ago, before the job
    was asked for, and have waited for the engine."""
    others = [it for it in story.claims if it is not claim]
    asked = min(story.asked, default=claim.since)
    since = max((it.since for it in others if it.at <= claim.since), default=asked)
    same = [it for it in others if it.attempt == claim.attempt and it.since <= claim.at]
    beside = sum(it.at > claim.since for it in same)
    before = [it for it in same if since <= it.at <= claim.since]  # which of several took effect last is unknown
    charged = max((it.crashes + _died(story, it, claim, harm) for it in before), default=0)
    return charged + beside + harm.unheard(since, claim.at)


def _died(story: Story, before: Claimed, claim: Claimed, harm: Harm) -> bool:
    return before in _unsettled(story, claim) and bool(harm.explains(story, before, claim.at))
