"""Reads that may be long: on a connection of their own, so that no claim waits for them."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from workhorse.engines.sqlite import faults, forks
from workhorse.engines.sqlite.homes import FileHome
from workhorse.engines.sqlite.link import Link
from workhorse.engines.sqlite.tx import Tx

T = TypeVar("T")


async def aside(link: Link, work: Callable[[Tx], T]) -> T:
    """The answer of `work`, which sees one moment of the data. In memory, where there can be but one connection, it takes its turn."""
    home = link.home
    if not isinstance(home, FileHome):
        return await link.read(work)
    link.refuse_unusable()
    return await asyncio.to_thread(_read, home, work)


def _rolled_back(con: sqlite3.Connection, work: Callable[[Tx], T], home: FileHome) -> T:
    try:
        return work(Tx(con, home.now(), home.policy))
    finally:
        con.execute("rollback")


def _read(home: FileHome, work: Callable[[Tx], T]) -> T:
    try:
        with forks.changing():
            con = home.reader()
            still = forks.keep(con)
        try:
            with still:
                con.execute("begin")
                return _rolled_back(con, work, home)
        finally:
            with forks.changing():
                forks.close(con)
    except sqlite3.Error as error:
        raise faults.translated(error, home.name) from error
