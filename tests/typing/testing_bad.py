"""The testing kit, used wrong: both checkers reject each line marked `# E:`, and no other."""

from workhorse import Workhorse
from workhorse.testing import ManualClock, drain, in_memory
from workhorse.testing.faults import Lost, Script, Stalled

app = Workhorse()


async def testing() -> None:
    async with in_memory(app) as bench:
        print(bench.drain().dead)  # E: not awaited
        bench.clock.advance("1h")  # E: a number or a timedelta
        bench.context("state")  # E: by name
    in_memory("sqlite:///a.db")  # E: an app
    await drain()  # E: an app
    ManualClock(3)  # E: a datetime
    Script().next("ack", Lost())  # E: a verb of the contract
    Script().always("settle")  # E: a fault first
    Stalled(3)  # E: something to wait for
