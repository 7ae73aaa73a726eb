"""What may be chosen at each step: queues, lanes, unique keys, durations."""

from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from workhorse.engine import Cancelled, Claim, Dead, Lane, Outcome, Released, Retried, Succeeded, Unique

QUEUES: Final = ("mail", "news")
LEASE: Final = 30.5
# Durations end in a half and time passes in whole seconds: nothing is due, or over, at the very moment that is looked at.
LATER: Final = (0.0, 0.0, 5.5, 40.5)
LANES: Final = (
    Lane("mail/one"),
    Lane("mail/two", width=2),
    Lane("mail/line", ordered=True),
    Lane("news/lines", width=2, ordered=True),
    Lane("news/rate", width=None, every=2.5, burst=2),
    Lane("mail/spaced", width=2, every=2.5),
)
KEYS: Final = ("fact/a", "fact/b", "fact/b/c")
EXPECTED: Final = ("any", "absent", "known", "old")

picks = st.integers(0, 99)
later = st.sampled_from(LATER)
priorities = st.integers(1, 3)
queues = st.sampled_from(QUEUES)
lanes = st.sampled_from(LANES)
perhaps_lanes = st.sampled_from((None, *LANES))
keys = st.sampled_from(KEYS)
expected = st.sampled_from(EXPECTED)
outcomes: st.SearchStrategy[type[Outcome]] = st.sampled_from(
    (Succeeded, Succeeded, Cancelled, Dead, Retried, Retried, Released)
)
uniques = st.builds(
    Unique,
    key=st.sampled_from(("report", "digest")),
    until=st.sampled_from(("claimed", "settled", "kept")),
    within=st.sampled_from((None, None, 20.5)),
    conflict=st.sampled_from(("keep", "replace")),
)


def queue_of(lane: Lane | None) -> str:
    """A lane's key begins with its queue."""
    return lane.key.partition("/")[0] if lane else "mail"


def outcome(kind: type[Outcome], claim: Claim, after: float, **fields: Any) -> Outcome:
    """An outcome of this kind, with the fields that it has."""
    made = kind(claim, **fields)
    if isinstance(made, Retried | Released):
        return msgspec.structs.replace(made, after=after)
    return msgspec.structs.replace(made, reason="it failed") if isinstance(made, Dead) else made
