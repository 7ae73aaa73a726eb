"""What happened in one run, in order: what was done to the engine, what tasks did, what the nemesis did."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Happening:
    """`at` is by the world's clock, `wall` by the one that the engine sees."""

    at: float
    wall: float
    process: str
    word: str
    job: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        more = " ".join(f"{name}={value}" for name, value in self.more.items())
        return f"{self.at:10.4f} {self.process:<10} {self.word:<10} {self.job:<12} {more}".rstrip()


class History:
    """Tokens are renamed as they appear, so that one seed always tells the same story."""

    def __init__(self, now: Any, wall: Any) -> None:
        self._now, self._wall = now, wall
        self._happenings: list[Happening] = []
        self._tokens: dict[str, str] = {}
        self.closed = False
        """What happens later is not part of the story."""

    def __iter__(self) -> Iterator[Happening]:
        return iter(self._happenings)

    def __len__(self) -> int:
        return len(self._happenings)

    def add(self, process: str, word: str, job: str = "", wall: float | None = None, **more: Any) -> None:
        """It happens now."""
        if self.closed:
            return
        self._happenings.append(
            Happening(round(self._now(), 6), round(self._wall() if wall is None else wall, 6), process, word, job, more)
        )

    def token(self, token: str) -> str:
        """Its name in this story."""
        return self._tokens.setdefault(token, f"t{len(self._tokens) + 1}")

    def text(self) -> str:
        """A line a happening."""
        return "\n".join(map(str, self._happenings))
