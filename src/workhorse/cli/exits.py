"""Exit codes, and which error ends in which."""

from typing import Final

from workhorse.core.errors import (
    BrokerUnavailable,
    DeclarationError,
    EnqueueRefused,
    JobCancelled,
    JobFailed,
    JobNotFound,
)

OK: Final = 0
ERROR: Final = 1
USAGE: Final = 2
FAILED: Final = 3
NOT_FOUND: Final = 4
NO_ANSWER: Final = 5
INTERRUPTED: Final = 130

HELP: Final = """\
\b
Exit codes:
  0  done
  1  an error; doctor: something must be fixed; migrate check: something is missing;
     migrate-jobs: a job stayed; replay: a line was bad; demo: a job was lost
  2  the command line, the app or the arguments cannot work
  3  with --wait: the job failed, or was cancelled
  4  nothing is known of this job
  5  no answer in time
  130  interrupted
"""

_CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (DeclarationError, USAGE),
    (EnqueueRefused, USAGE),
    (JobFailed, FAILED),
    (JobCancelled, FAILED),
    (JobNotFound, NOT_FOUND),
    (BrokerUnavailable, NO_ANSWER),
    (TimeoutError, NO_ANSWER),
)


def code_of(error: Exception) -> int:
    """The exit code that an error ends in."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ERROR)
