"""What can follow a job's end: any task whose first parameter takes what the end hands on."""

from typing import Any, Final, ParamSpec, Protocol, TypeVar, final

from workhorse.core.job import Job

Q = ParamSpec("Q")
R_contra = TypeVar("R_contra", contravariant=True)
S_co = TypeVar("S_co", covariant=True)


class FollowUp(Protocol[R_contra, Q, S_co]):
    """Any task whose first parameter accepts the result, and whose others are `Q`; it returns `S_co` itself."""

    def job(self, result: R_contra, /, *args: Q.args, **kwargs: Q.kwargs) -> Job[S_co]:
        """A job of it."""
        ...


@final
class Result:
    """Stands for what is not there yet: the first argument of a follow-up, until the job before it has ended."""

    def __repr__(self) -> str:
        return "<its result>"


RESULT: Final[Any] = Result()
