"""The event types that an app knows: by media type, by pattern, by class."""

from collections.abc import Iterator
from typing import Any, Final

from workhorse.core import names
from workhorse.core.errors import DeclarationError
from workhorse.core.events import lifecycle, media
from workhorse.core.events.described import Described

REMEMBERED: Final = 1000
"""Media types whose description is looked for once."""


class Catalog:
    """An exact media type beats a pattern, a declared one the convention."""

    def __init__(self) -> None:
        self._exact: dict[str, Described] = {}
        self._patterns: dict[str, Described] = {}
        self._found: dict[str, Described | None] = {}

    def add(self, it: Described) -> None:
        """The same class again is fine; DeclarationError for another one of the same media type, or pattern."""
        known = (self._patterns if media.is_pattern(it.media_type) else self._exact).setdefault(it.media_type, it)
        if known.cls is not it.cls:
            raise DeclarationError(
                f"two classes describe {it.media_type!r}: {known.place} and {it.place}; give one of them another media type"
            )
        self._found.clear()

    def find(self, media_type: str) -> Described | None:
        """What describes it; None where nobody does."""
        if media_type not in self._found:
            if len(self._found) >= REMEMBERED:  # what arrives may have any name
                self._found.clear()
            self._found[media_type] = self._look(media_type)
        return self._found[media_type]

    def needed(self, media_type: str) -> Described:
        """The same; DeclarationError, with the nearest name, where nobody does."""
        found = self.find(media.checked(media_type, "publish"))
        if found is None or media.is_pattern(media_type):
            raise DeclarationError(
                f"no event is declared as {media_type!r}{names.did_you_mean(media_type, self._exact)}; "
                f"declare its class: @app.event({media_type!r})"
            )
        return found

    def of_class(self, cls: type[Any]) -> Described:
        """What is declared by this class; DeclarationError where it is none, or has no media type of its own."""
        found = [it for it in self if it.cls is cls]
        if len(found) == 1:
            return found[0]
        if not found:
            raise DeclarationError(f"{cls.__qualname__} is no event; declare it: @app.event('application/vnd.…')")
        raise DeclarationError(
            f"{cls.__qualname__} describes {', '.join(repr(it.media_type) for it in found)}; say which by its media type"
        )

    def matching(self, pattern: str) -> list[str]:
        """The exact media types that it means."""
        return [each for each in self._exact if media.matches(pattern, each)]

    def __iter__(self) -> Iterator[Described]:
        return iter((*self._exact.values(), *self._patterns.values()))

    def _look(self, media_type: str) -> Described | None:
        if media_type in self._exact:
            return self._exact[media_type]
        by_pattern = (it for pattern, it in self._patterns.items() if media.matches(pattern, media_type))
        return next(by_pattern, None) or lifecycle.of(media_type)
