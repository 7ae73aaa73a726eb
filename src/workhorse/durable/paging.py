"""Page after page of what an inspector lists, so that a million jobs are never in memory at once."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final

import msgspec

from workhorse.core.contract import Filter, Inspector, Row

PAGE: Final = 500
"""Jobs that are read, or ordered about, at once."""


async def pages(inspector: Inspector, which: Filter) -> AsyncGenerator[Sequence[Row]]:
    """All that the filter means, each job once."""
    while page := await inspector.list(which, PAGE):
        yield page
        which = msgspec.structs.replace(which, after=page[-1].job.id)
