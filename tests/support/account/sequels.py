"""What follows an end: of each just what belongs to it, once, with the result that counted."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from account.line import Line, none_of
from account.records import Finished, Started
from account.story import ENDED, Story

AFTER = {"succeeded": ["0"], "dead": ["dead"]}
"""How the ids of followers end, by how the job before them stands."""

FAILED = "failed"
"""What a collector gets of a member that died, or was cancelled."""


def sequels(told: Mapping[str, Story]) -> Iterator[Line]:
    """The lines of followers and collectors."""
    followers = defaultdict[str, list[Story]](list)
    for story in told.values():
        if story.seen and "~" in story.job:
            followers[_parent(story.job)].append(story)
    collectors = [story for story in told.values() if story.wish.members]
    yield Line("followed", sum(map(len, followers.values())))
    yield Line("collected", sum(it.seen for it in collectors))
    yield none_of(
        "followed otherwise than it ended", (it.job for it in told.values() if _misfollowed(it, followers[it.job]))
    )
    yield none_of(
        "followed with a result that did not count",
        (it.job for job, its in followers.items() for it in its if _misled(it, told[job])),
    )
    yield none_of(
        "collected otherwise than its members ended", (it.job for it in collectors if _miscollected(it, told))
    )


def label(run: Started) -> str:
    """What this run returns: who it was."""
    return f"{run.who}/{run.run}"


def _parent(follower: str) -> str:
    return follower.rsplit("~", 2)[0]


def _misfollowed(story: Story, followers: Sequence[Story]) -> bool:
    expected = AFTER.get(story.status, []) if story.wish.followed else []
    return [it.job.rpartition("~")[2] for it in followers] != expected


def _misled(follower: Story, parent: Story) -> bool:
    right = {parent.job} if follower.job.endswith("~dead") else _counted(parent)
    return any(run.start.got[0] not in right for run in follower.runs)


def _miscollected(collector: Story, told: Mapping[str, Story]) -> bool:
    """Not once when all have ended; or with another end than one of them has."""
    members = [told.get(id, Story(id)) for id in collector.wish.members]
    if collector.seen != all(it.status in ENDED for it in members):
        return True
    ends = [_counted(it) if it.status == "succeeded" else {FAILED} for it in members]
    return any(
        len(run.start.got) != len(ends) or not all(got in end for got, end in zip(run.start.got, ends, strict=True))
        for run in collector.runs
    )


def _counted(story: Story) -> set[str]:
    """The runs of whoever settled its success; where no answer was heard, of whoever was about to."""
    done = {it.who for it in story.settled if it.kind == "Succeeded" and not it.answer}
    done = done or {it.who for it in story.settling if it.kind == "Succeeded"}
    return {label(run.start) for run in story.runs if isinstance(run.end, Finished) and run.start.who in done}
