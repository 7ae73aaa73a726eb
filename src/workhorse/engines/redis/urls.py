"""URLs of this engine: `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `redis+sentinel://…@HOST:PORT,HOST:PORT/MASTER/DATABASE`, either with
`rediss` for TLS; and what may follow the `?`."""

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from workhorse.core.errors import DeclarationError, EngineRefused
from workhorse.engines.keeping import Policy
from workhorse.engines.redis import tls
from workhorse.engines.urls import KEEPING, one_of, options, policy, seconds

TIMEOUT: Final = 10.0
"""Seconds without an answer after which a server counts as away."""

SENTINEL: Final = 26379
PREFIX: Final = "workhorse"
POLL: Final = 5.0
"""Seconds after which whoever waits for work looks by himself, though nobody woke him."""

_OPTIONS: Final = (*KEEPING, "prefix", "timeout", "password_file", "poll", "eviction", *tls.OPTIONS)
_OF_SENTINELS: Final = (*_OPTIONS, "sentinel_password")
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
    poll: float = POLL
    evicts: bool = False
    """Jobs may be evicted: somebody said so."""

    policy: Policy = field(default_factory=Policy)
    sentinels: tuple[tuple[str, int], ...] = ()
    """Who tells where the master is; then `host` and `port` say nothing."""

    master: str = ""
    sentinel_password: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """As errors may show it."""
        scheme = "rediss" if self.tls else "redis"
        if self.sentinels:
            return (
                f"{scheme}+sentinel://{','.join(_at(*each) for each in self.sentinels)}/{self.master}/{self.database}"
            )
        return f"{scheme}://{_at(self.host, self.port)}/{self.database}"

    @property
    def base(self) -> str:
        """What the name of each key begins with; the braces keep all of them in one slot of a cluster."""
        return f"{{{self.prefix}}}:"


def place(url: str) -> Place:
    """The server that the URL names; DeclarationError says what is wrong with it."""
    parts = urlsplit(url)
    shown, watched = _shown(parts), parts.scheme.endswith("+sentinel")
    found = options(url, shown, _OF_SENTINELS if watched else _OPTIONS)
    sentinels, master = _watched(parts, shown) if watched else ((), "")
    path = parts.path.strip("/").partition("/")[2] if watched else parts.path.strip("/")
    return Place(
        host="" if watched else parts.hostname or "127.0.0.1",
        port=0 if watched else _port(parts, shown),
        database=_database(path + parts.fragment, shown),
        user=unquote(parts.username or ""),
        password=_password(parts, shown, found),
        tls=tls.context(shown, parts.scheme.startswith("rediss"), found),
        prefix=_prefix(shown, found.get("prefix", PREFIX)),
        timeout=_span(shown, "timeout", found, TIMEOUT),
        poll=_span(shown, "poll", found, POLL),
        evicts=one_of(shown, "eviction", found.get("eviction", "refuse"), ("refuse", "accept")) == "accept",
        policy=policy(shown, found),
        sentinels=sentinels,
        master=master,
        sentinel_password=found.get("sentinel_password", ""),
    )


def _watched(parts: SplitResult, shown: str) -> tuple[tuple[tuple[str, int], ...], str]:
    """The sentinels and the master that they watch."""
    hosts, name = parts.netloc.rpartition("@")[2], parts.path.strip("/").partition("/")[0]
    each = [urlsplit(f"//{host}") for host in hosts.split(",")]
    if not name or not all(host.hostname for host in each):
        raise DeclarationError(f"{shown}: expected redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DATABASE")
    return tuple((host.hostname or "", _port(host, shown, SENTINEL)) for host in each), unquote(name)


def _shown(parts: SplitResult) -> str:
    """The URL without what may be secret."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _port(parts: SplitResult, shown: str, usual: int = 6379) -> int:
    try:
        return parts.port or usual
    except ValueError as error:
        raise DeclarationError(f"{shown}: expected a port of 1 to 65535 ({error})") from None


def _database(text: str, shown: str) -> int:
    if text and not (text.isascii() and text.isdecimal()):
        raise DeclarationError(f"{shown}: expected the number of a database after the last slash, redis://HOST:PORT/0")
    return int(text or 0)


def _prefix(shown: str, text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise DeclarationError(
            f"{shown}: prefix: expected 1 to 200 of the characters A-Z a-z 0-9 _ . : / + -, got {text!r}"
        )
    return text


def _span(shown: str, name: str, found: dict[str, str], usual: float) -> float:
    if not (value := seconds(shown, name, text := found.get(name, str(usual)))):
        raise DeclarationError(f"{shown}: {name}: expected more than 0 seconds, got {text!r}")
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
