"""What can be done to any server, and to the lines to it."""

from collections.abc import Mapping

from ledger import LEASE
from ledger.ground import Blow
from servers import Server
from servers.proxy import Proxy
from servers.wallclock import WallClock

DOWN = (0.3, 1.5)
"""Seconds for which a server is away."""

LONG = (30.0, 30.0)
FROZEN = (LEASE * 1.2, LEASE * 2.0)
HALF_OPEN = (0.5, LEASE * 2.0)
HOUR = 3600


def blows(server: Server, proxy: Proxy, clock: WallClock) -> Mapping[str, Blow]:
    """`clock` is the one of the processes, which is not to matter."""
    return {
        "server killed": Blow(server.kill, server.start, DOWN),
        "server restarted": Blow(server.stop, server.start, DOWN),
        "server away for 30 s": Blow(server.stop, server.start, LONG),
        "server frozen": Blow(server.freeze, server.thaw, FROZEN),
        "lines cut": Blow(proxy.cut),
        "lines half open": Blow(lambda: proxy.stall(new=True), lambda: _healed(proxy), HALF_OPEN),
        "answer lost": Blow(lambda: proxy.lose("down"), proxy.heal, (1, 1)),
        "request lost": Blow(lambda: proxy.lose("up"), proxy.heal, (1, 1)),
        "workers' clocks forward": _wrong(clock, HOUR),
        "workers' clocks back": _wrong(clock, -HOUR),
    }


def _healed(proxy: Proxy) -> None:
    """A line that was half open never comes back: it is cut, as routers do at last."""
    proxy.heal()
    proxy.cut()


def _wrong(clock: WallClock, offset: float) -> Blow:
    return Blow(lambda: clock.set(offset), lambda: clock.set(0), (1.5, 1.5), excuses=False)
