"""The account of a run: every line of it, in the order in which it is read."""

from collections.abc import Iterable

from account.again import again
from account.asking import asking
from account.claiming import claiming
from account.deaths import deaths
from account.harm import Harm
from account.keys import keys
from account.line import Account
from account.order import order
from account.records import Final, Record
from account.sequels import sequels
from account.story import stories


def account(records: Iterable[Record], rows: Iterable[Final], *, linked: bool = True) -> Account:
    """What came of every job of a run that is over: nothing is left to do, and all that was written down is here. `linked`: the
    records say what followers were handed, and which job was in the way of a refused one."""
    written = sorted(records, key=lambda record: record.at)
    told, harm = stories(written, rows), Harm(written)
    everything = list(told.values())
    return Account(
        (
            *asking(everything),
            *claiming(everything, harm),
            *order(everything, harm),
            *(keys(told) if linked else ()),
            *(sequels(told) if linked else ()),
            *deaths(everything, harm),
            *again(everything, harm),
        )
    )
