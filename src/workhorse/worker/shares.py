"""What a batch came to, shared out among its items: a result or an exception for each, or one end for all."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from workhorse.core.looks import is_array
from workhorse.worker.call import Plan, Terms, done
from workhorse.worker.verdict import Done, Failed, Interrupted, Later, Many, Verdict, judge


def arguments(plans: Sequence[Plan]) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """What to call the function with; of a batch the list of all items. Unfit when they do not fit the signature."""
    return plans[0].arguments() if plans[0].terms.batch is None else ([[its.item() for its in plans]], {})


def terms_of(plans: Sequence[Plan]) -> Terms:
    """Those of the one call of a batch: its task's, with a result where any of its jobs wants one."""
    first = plans[0].terms
    if len(plans) == 1 and first.batch is None:
        return first
    return msgspec.structs.replace(
        first,
        timeout=first.task.settings.timeout,
        result_ttl=max(its.terms.result_ttl for its in plans),
        sequel=next((its.terms.sequel for its in plans if its.terms.sequel is not None), None),
    )


def concluded(terms: Terms, value: Any, args: Sequence[Any]) -> Verdict:
    """The verdict on what a call returned; of a batch's, one for each of its items."""
    return done(terms, value) if terms.batch is None else _shared(terms, value, len(args[0]))


def share(verdict: Verdict, count: int) -> Sequence[Verdict]:
    """The part of each item: what ended the call ended it for all."""
    return verdict.verdicts if isinstance(verdict, Many) else [verdict] * count


def own(verdict: Verdict, why: str | None) -> Verdict:
    """What interrupted this item, where that was something else than what interrupted the others."""
    return Interrupted(why) if isinstance(verdict, Interrupted) and why is not None else verdict


def _shared(terms: Terms, value: Any, count: int) -> Verdict:
    if value is None:
        return Many((done(terms, None),) * count)
    if not is_array(value):
        verdict = done(terms, value)
        return verdict if isinstance(verdict, Failed) else _wrong(f"a {type(value).__name__}", count)
    if len(value) != count:
        return _wrong(f"{len(value)} results", count)
    return Many(tuple([_one(terms, item) for item in value]))


def _one(terms: Terms, item: Any) -> Done | Failed | Later:
    return judge(item, terms.retry) if isinstance(item, BaseException) else done(terms, item)


def _wrong(what: str, count: int) -> Failed:
    # not again: it would do the same, and whose result is whose nobody can tell
    text = f"expected nothing, or a list with a result for each of {count} items, got {what}"
    return Failed("ValueError", text, again=False)
