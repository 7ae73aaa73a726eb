"""The schema: which version of our keys an installation has. Asked once, when the engine opens."""

from typing import Final

from workhorse.core.errors import EngineRefused
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.scripts import script

NEWEST: Final = 1
"""Raised by whoever changes the keys so that an older release would misread them."""

_SCHEMA: Final = script("schema")


async def admit(link: Link) -> None:
    """Write it down where nobody did yet. EngineRefused, and nothing is touched, if it is newer."""
    found: bytes = await link.run(_SCHEMA, NEWEST)
    if not found.isdigit() or int(found) > NEWEST:
        raise EngineRefused(
            f"{link.place.name}: expected schema {NEWEST} or older, got {found.decode(errors='replace')}: a newer Workhorse wrote it. "
            "Upgrade this installation, or use another one with ?prefix=. Nothing was changed."
        )


async def version(link: Link) -> str:
    """As it is written down."""
    found = await link.ask("GET", link.key("schema"))
    return "none" if found is None else found.decode(errors="replace")
