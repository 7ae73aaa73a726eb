"""URLs of this engine: `sqlite:///relative.db`, `sqlite:////absolute.db`, `memory://NAME`, and what may follow the `?`."""

import os
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from workhorse.core.errors import DeclarationError
from workhorse.engines.keeping import Policy
from workhorse.engines.sqlite.homes import BUSY, FileHome
from workhorse.engines.urls import KEEPING, one_of, options, policy, seconds

_OF_FILES: Final = (*KEEPING, "synchronous", "busy")


def file_home(url: str) -> FileHome:
    """The file that the URL names; DeclarationError says what is wrong with it."""
    found = _options(url, _OF_FILES, "a file of its own, sqlite:///other.db")
    synchronous = one_of(url, "synchronous", found.get("synchronous", "full"), ("full", "normal"))
    busy = seconds(url, "busy", found.get("busy", str(BUSY)))
    return FileHome(_path(url), policy(url, found), synchronous, busy)


def memory_name(url: str) -> tuple[str, Policy | None]:
    """The name, empty where there is none, and how long ended jobs are kept, if it says so."""
    parts = urlsplit(url)
    found = _options(url, KEEPING, "a name of its own, memory://other")
    return parts.netloc + parts.path.rstrip("/"), policy(url, found) if found else None


def _options(url: str, known: Sequence[str], instead: str) -> dict[str, str]:
    """Without `prefix`, which servers have: here it would be a second way to say what the place says already."""
    if re.search(r"[?&]prefix=", url):
        raise DeclarationError(f"{url}: prefix: two installations never share this place; give each {instead}")
    return options(url, url, known)


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
