"""What URLs of all engines have in common: options, durations, how long ended jobs are kept."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from workhorse.core.durations import LONGEST
from workhorse.core.errors import DeclarationError
from workhorse.core.names import did_you_mean
from workhorse.engines.keeping import FOREVER, Policy, micros

KEEPING: Final = ("retain", "dead_retain")
"""The options of `policy`."""

_RETAIN: Final = 3600.0


def shown(url: str) -> str:
    """Without its password and its options."""
    # up to the last @: a password may hold one, and a slash, though it should not
    return re.sub(r"(?<=://)([^/@:]*):.*@", r"\1:***@", url.partition("?")[0])


def of_server(url: str) -> tuple[SplitResult, str]:
    """The parts of the URL, and how errors may show it; DeclarationError where a password would be taken for a host or a path."""
    parts = urlsplit(url)
    if "@" in parts.path:
        raise DeclarationError(f"{shown(url)}: expected / ? # and @ in a password written as %2F %3F %23 and %40")
    return parts, shown(url)


def options(url: str, shown: str, known: Sequence[str]) -> dict[str, str]:
    """What follows the `?`. DeclarationError names one that is not known; `shown` is the URL as errors may show it."""
    found = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    for name in found:
        if name not in known:
            raise DeclarationError(
                f"{shown}: expected options of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}"
            )
    return found


def policy(shown: str, options: dict[str, str]) -> Policy:
    """How long ended jobs are kept: `retain`, an hour by default, and `dead_retain`, for ever."""
    retain = seconds(shown, "retain", options.get("retain", str(_RETAIN)))
    dead = options.get("dead_retain")
    return Policy(micros(retain), FOREVER if dead is None else micros(seconds(shown, "dead_retain", dead)))


def seconds(shown: str, name: str, text: str) -> float:
    """A duration, or a DeclarationError."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST:
        raise DeclarationError(f"{shown}: {name}: expected seconds, got {text!r}")
    return value


def one_of(shown: str, name: str, text: str, choices: Sequence[str]) -> str:
    """One of these words, or a DeclarationError."""
    if text not in choices:
        raise DeclarationError(
            f"{shown}: {name}: expected {' or '.join(choices)}, got {text!r}{did_you_mean(text, choices)}"
        )
    return text
