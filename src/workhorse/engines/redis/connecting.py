"""Connecting: from a place to a wire that ends where its keys are, at a server, at the master that sentinels name, or at the node of a
cluster that has their slot."""

import asyncio
import re
import socket
from functools import partial
from typing import Final

from hiredis import ReplyError

from workhorse.core.errors import BrokerUnavailable, EngineRefused
from workhorse.engines.redis import faults, sentinel
from workhorse.engines.redis.urls import Place
from workhorse.engines.redis.wire import Wire

HOPS: Final = 5
"""Nodes of a cluster that may send us on, one after the other, before we take it for one that does not know its own order."""

_MOVED: Final = re.compile(r"MOVED \d+ (.*):(\d+)$")


async def connect(place: Place) -> Wire:
    """A wire that is ready for use. BrokerUnavailable or EngineRefused says why not."""
    try:
        async with asyncio.timeout(place.timeout):
            if place.master:
                return await _entered(place, *await sentinel.master(place, partial(_reach, place)))
            return await _where_our_keys_are(place, await _any_host(place))
    except TimeoutError:
        raise faults.silent(place.name, place.timeout) from None
    except OSError as error:
        raise faults.lost(place.name, error) from error


async def _any_host(place: Place) -> Wire:
    for host, port in place.hosts[:-1]:
        try:
            async with asyncio.timeout(place.timeout / len(place.hosts)):
                return await _entered(place, host, port)
        except (OSError, TimeoutError, BrokerUnavailable):
            continue
    return await _entered(place, *place.hosts[-1])


async def _where_our_keys_are(place: Place, wire: Wire) -> Wire:
    for _ in range(HOPS):
        try:
            await wire.ask("EXISTS", place.base)
        except ReplyError as error:
            wire.close()
            moved = _MOVED.match(str(error))
            if moved is None:
                raise faults.translated(error, place.name) from None
            wire = await _entered(place, moved[1] or place.hosts[0][0], int(moved[2]))
        else:
            return wire
    wire.close()
    raise BrokerUnavailable(f"{place.name}: its nodes send us from one to the other; is its slot being moved?")


async def _entered(place: Place, host: str, port: int) -> Wire:
    wire = await _reach(place, host, port)
    try:
        await _enter(place, wire)
    except BaseException:
        wire.close()
        raise
    return wire


async def _reach(place: Place, host: str, port: int) -> Wire:
    loop = asyncio.get_running_loop()
    transport, wire = await loop.create_connection(lambda: Wire(place.name, place.timeout), host, port, ssl=place.tls)
    _keep_alive(transport)
    return wire


async def _enter(place: Place, wire: Wire) -> None:
    password = place.password.read()
    try:
        if password:
            await wire.ask("AUTH", *([place.user] if place.user else []), password)
        await wire.ask("CLIENT", "SETNAME", "workhorse")
        if place.database:
            await wire.ask("SELECT", place.database)
    except ReplyError as error:
        meant = faults.translated(error, place.name)
        if meant is error:
            meant = EngineRefused(
                f"{place.name}: expected to enter, and to find database {place.database}, got: {error}"
            )
        raise meant from None


def _keep_alive(transport: asyncio.BaseTransport) -> None:
    """Wires that only listen learn of a peer that is gone, too."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
