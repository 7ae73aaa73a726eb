"""URLs of this engine: `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `rediss://` for TLS, and what may follow the `?`."""

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from workhorse.core.errors import DeclarationError, EngineRefused
from workhorse.engines.keeping import Policy
from workhorse.engines.urls import KEEPING, options, policy, seconds

TIMEOUT: Final = 10.0
"""Seconds without an answer after which a server counts as away."""

PREFIX: Final = "workhorse"
_OPTIONS: Final = (*KEEPING, "prefix", "timeout", "password_file")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:/+-]{1,200}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the data lives, and how to get in."""

    host: str
    port: int = 6379
    database: int = 0
    user: str = ""
    password: Callable[[], str] = field(default=str, repr=False)
    """Asked at each connect, so that it may change; an empty one: none is needed."""

    tls: ssl.SSLContext | None = None
    prefix: str = PREFIX
    timeout: float = TIMEOUT
    policy: Policy = field(default_factory=Policy)

    @property
    def name(self) -> str:
        """As errors may show it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}/{self.database}"

    @property
    def base(self) -> str:
        """What the name of each key begins with; the braces keep all of them in one slot of a cluster."""
        return f"{{{self.prefix}}}:"


def place(url: str) -> Place:
    """The server that the URL names; DeclarationError says what is wrong with it."""
    parts = urlsplit(url)
    shown = _shown(parts)
    port = _port(parts, shown)
    found = options(url, shown, _OPTIONS)
    return Place(
        host=parts.hostname or "127.0.0.1",
        port=port,
        database=_database(parts, shown),
        user=unquote(parts.username or ""),
        password=_password(parts, shown, found),
        tls=ssl.create_default_context() if parts.scheme == "rediss" else None,
        prefix=_prefix(shown, found.get("prefix", PREFIX)),
        timeout=_timeout(shown, found.get("timeout", str(TIMEOUT))),
        policy=policy(shown, found),
    )


def _shown(parts: SplitResult) -> str:
    """The URL without what may be secret."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _port(parts: SplitResult, shown: str) -> int:
    try:
        return parts.port or 6379
    except ValueError as error:
        raise DeclarationError(f"{shown}: expected a port of 1 to 65535 ({error})") from None


def _database(parts: SplitResult, shown: str) -> int:
    text = parts.path.strip("/")
    if (text and not (text.isascii() and text.isdecimal())) or parts.fragment:
        raise DeclarationError(f"{shown}: expected the number of a database after the slash, redis://HOST:PORT/0")
    return int(text or 0)


def _prefix(shown: str, text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise DeclarationError(
            f"{shown}: prefix: expected 1 to 200 of the characters A-Z a-z 0-9 _ . : / + -, got {text!r}"
        )
    return text


def _timeout(shown: str, text: str) -> float:
    if not (value := seconds(shown, "timeout", text)):
        raise DeclarationError(f"{shown}: timeout: expected more than 0 seconds, got {text!r}")
    return value


def _password(parts: SplitResult, shown: str, found: dict[str, str]) -> Callable[[], str]:
    if (path := found.get("password_file")) is None:
        password = unquote(parts.password or "")
        return lambda: password
    if parts.password:
        raise DeclarationError(f"{shown}: expected a password in the URL or a password_file, got both")
    return lambda: _read(path, shown)


def _read(path: str, shown: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise EngineRefused(f"{shown}: expected a password in {path}, and could not read it ({error})") from error
