"""The app's URL: where it comes from, what is added to it, and how it is shown."""

import os
import re
import uuid
from urllib.parse import quote

from workhorse.core.durations import Duration, seconds
from workhorse.core.errors import DeclarationError
from workhorse.engines import open_engine
from workhorse.engines.urls import shown as shown

DEFAULT = "sqlite:///workhorse.db"

NONE = "none"
"""What `store=` says instead of a URL to keep no facts at all."""


def completed(url: str | None, retain: Duration, dead_retain: Duration | None) -> str:
    """With what the engine must know of the app: how long it keeps jobs that have ended. An app in memory gets a store of
    its own, unless its URL names one."""
    url = _named(os.environ.get("WORKHORSE_URL") or DEFAULT if url is None else url, "url")
    settings = {"retain": seconds(retain, "retain")}
    if dead_retain is not None:
        settings["dead_retain"] = seconds(dead_retain, "dead_retain")
    for name, value in settings.items():
        if not re.search(rf"[?&]{name}=", url):
            url += f"{'&' if '?' in url else '?'}{name}={quote(f'{value:g}')}"
    return url


def store(url: str | None) -> str | None:
    """The URL of the other store, `none` for none at all, None for the engine's own."""
    return url if url is None or url == NONE else _named(url, "store")


def check(url: str) -> None:
    """DeclarationError for a URL that no engine takes, told without its secrets."""
    try:
        open_engine(url)  # built and dropped
    except DeclarationError as error:
        raise DeclarationError(str(error).replace(url, shown(url))) from None


def _named(url: str, what: str) -> str:
    if not isinstance(url, str) or "://" not in url:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DeclarationError(f"{what}: expected one such as {DEFAULT}, got one without ://")
    if re.match(r"memory://(\?|$)", url):
        return url.replace("memory://", f"memory://app-{uuid.uuid4().hex}", 1)
    return url
