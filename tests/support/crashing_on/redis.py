"""Points of the Redis engine: see `verbs`. A script is one statement, and is sent whole, so that none is asked for twice."""

from typing import Any

from crashing import cross
from crashing_on.verbs import BROKER, INSPECTOR, PRUNER, STORE, during, watch
from workhorse.engines.redis import pruning
from workhorse.engines.redis.broker import Broker
from workhorse.engines.redis.inspector import Inspector
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.pruning import Pruner
from workhorse.engines.redis.scripts import Script
from workhorse.engines.redis.store import Store
from workhorse.engines.redis.wire import Wire

__all__ = ["install", "pruning"]


def install() -> None:
    """From now on this process passes points."""
    for owner, verbs in ((Broker, BROKER), (Store, STORE), (Inspector, INSPECTOR), (Pruner, PRUNER)):
        watch(owner, verbs)
    send = Wire.send

    async def run(self: Link, script: Script, *args: Any) -> Any:
        if name := during():
            cross(f"{name}.statement")
        return await self.ask("EVAL", script.text, 1, self.place.base, *args)

    def sent(self: Wire, command: Any, patience: float = 0) -> Any:
        answer = send(self, command, patience)
        if command[0] == "EVAL" and (name := during()):
            cross(f"{name}.sent")
        return answer

    Link.run = run  # type: ignore[method-assign]
    Wire.send = sent  # type: ignore[method-assign]
