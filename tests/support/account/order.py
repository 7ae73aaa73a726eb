"""Who may run beside whom, and when: lanes, unique keys, delays."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

from account.claiming import SLACK
from account.harm import Harm
from account.line import Line, none_of
from account.story import Run, Story
from workhorse.core.limit import spacing

Span = tuple[float, float, str]


def order(told: Sequence[Story], harm: Harm) -> Iterator[Line]:
    """The lines of company."""
    lanes, uniques = defaultdict[str, list[Story]](list), defaultdict[str, list[Story]](list)
    for story in told:
        if story.wish.lane:
            lanes[story.wish.lane].append(story)
        if story.wish.unique:
            uniques[story.wish.unique].append(story)
    rated = [lane for lane in lanes.values() if lane[0].wish.rate]
    ordered = [lane for lane in lanes.values() if lane[0].wish.ordered]
    yield none_of("ordered lane out of order", (job for lane in ordered for job in _out_of_order(lane)))
    yield none_of("lane's width exceeded", (job for lane in lanes.values() for job in _too_many(lane, harm)))
    yield none_of("lane faster than its rate", (job for lane in rated for job in _too_fast(lane, harm)))
    yield none_of("two live jobs of one unique key", (job for key in uniques.values() for job in _two_live(key, harm)))
    yield none_of("delayed, ran before its time", (it.job for it in told if _too_early(it, harm)))


def _out_of_order(lane: Sequence[Story]) -> Iterator[str]:
    """Whoever started before the end of one that was accepted before it was asked for."""
    first = sorted((story for story in lane if story.accepted), key=lambda story: story.accepted[0])
    accepted = [story.accepted[0] for story in first]
    ends = list(accumulate((math.inf if it.end is None else it.end for it in first), max))
    for story in lane:
        before = bisect_left(accepted, story.asked[0])
        if story.runs and before and story.runs[0].start.at < ends[before - 1]:
            yield story.job


def _too_many(lane: Sequence[Story], harm: Harm) -> Iterator[str]:
    width = lane[0].wish.width
    running: list[Span] = []
    for span in sorted(_spans(lane, harm)):
        running = [other for other in running if other[1] > span[0]]
        running.append(span)
        if len({job for _, _, job in running}) > width:
            yield span[2]


def _too_fast(lane: Sequence[Story], harm: Harm) -> Iterator[str]:
    """Two claims that were closer than the rate allows, whichever moments of their calls they took effect at. Who is asked to
    cancel is claimed at once."""
    every = spacing(lane[0].wish.rate) - SLACK
    claims = sorted((claim.since, claim.at, it.job) for it in lane if it.cancelled is None for claim in it.claims)
    for (since, at, _), (later, answered, job) in pairwise(claims):
        if max(answered - since, at - later) < every and not harm.jumped(since, answered):
            yield job


def _two_live(key: Sequence[Story], harm: Harm) -> set[str]:
    """Accepted while another was live for certain; or run beside another."""
    beside = {after[2] for before, after in pairwise(sorted(_spans(key, harm))) if _overlap(before, after)}
    live = [(it, it.accepted[0], math.inf if it.end is None else it.end) for it in key if it.accepted]
    return beside | {
        late.job
        for late, answered, _ in live
        for other, since, until in live
        if late is not other and since < late.asked[0] and answered < until
    }


def _overlap(before: Span, after: Span) -> bool:
    return before[1] > after[0] and before[2] != after[2]


def _spans(group: Iterable[Story], harm: Harm) -> list[Span]:
    """From when to when each ran by right: until it ended, was claimed by another, was settled, or its worker died. Who wakes
    late and starts when its right is over has none."""
    spans = [(run.start.at, _over(story, run, harm), story.job) for story in group for run in story.runs]
    return [(start, over, job) for start, over, job in spans if start <= over]


def _over(story: Story, run: Run, harm: Harm) -> float:
    ends = [harm.death(run.start.who, run.start.at)]
    if run.end is not None:
        ends.append(run.end.at)
    if run.claim is not None:
        newer = story.superseded(run.claim)
        ends += [newer.since] if newer is not None else []
        ends += [settle.at for settle in story.settling if settle.token == run.claim.token]
    over = min(ends)
    return over if over < math.inf else run.start.at  # it never ended: that is another line's


def _too_early(story: Story, harm: Harm) -> bool:
    if not story.wish.delay or not story.runs or not story.asked:
        return False
    asked, start = story.asked[0], story.runs[0].start.at
    return start < asked + story.wish.delay - SLACK and not harm.jumped(asked, start)
