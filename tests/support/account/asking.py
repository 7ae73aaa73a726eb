"""What was asked for, what was answered, and whether it was done: nothing is lost, and nothing runs that nobody wanted."""

from collections.abc import Iterator, Sequence

from account.line import Line, none_of
from account.records import Finished
from account.story import ENDED, Story


def asking(told: Sequence[Story]) -> Iterator[Line]:
    """The lines of askers."""
    asked = [story for story in told if story.asked]
    accepted = [story for story in told if story.accepted]
    yield Line("asked", len(asked))
    yield Line("accepted", len(accepted))
    yield Line("refused", sum(story.refused and not story.accepted for story in asked))
    yield Line("recovered: asked, never answered, yet ran", sum(_recovered(story) for story in asked))
    yield none_of("lost", (story.job for story in accepted if lost(story)))
    yield none_of(
        "unexpected: ran, never asked for", (it.job for it in told if (it.runs or it.claims) and not it.asked)
    )
    yield none_of("ran after a definite refusal", (it.job for it in told if it.refused and not it.accepted and it.runs))
    yield none_of("not ended after the drain", (it.job for it in told if _open(it)))
    yield none_of("succeeded without a finished run", (it.job for it in told if _undeserved(it)))


def _recovered(story: Story) -> bool:
    return bool(story.runs) and not story.accepted and not story.refused


def lost(story: Story) -> bool:
    """Accepted, and neither executed to its end, nor dead, nor cancelled."""
    return not story.finished and story.status not in ("dead", "cancelled")


def _open(story: Story) -> bool:
    return story.status not in ENDED if story.row is not None else bool(story.accepted)


def _undeserved(story: Story) -> bool:
    if story.status == "succeeded" and not story.finished:
        return True
    return any(settle.kind == "Succeeded" and not _ended_by(story, settle.who, settle.at) for settle in story.settling)


def _ended_by(story: Story, who: str, at: float) -> bool:
    return any(isinstance(run.end, Finished) and run.end.who == who and run.end.at <= at for run in story.runs)
