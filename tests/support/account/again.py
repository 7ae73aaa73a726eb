"""What ran more than once: by the fault that explains it, and what none explains."""

from collections import Counter
from collections.abc import Iterator, Sequence

from account.harm import Harm
from account.line import Line, none_of
from account.story import Run, Story


def again(told: Sequence[Story], harm: Harm) -> Iterator[Line]:
    """The lines of duplicates: runs of an attempt that had been run before."""
    by_kind: Counter[str] = Counter()
    unexplained: list[str] = []
    for story in told:
        for before, after in _repeats(story):
            if kind := _why(story, before, after, harm):
                by_kind[kind] += 1
            else:
                unexplained.append(story.job)
    yield Line("run again", by_kind.total() + len(unexplained))
    for kind, count in sorted(by_kind.items()):
        yield Line(f"run again after: {kind}", count)
    yield none_of("run again, and no fault explains it", unexplained)


def _repeats(story: Story) -> Iterator[tuple[Run, Run]]:
    last: dict[int, Run] = {}
    for run in story.runs:
        attempt = run.start.attempt
        if attempt in last:
            yield last[attempt], run
        last[attempt] = run


def _why(story: Story, before: Run, after: Run, harm: Harm) -> str:
    """What befell the older claim of the two until the newer one was made; one that wakes late may start after its successor."""
    claims = [claim for claim in story.claims if claim in (before.claim, after.claim)]
    return harm.explains(story, claims[0], claims[1].at) if len(claims) == 2 else ""
