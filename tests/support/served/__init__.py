"""What every engine on a server holds: a suite over real servers that are killed, frozen and restarted, and lines that are spoilt.

A test file inherits `Served` and says which server, and which URL leads to it."""

from served.clocks import Clocks
from served.commands import Commands
from served.doors import Doors
from served.lost import LostAnswers
from served.restarts import Restarts
from served.silence import Silence
from served.starts import Starts


class Served(Starts, Restarts, Silence, LostAnswers, Doors, Clocks, Commands):
    """All chapters."""


__all__ = ["Served"]
