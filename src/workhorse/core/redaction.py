"""What must not be shown: headers whose names match a pattern."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

REDACTED: Final = ("*token*", "*secret*", "*password*", "authorization", "cookie")
HIDDEN: Final = "***"


class Redaction:
    """Patterns of names, `*` and `?` as in file names, upper and lower case alike."""

    def __init__(self, patterns: Sequence[str] = REDACTED) -> None:
        self._patterns = tuple(pattern.lower() for pattern in patterns)

    def hides(self, name: str) -> bool:
        """Whether the value of this name is a secret."""
        return any(fnmatchcase(name.lower(), pattern) for pattern in self._patterns)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers as they may be shown."""
        return {name: HIDDEN if self.hides(name) else value for name, value in headers.items()}
