"""Events that need no declaration: what became of a resource, by the convention of their media type's name."""

from typing import Any, Final, NotRequired, TypedDict

from workhorse.core.events import media
from workhorse.core.events.described import Described, described


class Created(TypedDict):
    """There is a new resource, at this address."""

    uri: str


class Changed(TypedDict):
    """The resource at this address is another; maybe which field has which value now."""

    uri: str
    field_name: NotRequired[str]
    new_value: NotRequired[Any]


class Deleted(TypedDict):
    """The resource of this id is gone."""

    id: str


_BY_CHANGE: Final[dict[str, Any]] = {"created": Created, "updated": Changed, "changed": Changed, "deleted": Deleted}


def of(media_type: str) -> Described | None:
    """What describes this media type, if it follows the convention."""
    cls = _BY_CHANGE.get(media.change_in(media_type)[0])
    return None if cls is None else described(media_type, cls, False)
