"""A holder of messages that is killed, in a process of its own: they come again after its lease, each once."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from homes import HOMES, home
from workhorse import Workhorse

HOLDER = """
import asyncio, sys
from workhorse import Workhorse

async def hold(url):
    app = Workhorse(url, name="q")
    async with app, app.consumer("q", lease=1) as consumer:
        done, held = sorted(await consumer.consume(2, wait=10), key=lambda message: message.content)
        async with done:
            pass
        held.ack()  # marked, and never settled
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold(sys.argv[1]))
"""


@pytest.mark.parametrize("kind", [kind for kind in HOMES if kind != "memory"])
async def test_what_a_killed_holder_had_comes_again_after_its_lease(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    url = home(request, kind)
    app = Workhorse(url, name="q")

    @app.task(name="note")
    async def note(text: str) -> None: ...

    async with app:
        done, held = [await note.enqueue(text) for text in ("1 done", "2 held")]
        holder = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True)
        try:
            assert holder.stdout is not None
            assert await asyncio.to_thread(holder.stdout.readline) == "held\n"
            async with app.consumer("q") as consumer:
                assert await consumer.consume(wait=1.5) == []  # it lives, and its lease is extended
                holder.send_signal(signal.SIGKILL)
                (message,) = await consumer.consume(wait=20)
                assert (message.id, message.content, message.attempt) == (held.id, "2 held", 1)
                inspector = (await app.engine()).inspector
                assert inspector is not None
                row = await inspector.show(held.id)
                assert row is not None
                assert row.crashes == 1
                message.ack()
        finally:
            holder.kill()
            holder.wait()
            if holder.stdout is not None:
                holder.stdout.close()
        assert [await done.status(), await held.status()] == ["succeeded", "succeeded"]
