"""Unique keys: none is held by a job that has ended."""

from collections.abc import Iterator, Mapping

from account.line import Line, none_of
from account.records import Refused
from account.story import ENDINGS, Story


def keys(told: Mapping[str, Story]) -> Iterator[Line]:
    """The line of keys; who asks for each of them at the end of a run makes it a hard one."""
    refused = [(story, refusal) for story in told.values() for refusal in story.refusals]
    yield none_of("refused for a job that had ended", (story.job for story, why in refused if _ended(story, why, told)))


def _ended(story: Story, refusal: Refused, told: Mapping[str, Story]) -> bool:
    """The job that is said to hold the key was known to have ended before this one was asked for."""
    asked = max(at for at in story.asked if at <= refusal.at)
    holder = told.get(refusal.of)
    if holder is None or not holder.asked:
        return True
    return any(it.at < asked for it in holder.settled if it.kind in ENDINGS and not it.answer)
