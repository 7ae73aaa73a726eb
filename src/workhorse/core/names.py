"""Names of tasks, queues, events and jobs: one pattern at one door, and a hint for the misspelt."""

import difflib
import re
from collections.abc import Iterable

from workhorse.core.errors import DeclarationError

NAME = re.compile(r"[A-Za-z0-9_.:/+-]{1,200}")
GIVEN_ID = re.compile(r"[A-Za-z0-9_.:+-]{1,200}")


def name(text: object, what: str) -> str:
    """The text itself if it is a name; DeclarationError if not."""
    if not isinstance(text, str) or not NAME.fullmatch(text):
        raise DeclarationError(f"{what}: expected 1 to 200 of the characters A-Z a-z 0-9 _ . : / + -, got {text!r}")
    return text


def given_id(text: object) -> str:
    """A job's id as a caller may give it: a name without `/`; `~` and `@` belong to ids of ours."""
    if not isinstance(text, str) or not GIVEN_ID.fullmatch(text):
        raise DeclarationError(f"id: expected 1 to 200 of the characters A-Z a-z 0-9 _ . : + -, got {text!r}")
    return text


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing."""
    close = difflib.get_close_matches(wrong, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
