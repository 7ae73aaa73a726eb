"""What all turns of a worker share."""

import msgspec

from workhorse.core.clock import Clock
from workhorse.core.contract import Inspector, Store
from workhorse.core.registry import Registry
from workhorse.durable.sagas.puts import Puts
from workhorse.worker.pool import Pool


class Scene(msgspec.Struct, frozen=True):
    """`retain`: seconds for which an ended saga is kept; `replays`: each turn ends after one step, for tests of a saga's code."""

    registry: Registry
    clock: Clock
    pool: Pool
    store: Store
    puts: Puts
    inspector: Inspector | None
    whole: bool  # a settle and what it writes are one transaction
    retain: float
    replays: bool
