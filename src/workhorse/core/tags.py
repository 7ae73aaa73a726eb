"""Which tag stands for which class: a table that only declarations write; what arrives looks up in it and never adds to it."""

import threading
from typing import Any, Final

from workhorse.core.builtin_kinds import BUILT_IN
from workhorse.core.errors import DeclarationError
from workhorse.core.kinds import Kind, is_described, kind_of

_by_tag: Final[dict[str, Kind]] = {kind.tag: kind for kind in BUILT_IN}
_by_class: Final[dict[type[Any], Kind]] = {kind.cls: kind for kind in BUILT_IN}
_writing: Final = threading.Lock()

by_tag: Final = _by_tag.get
"""The kind behind a tag, or None."""

by_class: Final = _by_class.get
"""The kind of exactly this class, or None: a subclass may hold more."""


def register(cls: Any, tag: str | None = None) -> None:
    """Let objects of this class travel under this tag (default: its qualified name). The same again does nothing.

    DeclarationError for a tag that stands for another class, and for a class that cannot travel.
    """
    tag = _checked(tag) if tag is not None else qualified_name(cls)
    with _writing:
        standing = _by_tag.get(tag)
        if standing is None:
            if cls in _BUILT_IN_CLASSES:
                raise DeclarationError(f"register: {cls.__name__} travels already; wrap it in a class of your own")
            _add(kind_of(cls, tag))
        elif standing.cls is not cls:
            raise DeclarationError(
                f"register: the tag {tag!r} stands for {standing.cls!r} already, and {cls!r} wants it too; give one another tag"
            )


def declare(cls: Any) -> None:
    """Register a class that stands in an annotation, unless it is registered; of one definition run twice, the newest counts."""
    with _writing:
        if cls in _by_class or not is_described(cls):
            return
        tag = qualified_name(cls)
        standing = _by_tag.get(tag)
        if standing is not None and qualified_name(standing.cls) != tag:
            raise DeclarationError(
                f"the tag {tag!r} stands for {standing.cls!r}, and {cls!r} wants it too; register it by another"
            )
        _add(kind_of(cls, tag))


def is_built_in(cls: Any) -> bool:
    """Whether the class travels by a tag of ours."""
    return cls in _BUILT_IN_CLASSES


def qualified_name(cls: Any) -> str:
    """The default tag."""
    if not isinstance(cls, type):
        raise DeclarationError(f"register: expected a class, got {cls!r}")
    return f"{cls.__module__}.{cls.__qualname__}"


_BUILT_IN_CLASSES: Final = frozenset(kind.cls for kind in BUILT_IN) | {bool, int, float, str, list, dict, type(None)}


def _add(kind: Kind) -> None:
    _by_class[kind.cls] = kind
    _by_tag[kind.tag] = kind


def _checked(tag: object) -> str:
    if not isinstance(tag, str) or not tag or tag.startswith("$") or not tag.isprintable():
        raise DeclarationError(f"register: tag: expected printable text that does not begin with $, got {tag!r}")
    return tag
