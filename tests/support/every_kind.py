"""Jobs of every kind and in every state, for the tests of those who check what an engine has stored."""

from typing import Final

from workhorse.engine import Cancelled, Dead, Engine, Envelope, Lane, Put, Retried, Succeeded, Unique

JOBS: Final = [
    Envelope("plain", "t", b"{}", "q"),
    Envelope("large", "t", b"x" * 5000, "q"),
    Envelope("dies", "t", b"{}", "q"),
    Envelope("again", "t", b"{}", "q", unique=Unique("first", until="claimed")),
    Envelope("kept", "t", b"{}", "q", unique=Unique("kept", until="kept")),
    Envelope("settled", "t", b"{}", "q", unique=Unique("settled")),
    Envelope("gone", "t", b"{}", "q", unique=Unique("gone", within=3600)),
    *(Envelope(f"lane {n}", "t", b"{}", "q", lane=Lane("q/lane", width=2)) for n in range(4)),
]


async def filled(engine: Engine) -> None:
    """Open it, fill it, and close it."""
    await engine.open()
    assert engine.broker is not None
    await engine.broker.publish(JOBS)
    held = {claim.job.id: claim for claim in await engine.broker.claim(["q"], 100, 30)}
    outcomes = [
        Succeeded(held["plain"], (Put("result/plain", b"{}", ttl=60),)),
        Dead(held["dies"], reason="it had to", trail=b"so it went"),
        Retried(held["again"], after=60),
        Succeeded(held["kept"]),
        Cancelled(held["gone"]),
    ]
    assert await engine.broker.settle(outcomes) == []
    await engine.close()
