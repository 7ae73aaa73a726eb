"""Sentinels: who is the master now. They are asked anew at each connect, so that a failover is followed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hiredis import ReplyError

from workhorse.core.errors import BrokerUnavailable, EngineRefused
from workhorse.engines.redis.urls import Place
from workhorse.engines.redis.wire import Wire

Reach = Callable[[str, int], Awaitable[Wire]]


async def master(place: Place, reach: Reach) -> tuple[str, int]:
    """The address that the first sentinel that answers gives. BrokerUnavailable: none does; EngineRefused: none knows such a master."""
    said: list[str] = []
    for host, port in place.hosts:
        try:
            async with asyncio.timeout(place.timeout / len(place.hosts)):
                found = await _ask(place, await reach(host, port))
        except (OSError, TimeoutError, BrokerUnavailable, ReplyError) as error:
            said.append(f"{host}:{port}: {error or 'no answer in time'}")
            continue
        if found:
            return found[0].decode(), int(found[1])
        said.append(f"{host}:{port}: knows no master {place.master!r}")
    if all("knows no master" in each for each in said):
        raise EngineRefused(
            f"{place.name}: expected a master by that name, {'; '.join(said)}; SENTINEL MASTERS lists them."
        )
    raise BrokerUnavailable(f"{place.name}: no sentinel tells the master ({'; '.join(said)})")


async def _ask(place: Place, wire: Wire) -> Any:
    try:
        if secret := place.sentinel_password:
            await wire.ask("AUTH", secret)
        return await wire.ask("SENTINEL", "get-master-addr-by-name", place.master)
    finally:
        wire.close()
