"""URLs of this engine: `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `redis+sentinel://…@HOST:PORT,HOST:PORT/MASTER/DATABASE`, either with
`rediss` for TLS; and what may follow the `?`."""

import re
import ssl
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from workhorse.core.errors import DeclarationError
from workhorse.engines.keeping import Policy
from workhorse.engines.passwords import Password, password
from workhorse.engines.redis import tls
from workhorse.engines.urls import KEEPING, of_server, one_of, options, policy, seconds

TIMEOUT: Final = 10.0
"""Seconds without an answer after which a server counts as away."""

SERVER: Final = 6379
SENTINEL: Final = 26379
PREFIX: Final = "workhorse"
POLL: Final = 5.0
"""Seconds after which whoever waits for work looks by himself, though nobody woke him."""

_OPTIONS: Final = (*KEEPING, "prefix", "timeout", "password_file", "poll", "eviction", "slots", *tls.OPTIONS)
_OF_SENTINELS: Final = (*_OPTIONS, "sentinel_password")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:/+-]{1,200}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the data lives, and how to get in."""

    hosts: tuple[tuple[str, int], ...]
    """Servers, the first that answers is taken; or, where there is a `master`, sentinels that tell where it is."""

    master: str = ""
    database: int = 0
    user: str = ""
    password: Password = field(default_factory=Password)
    tls: ssl.SSLContext | None = None
    prefix: str = PREFIX
    timeout: float = TIMEOUT
    poll: float = POLL
    evicts: bool = False
    """Jobs may be evicted: somebody said so."""

    spread: bool = False
    """Each queue in a slot of its own."""

    policy: Policy = field(default_factory=Policy)
    sentinel_password: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """As errors may show it."""
        scheme, hosts = "rediss" if self.tls else "redis", ",".join(_at(*each) for each in self.hosts)
        if self.master:
            return f"{scheme}+sentinel://{hosts}/{self.master}/{self.database}"
        return f"{scheme}://{hosts}/{self.database}"

    @property
    def base(self) -> str:
        """What the name of each key begins with; the braces keep all of them in one slot of a cluster."""
        return f"{{{self.prefix}}}:"


def place(url: str) -> Place:
    """The server that the URL names; DeclarationError says what is wrong with it."""
    parts, shown = of_server(url)
    watched = parts.scheme.endswith("+sentinel")
    found = options(url, shown, _OF_SENTINELS if watched else _OPTIONS)
    master, _, path = parts.path.strip("/").partition("/") if watched else ("", "", parts.path.strip("/"))
    if watched and not master:
        raise DeclarationError(f"{shown}: expected redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DATABASE")
    return Place(
        hosts=_hosts(parts, shown, SENTINEL if watched else SERVER),
        master=unquote(master),
        database=_database(path + parts.fragment, shown),
        user=unquote(parts.username or ""),
        password=password(parts, shown, found),
        tls=tls.context(shown, parts.scheme.startswith("rediss"), found),
        prefix=_prefix(shown, found.get("prefix", PREFIX)),
        timeout=_span(shown, "timeout", found, TIMEOUT),
        poll=_span(shown, "poll", found, POLL),
        evicts=one_of(shown, "eviction", found.get("eviction", "refuse"), ("refuse", "accept")) == "accept",
        spread=one_of(shown, "slots", found.get("slots", "app"), ("app", "queue")) == "queue",
        policy=policy(shown, found),
        sentinel_password=found.get("sentinel_password", ""),
    )


def _hosts(parts: SplitResult, shown: str, port: int) -> tuple[tuple[str, int], ...]:
    each = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
    if len(each) > 1 and not all(host.hostname for host in each):
        raise DeclarationError(f"{shown}: expected HOST:PORT,HOST:PORT, got an empty one")
    return tuple((host.hostname or "127.0.0.1", _port(host, shown, port)) for host in each)


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _port(parts: SplitResult, shown: str, usual: int) -> int:
    try:
        return parts.port or usual
    except ValueError:
        raise DeclarationError(f"{shown}: expected a port of 1 to 65535") from None


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
