"""Which topic an event goes to: a table from settings and the environment; without one each media type is a topic."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from workhorse.core import names
from workhorse.core.errors import DeclarationError
from workhorse.core.events import media
from workhorse.core.looks import is_mapping

ENVIRONMENT: Final = "WORKHORSE_TOPICS__"
DEFAULT: Final = "default"


class Topics:
    """`table`: media type to topic; a change (`created`) to a topic, or to another table by resource; `default` for the
    rest. Keys nest, and are joined by dots: at every depth a key may have dots itself. `environ`: the same as variables
    WORKHORSE_TOPICS__…, which win: two underscores nest, and any character that such a name cannot have is one underscore.
    DeclarationError for what is no topic."""

    def __init__(self, table: Mapping[str, Any] | None, environ: Mapping[str, str]) -> None:
        self._said = dict(_flat(table or {}, ""))
        self._around = {
            _spelled(name[len(ENVIRONMENT) :].replace("__", ".")): names.name(topic, name)
            for name, topic in environ.items()
            if name.startswith(ENVIRONMENT)
        }
        self._none = table is None and not self._around

    def of(self, media_type: str) -> str:
        """DeclarationError where the table has none."""
        if self._none:
            return media_type
        for key in _keys(media_type):
            if (topic := self._around.get(_spelled(key)) or self._said.get(key)) is not None:
                return topic
        raise DeclarationError(
            f"no topic for {media_type!r}: topics= has neither it nor a default; add {{{media_type!r}: 'a.topic'}}, say"
        )

    def of_pattern(self, pattern: str, known: list[str]) -> list[str]:
        """The topics on which what it means may come; `known` are the media types that are declared."""
        if self._none:
            return [pattern]
        mapped = [key for key in self._said if not media.is_pattern(key) and media.matches(pattern, key)]
        default = self._around.get(DEFAULT) or self._said.get(DEFAULT)
        found = [*map(self.of, dict.fromkeys((*known, *mapped))), *([default] if default else [])]
        if not found:
            raise DeclarationError(f"no topic for {pattern!r}: topics= has nothing that it means, nor a default")
        return list(dict.fromkeys(found))


def _keys(media_type: str) -> Iterator[str]:
    yield media_type
    change, resource = media.change_in(media_type)
    if change:
        yield f"{change}.{resource}"
        yield f"{change}.{DEFAULT}"
        yield change
    yield DEFAULT


def _flat(table: Mapping[Any, Any], above: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if not isinstance(key, str) or not key:
            raise DeclarationError(f"topics: expected media types, changes or 'default' as keys, got {key!r}")
        if is_mapping(value):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, names.name(value, f"topics: {above}{key}")


def _spelled(key: str) -> str:
    """As a variable's name can have it."""
    return re.sub(r"[^a-z0-9.]", "_", key.lower())
