"""URLs of PostgreSQL: where the server is, which schema is ours, and how to speak to it."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from workhorse.core.errors import DeclarationError
from workhorse.engines.keeping import Policy
from workhorse.engines.passwords import Password, password
from workhorse.engines.urls import KEEPING, of_server, one_of, options, policy, seconds

SCHEMA: Final = "workhorse"
_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d{0,5})?")
_MOST: Final = 100
"""Connections of one engine."""

DRIVER: Final = (
    "sslmode", "sslnegotiation", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "ssl_min_protocol_version",
    "ssl_max_protocol_version", "passfile", "service", "servicefile", "target_session_attrs", "host", "port", "user",
    "dbname", "database", "krbsrvname", "gsslib",
)  # fmt: skip
"""Options that are the driver's, as libpq names them."""

OURS: Final = (
    "prefix", "connections", "timeout", "pgbouncer", "notify", "listen", "poll", "migrate", "password_file",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Which server and schema, and how to speak to it."""

    dsn: str
    name: str
    """The place as errors may show it: without the password."""

    policy: Policy
    schema: str = SCHEMA
    connections: int = 4
    """At most so many at once, opened when they are needed."""

    timeout: float = 10.0
    """Seconds that a verb waits for its answer, or for a connection."""

    pgbouncer: bool = False
    """A pooler in transaction mode is between: no prepared statements, no session settings, no LISTEN."""

    notify: bool = True
    """Tell sleeping workers of new work, instead of leaving it to their next look."""

    listen: bool = True
    """Be told of new work, by a connection that listens. Not through a pooler in transaction mode."""

    poll: float = 5.0
    """Seconds between looks for what no notification told of; at most 1 while nothing is listened to."""

    migrate: bool = True
    """Create or bring forward the schema when the engine is opened."""

    password: Password = field(default_factory=Password)


def place(url: str) -> Place:
    """What the URL names; DeclarationError says what is wrong with it."""
    parts, name = of_server(url)
    _refuse_hosts(name, parts.netloc.rpartition("@")[2])
    found = options(url, name, (*OURS, *KEEPING, *DRIVER))
    pgbouncer = _switch(name, "pgbouncer", found.get("pgbouncer", "off"))
    return Place(
        dsn=_dsn(url),
        name=name,
        policy=policy(name, found),
        schema=_schema(name, found.get("prefix", SCHEMA)),
        connections=_count(name, found.get("connections", "4")),
        timeout=_patience(name, "timeout", found.get("timeout", "10")),
        pgbouncer=pgbouncer,
        notify=_switch(name, "notify", found.get("notify", "on")),
        listen=_switch(name, "listen", found.get("listen", "on")) and not pgbouncer,
        poll=_patience(name, "poll", found.get("poll", "5")),
        migrate=_switch(name, "migrate", found.get("migrate", "on")),
        password=password(parts, name, found),
    )


def _refuse_hosts(name: str, hosts: str) -> None:
    for host in hosts.split(","):
        if not (parts := _HOST.fullmatch(host)) or int((parts[2] or "")[1:] or 0) > 65_535:
            raise DeclarationError(
                f"{name}: expected HOST:PORT with a port of 1 to 65535, or several with commas between"
            )


def _dsn(url: str) -> str:
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name in DRIVER]
    return urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(kept), ""))


def _schema(name: str, text: str) -> str:
    if not _SCHEMA.fullmatch(text) or text.startswith("pg_"):
        raise DeclarationError(
            f"{name}: prefix: expected the name of a schema, a to z, 0 to 9 and _, not beginning with a digit or pg_, got {text!r}"
        )
    return text


def _count(name: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise DeclarationError(f"{name}: connections: expected 1 to {_MOST}, got {text!r}")
    return int(text)


def _patience(name: str, option: str, text: str) -> float:
    if (value := seconds(name, option, text)) <= 0:
        raise DeclarationError(f"{name}: {option}: expected more than 0 seconds, got {text!r}")
    return value


def _switch(name: str, option: str, text: str) -> bool:
    return one_of(name, option, text, ("on", "off")) == "on"
