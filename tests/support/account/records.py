"""What is written down while a run lasts: one record an event, by the process that saw it.

`at` is of a clock that no jump of the wall clock touches, the same for all processes. `who` is one life of a process: a worker
that is started again is another. Of a call there are two moments: `since`, before it was made, and `at`, when its answer came;
whatever it did happened between them. Records of one moment count in the order in which they are given.
"""

from typing import Final as Constant
from typing import TypeAlias

import msgspec

ALWAYS: Constant = -1
"""`Wish.fails`: at each attempt."""


class Wish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the asker wants, and what the job will do: the judge's measure."""

    kind: str = "plain"
    fails: int = 0  # at so many attempts, before it succeeds; or ALWAYS
    retries: int = 3
    max_crashes: int = 3
    poison: bool = False  # it kills whoever runs it
    delay: float = 0
    lane: str = ""
    width: int = 1
    ordered: bool = False
    rate: str = ""  # of its lane: "20/s"
    unique: str = ""  # until it is settled
    followed: bool = False  # by one job when it succeeds, by another when it dies
    members: tuple[str, ...] = ()  # of the group whose ends it collects


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", omit_defaults=True):
    at: float
    who: str


class _Of(_Record, frozen=True, kw_only=True):
    job: str


class Asked(_Of, frozen=True, kw_only=True):
    """Before a publish. The same id may be asked for again, when no answer came."""

    wish: Wish = Wish()


class Accepted(_Of, frozen=True, kw_only=True):
    """The publish said so."""


class Refused(_Of, frozen=True, kw_only=True):
    """The publish said no, or that another of its unique key stands: `of`."""

    of: str = ""


class CancelAsked(_Of, frozen=True, kw_only=True):
    """Before a cancel."""


class CancelAcknowledged(_Of, frozen=True, kw_only=True):
    """The cancel was taken: the job had not ended."""


class Claiming(_Record, frozen=True, kw_only=True):
    """Before a claim; without its ClaimOver, what it brought is known to nobody."""


class ClaimOver(_Record, frozen=True, kw_only=True):
    """The claim that began at `since` was answered: its Claimed are written; or it failed, and nobody knows what it did."""

    since: float
    failed: bool = False


class Claimed(_Of, frozen=True, kw_only=True):
    """One job of a claim's answer."""

    since: float
    token: str
    lease: float
    attempt: int = 1
    crashes: int = 0


class Extended(_Of, frozen=True, kw_only=True):
    """One answer of an extension: kept, lost or cancel."""

    since: float
    token: str
    lease: float
    answer: str = "kept"


class Settling(_Of, frozen=True, kw_only=True):
    """Before a settle. `kind`: Succeeded, Cancelled, Dead, Retried or Released. `follows`: the jobs that it publishes."""

    token: str
    kind: str
    follows: tuple[str, ...] = ()


class Settled(_Of, frozen=True, kw_only=True):
    """Its answer: empty when it was done, else why not."""

    since: float
    token: str
    kind: str
    answer: str = ""
    follows: tuple[str, ...] = ()


class _Run(_Of, frozen=True, kw_only=True):
    run: str = ""  # tells two runs of one job in one process apart


class Started(_Run, frozen=True, kw_only=True):
    """The task's own code begins. `got`: what it was handed by the jobs that it follows."""

    attempt: int = 1
    got: tuple[str, ...] = ()


class Finished(_Run, frozen=True, kw_only=True):
    """It went well to its end."""


class Failed(_Run, frozen=True, kw_only=True):
    """It is about to raise."""

    error: str = ""


class Cut(_Run, frozen=True, kw_only=True):
    """It was interrupted: cancelled, or handed back."""


class Fault(_Record, frozen=True, kw_only=True):
    """What was done to `victim`, a process or `*` for all of them, from `begins` to `ends`.

    The judge knows some kinds: `poison` (a job killed its worker), `kill`, `term` (told to stop: only what it handed back may
    run again), `jump` (of the engine's clock). All others explain what happened to whoever held a job meanwhile.
    """

    kind: str
    victim: str
    begins: float
    ends: float


class Final(msgspec.Struct, frozen=True, kw_only=True):
    """A job as the engine shows it when nothing is left to do."""

    job: str
    status: str
    attempt: int = 1
    crashes: int = 0
    reason: str = ""
    errors: tuple[str, ...] = ()  # messages of the failed attempts that it keeps


Record: TypeAlias = (
    Asked
    | Accepted
    | Refused
    | CancelAsked
    | CancelAcknowledged
    | Claiming
    | ClaimOver
    | Claimed
    | Extended
    | Settling
    | Settled
    | Started
    | Finished
    | Failed
    | Cut
    | Fault
)
