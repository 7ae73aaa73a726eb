"""`unique=`: one job a key, for how long, and what becomes of a second one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast, final, get_args

from workhorse.core.contract import Unique as Held
from workhorse.core.durations import Duration, seconds
from workhorse.core.errors import DeclarationError

While = Literal["queued", "running", "finished"]
Conflict = Literal["skip", "replace", "raise"]

UNTIL: Final[dict[While, Literal["claimed", "settled", "kept"]]] = {
    "queued": "claimed",
    "running": "settled",
    "finished": "kept",
}
"""What ends it, in the contract's words."""

SHORTEST: Final = 0.001


@final
@dataclass(frozen=True, kw_only=True)
class Unique:
    """One job of a task for each key: of the named parameters, or of all of them (None).

    `while_`: as long as one is queued (until a worker claims it), running (until it ends), or finished (until it is no
    longer kept); and for no less than `within` (seconds or a timedelta) from its acceptance. `on_conflict`: what becomes
    of a second one: "skip" gives the handle of the job that is there, "replace" gives a waiting one the new arguments and
    times, too; "raise" is an EnqueueRefused. DeclarationError for anything else.
    """

    by: tuple[str, ...] | None = None
    within: Duration | None = None
    while_: While = "running"
    on_conflict: Conflict = "skip"

    def __post_init__(self) -> None:
        if self.by is not None:
            object.__setattr__(self, "by", _names(self.by))
        if self.within is not None:
            object.__setattr__(self, "within", seconds(self.within, "Unique: within", least=SHORTEST))
        _one_of(get_args(While), self.while_, "while_")
        _one_of(get_args(Conflict), self.on_conflict, "on_conflict")

    def held(self, key: str) -> Held:
        """The same for the engine, under this key."""
        conflict: Literal["keep", "replace"] = "replace" if self.on_conflict == "replace" else "keep"
        return Held(key, UNTIL[self.while_], cast(float | None, self.within), conflict)


def _names(value: object) -> tuple[str, ...]:
    given = cast(Sequence[object], value) if isinstance(value, tuple | list) else None
    if given is None or not all(isinstance(name, str) for name in given):
        hint = f"; write by=({value!r},)" if isinstance(value, str) else ""
        raise DeclarationError(f"Unique: by: expected a tuple of parameters' names, got {value!r}{hint}")
    return cast(tuple[str, ...], tuple(given))


def _one_of(known: tuple[str, ...], value: object, what: str) -> None:
    if value not in known:
        raise DeclarationError(f"Unique: {what}: expected {', '.join(map(repr, known))}, got {value!r}")
