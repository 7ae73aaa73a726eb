"""Media types: the names of events, and patterns of them."""

import re
from typing import Any, Final

from workhorse.core import names
from workhorse.core.errors import DeclarationError

STAR: Final = "*"
CHANGES: Final = ("created", "updated", "changed", "deleted")
"""What may have become of a resource; an event whose media type has one of these as a part needs no schema."""

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def is_pattern(text: str) -> bool:
    """Whether it has a star."""
    return STAR in text


def checked(text: object, what: str) -> str:
    """A media type, or a pattern of them; DeclarationError for anything else."""
    parts = text.split(".") if isinstance(text, str) else []
    if any(STAR in part and part != STAR for part in parts):
        raise DeclarationError(f"{what}: expected a star to stand for one whole part between dots, got {text!r}")
    names.name(".".join("_" if part == STAR else part for part in parts) if parts else text, what)
    return str(text)


def matches(pattern: str, media_type: str) -> bool:
    """Whether the pattern means this media type: a star is any one part between dots, never two."""
    if not is_pattern(pattern):
        return pattern == media_type
    wanted, parts = pattern.split("."), media_type.split(".")
    return len(wanted) == len(parts) and all(a in (STAR, b) for a, b in zip(wanted, parts, strict=True))


def change_in(media_type: str) -> tuple[str, str]:
    """What became of a resource, and of which: `created` and `foo_bar.this_that`; both empty where it does not say."""
    parts = media_type.split(".")
    for index, part in enumerate(parts):
        if part in CHANGES:
            return part, ".".join(parts[index + 1 :])
    return "", ""


def media_type(
    name: str | type[Any], change: str | None = None, *, organization: str = "workhorse", public: bool = False
) -> str:
    """The media type of events of this name, or class, by convention.

    `media_type("FooBar.ThisThat", "created")` is "application/vnd.workhorse.pubsub._.created.foo_bar.this_that"; without
    the `_.` when `public`. `change` is created, updated, changed, deleted or a word of your own. DeclarationError for what
    makes no name.
    """
    text = name if isinstance(name, str) else name.__name__
    parts = ["application/vnd", organization, "pubsub", *([] if public else ["_"]), *([change] if change else [])]
    return names.name(".".join([*parts, snake(text)]), "media_type")


def snake(text: str) -> str:
    """`FooBar.ThisThat` as `foo_bar.this_that`."""
    return _HUMP.sub("_", text).lower()
