"""Reads that may be long: on a connection of their own, so that no claim waits for them, and with more patience."""

from typing import Final

from workhorse.engines.postgres import faults
from workhorse.engines.postgres.link import Link, Record

PATIENCE: Final = 300.0
"""Seconds."""


async def aside(link: Link, sql: str, *values: object) -> list[Record]:
    """The rows of one statement that only reads."""
    connection = await link.connect()
    try:
        async with connection.transaction(readonly=True):
            await connection.execute(f"set local statement_timeout = {round(PATIENCE * 1000)}")
            found = await connection.fetch(link.sql(sql), *values, timeout=PATIENCE)
        await connection.close(timeout=link.place.timeout)
    except Exception as error:
        raise faults.translated(error, link.name, link.place.schema) from error
    finally:
        connection.terminate()  # nothing, where it is closed
    return found
