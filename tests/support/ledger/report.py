"""What is told of a round: what was done to whom, and the account."""

from collections import Counter
from collections.abc import Iterable, Sequence

from account import Account, Fault, Final, Record
from ledger.run import Round
from ledger.toll import toll


def faults(records: Iterable[Record]) -> Counter[str]:
    """By kind; a job that kills its worker, a fuse and a machine that is short of time are among them."""
    return Counter(record.kind for record in records if isinstance(record, Fault))


def told(
    engine: str, seed: int, records: Sequence[Record], rows: Sequence[Final], played: Round, judged: Account
) -> str:
    """A headline, every line, and what each kind of fault has cost."""
    harm = ", ".join(f"{count} {kind}" for kind, count in faults(records).most_common())
    head = f"{engine}, seed {seed}: {harm}; {played.took:.0f} s, {played.recovery:.1f} s of it after the last fault"
    return f"{head}\n{judged.table()}\n\n{toll(engine, records, rows, judged)}"
