"""Engines that fail on purpose: what stands between a caller and a broker loses calls and answers, stalls, and does things twice.

    script = Script()
    engine = FaultyEngine(open_engine("memory://"), script)
    script.next("settle", Lost())  # done, and nobody is told

What goes wrong is a `Fault`: Away, Lost, Stalled, Late, Repeated, or any object of your own with `meet(call)`. When it goes
wrong is a `Nemesis`: a Script that a test writes line by line, or Seeded, by rates and a random number. Either lists what
happened, so that a test can assert that there was something to survive. It needs a running event loop, whichever it is: no
thread, no clock of its own.
"""

from workhorse.testing.faults.engine import FaultyBroker, FaultyEngine, FaultyInspector, FaultyStore
from workhorse.testing.faults.fault import Away, Call, Fault, Late, Lost, Repeated, Stalled
from workhorse.testing.faults.nemesis import Happened, Nemesis, Script, Seeded

__all__ = [
    "Away",
    "Call",
    "Fault",
    "FaultyBroker",
    "FaultyEngine",
    "FaultyInspector",
    "FaultyStore",
    "Happened",
    "Late",
    "Lost",
    "Nemesis",
    "Repeated",
    "Script",
    "Seeded",
    "Stalled",
]
