"""The steps that bring a database's tables to what this release needs: plain SQL, in order; of engines that have tables."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec


class Migration(msgspec.Struct, frozen=True, gc=False):
    """One step forward; a released one is never changed."""

    version: int
    name: str
    sql: str  # as it is sent: for another prefix it has other names


class Migrations(Protocol):
    """Looks at the steps and takes them, also on an engine that is not open: to open it would take them.

    BrokerUnavailable: no server. EngineRefused: its tables are newer, or it does not let us.
    """

    @property
    def newest(self) -> int:
        """The version that this release needs."""
        ...

    async def current(self) -> int:
        """The version that is there; 0: none of our tables yet."""
        ...

    async def pending(self) -> Sequence[Migration]:
        """What is missing, in order."""
        ...

    async def apply(self) -> Sequence[Migration]:
        """Take the steps that are missing, all or none; what this call took: nothing where another was faster."""
        ...


@runtime_checkable
class Migrating(Protocol):
    """An engine that has migrations, beyond the contract."""

    @property
    def migrations(self) -> Migrations:
        """Its steps."""
        ...
