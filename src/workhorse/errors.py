"""Every error that Workhorse raises, for `except` clauses; the tree is drawn in `workhorse.core.errors`."""

from workhorse.core.errors import (
    BrokerUnavailable,
    DeclarationError,
    EngineRefused,
    EnqueueRefused,
    FetchFailed,
    GiveUp,
    JobCancelled,
    JobFailed,
    JobNotFound,
    LeaseLost,
    RetryLater,
    SagaMismatch,
    Skip,
    WorkhorseError,
)

__all__ = [
    "BrokerUnavailable",
    "DeclarationError",
    "EngineRefused",
    "EnqueueRefused",
    "FetchFailed",
    "GiveUp",
    "JobCancelled",
    "JobFailed",
    "JobNotFound",
    "LeaseLost",
    "RetryLater",
    "SagaMismatch",
    "Skip",
    "WorkhorseError",
]
