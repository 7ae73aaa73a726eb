"""Quantities as options take them: an address to listen on, an amount of memory, names with commas between."""

import re
from typing import Final

import click

_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}


def address(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, int] | None:
    """`127.0.0.1:8081`, `[::1]:8081`, or a port alone, which is on loopback."""
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise click.BadParameter(f"expected HOST:PORT such as 127.0.0.1:8081, got {value!r}")
    return host.strip("[]") or "127.0.0.1", int(port)


def memory(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """`512MB`, `1.5GiB`, or bytes."""
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kmg]?i?)b?", value.strip().lower())
    if found is None or found[2] not in _UNITS or not float(found[1]):
        raise click.BadParameter(f"expected a size such as 512MB or 1GiB, got {value!r}")
    return int(float(found[1]) * _UNITS[found[2]])


def several(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str] | None:
    """`shop,mail`."""
    if value is None:
        return None
    found = list(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    if not found:
        raise click.BadParameter(f"expected names with commas between, such as shop,mail, got {value!r}")
    return found
