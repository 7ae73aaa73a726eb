"""URLs of this engine: `sqlite:///relative.db`, `sqlite:////absolute.db`, `memory://NAME`, and what may follow the `?`."""

import os
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from workhorse.core.durations import LONGEST
from workhorse.core.errors import DeclarationError
from workhorse.core.names import did_you_mean
from workhorse.engines.sql.homes import BUSY, FileHome
from workhorse.engines.sql.tx import FOREVER, Policy, micros

RETAIN: Final = 3600.0
_KEEPING: Final = ("retain", "dead_retain")
_OF_FILES: Final = (*_KEEPING, "synchronous", "busy")


def file_home(url: str) -> FileHome:
    """The file that the URL names; DeclarationError says what is wrong with it."""
    options = _options(url, _OF_FILES)
    synchronous = options.pop("synchronous", "full")
    if synchronous not in ("full", "normal"):
        raise DeclarationError(f"{url}: synchronous: expected full or normal, got {synchronous!r}")
    busy = _seconds(url, "busy", options.pop("busy", str(BUSY)))
    return FileHome(_path(url), _policy(url, options), synchronous, busy)


def memory_name(url: str) -> tuple[str, Policy | None]:
    """The name, empty where there is none, and how long ended jobs are kept, if it says so."""
    parts = urlsplit(url)
    options = _options(url, _KEEPING)
    return parts.netloc + parts.path.rstrip("/"), _policy(url, options) if options else None


def _path(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc or not parts.path.startswith("/") or parts.path == "/" or parts.fragment:
        raise DeclarationError(
            f"{url}: expected sqlite:///file.db (in the current folder) or sqlite:////folder/file.db (absolute)"
        )
    path = unquote(parts.path[1:])
    if path == ":memory:":
        raise DeclarationError(f"{url}: expected a file; for a store in memory say memory://")
    return os.path.abspath(path)


def _options(url: str, known: tuple[str, ...]) -> dict[str, str]:
    options = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    for name in options:
        if name not in known:
            raise DeclarationError(
                f"{url}: expected options of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}"
            )
    return options


def _policy(url: str, options: dict[str, str]) -> Policy:
    retain = _seconds(url, "retain", options.get("retain", str(RETAIN)))
    dead = options.get("dead_retain")
    return Policy(micros(retain), FOREVER if dead is None else micros(_seconds(url, "dead_retain", dead)))


def _seconds(url: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST:
        raise DeclarationError(f"{url}: {name}: expected seconds, got {text!r}")
    return value
