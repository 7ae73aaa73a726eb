"""What an engine promises that does everything by itself."""

from workhorse.core.contract import Features
from workhorse.engines import intake
from workhorse.engines.keeping import SECOND, Policy


def everything(policy: Policy, *, statements: bool = True) -> Features:
    """All that the contract knows; without `statements` where there is no transaction of the caller's to join."""
    return Features(
        transactions=True,
        remembers=policy.retain / SECOND,
        lanes=True,
        unique=True,
        priorities=intake.PRIORITIES,
        max_delay=float("inf"),
        max_size=intake.MAX_SIZE,
        fenced=True,
        counts_crashes=True,
        inspectable=True,
        statements=statements,
    )
