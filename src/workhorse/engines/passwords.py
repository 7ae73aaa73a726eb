"""Passwords: one stands in a server's URL, or in a file that the URL names, which is read at each connect since it may change."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote

from workhorse.core.errors import BrokerUnavailable, DeclarationError, EngineRefused, WorkhorseError


class NotLetIn(EngineRefused):
    """The server refused the user or the password, or there is none to tell it."""


@dataclass(frozen=True, slots=True)
class Password:
    """What a server is told at each connect."""

    text: str = field(default="", repr=False)
    path: str = ""
    """A file to read it from, in place of the text."""

    shown: str = ""
    """The URL as errors may show it."""

    def read(self) -> str:
        """As it is now; an empty one: none is needed. NotLetIn: its file cannot be read."""
        if not self.path:
            return self.text
        try:
            return Path(self.path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise NotLetIn(
                f"{self.shown}: expected a password in {self.path}, and could not read it ({error})"
            ) from error

    def changing(self, refusal: NotLetIn) -> WorkhorseError:
        """What it means that a server refuses us which had let us in: that its password has changed, and the file has not yet."""
        return BrokerUnavailable(f"{refusal} Its file is read again at the next try.") if self.path else refusal


def password(parts: SplitResult, shown: str, options: dict[str, str]) -> Password:
    """The one that the URL has, or names by `password_file`; DeclarationError where it does both."""
    path = options.get("password_file", "")
    if path and parts.password:
        raise DeclarationError(f"{shown}: expected a password in the URL or a password_file, got both")
    return Password(unquote(parts.password or ""), path, shown)
