"""What is told of a round: what was done to whom, and the account."""

from collections import Counter
from collections.abc import Iterable

from account import Account, Fault, Record
from ledger.run import Round


def faults(records: Iterable[Record]) -> Counter[str]:
    """By kind; a job that kills its worker, a fuse and a machine that is short of time are among them."""
    return Counter(record.kind for record in records if isinstance(record, Fault))


def told(seed: int, struck: Counter[str], played: Round, judged: Account) -> str:
    """A headline, and every line."""
    harm = ", ".join(f"{count} {kind}" for kind, count in struck.most_common())
    head = f"seed {seed}: {harm}; {played.took:.0f} s, {played.recovery:.1f} s of it after the last fault"
    return f"{head}\n{judged.table()}"
