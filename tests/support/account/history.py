"""What is on record of the jobs that a broken line names, and of what may explain it: for who reads of a run that is gone."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from account.harm import Harm
from account.line import NAMED, Account
from account.records import Final, Record, Wish
from account.story import Story, stories

SAID = ("at", "is", "who", "job", "wish", "since")
"""Fields that stand at the head of a line, or are the job's."""


def histories(records: Iterable[Record], rows: Iterable[Final], judged: Account) -> str:
    """Of each job that the table names as an offender: its own records and row, the faults of its holders and of all, and the
    claims that nobody heard the answer of while it lived; a line each, in seconds since the first record of all."""
    written = sorted(records, key=lambda record: record.at)
    told, harm = stories(written, rows), Harm(written)
    jobs = dict.fromkeys(job for line in judged.broken for job in line.jobs[:NAMED])
    began = written[0].at if written else 0
    return "\n".join(_history(told[job], written, harm, began) for job in jobs if job in told)


def _history(story: Story, written: Sequence[Record], harm: Harm, began: float) -> str:
    own = [record for record in written if getattr(record, "job", "") == story.job]
    since, until = (own[0].at, own[-1].at) if own else (math.inf, -math.inf)
    around = [*_faults({record.who for record in own}, harm, since, until), *_unheard(harm, since, until)]
    lines = sorted([*((record.at, _shown(record, began)) for record in own), *around])
    row = [] if story.row is None else [f"in the end {_facts(story.row)}"]
    shown = [f"{story.job}: {_facts(story.wish)}", *(f"{at - began:9.3f} {text}" for at, text in lines), *row]
    return "\n  ".join(shown)


def _faults(holders: set[str], harm: Harm, since: float, until: float) -> Iterator[tuple[float, str]]:
    for fault in harm.during(since, until):
        if fault.victim in holders or fault.victim == "*":
            yield fault.begins, f"{fault.victim} suffers {fault.kind}, for {fault.ends - fault.begins:.3f} s at most"


def _unheard(harm: Harm, since: float, until: float) -> Iterator[tuple[float, str]]:
    for who, begun, over in harm.unheard_claims(since, until):
        yield begun, f"{who} claims, and nobody hears the answer, for {over - begun:.3f} s at most"


def _shown(record: Record, began: float) -> str:
    since = getattr(record, "since", None)
    begun = "" if since is None else f" from {since - began:.3f}"
    return f"{record.who} {type(record).__name__}{begun} {_facts(record)}".rstrip()


def _facts(of: Record | Final | Wish) -> str:
    facts: dict[str, Any] = msgspec.to_builtins(of)
    return " ".join(f"{name}={value}" for name, value in facts.items() if name not in SAID and value not in ("", ()))
