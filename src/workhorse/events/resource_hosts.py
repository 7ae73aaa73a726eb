"""Which hosts may be asked for a resource, and which addresses they may have: a message must not choose where we connect."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

from workhorse.core.errors import DeclarationError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS: Final = {"http": 80, "https": 443}

ANY: Final = "*"
"""Any host: only at addresses of the public internet."""

METADATA: Final = frozenset({ipaddress.ip_address("fd00:ec2::254")})
"""Where clouds tell a machine its secrets; their other address is a link-local one."""

NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class Refused(Exception):
    """Where nobody may be asked; the text says why."""


class Entry(NamedTuple):
    """One of the list: a name, an address, `*.name` or `*`; no port means the scheme's own."""

    host: str
    port: int | None

    def matches(self, host: str, port: int, usual: bool) -> bool:
        """Whether it means this host, and this port."""
        if (port != self.port) if self.port is not None else not usual:
            return False
        return self.host in (ANY, host) or (self.host.startswith("*.") and host.endswith(self.host[1:]))


class Hosts:
    """The list. DeclarationError for an entry that is no host."""

    def __init__(self, entries: Sequence[str]) -> None:
        if isinstance(entries, str):
            raise DeclarationError(f"hosts: expected a list of hosts, got the text {entries!r}")
        self._entries = [_entry(text) for text in entries]

    def check(self, scheme: str, host: str, port: int | None) -> None:
        """Refused for a host that is not in the list."""
        if scheme not in PORTS:
            raise Refused(f"expected http or https, got the scheme {scheme!r}")
        if not self._matching(scheme, host, port):
            shown = host if port in (None, PORTS[scheme]) else f"{host}:{port}"
            raise Refused(f"the host {shown!r} is not in hosts; add it there if it may be asked")

    def permitted(self, scheme: str, host: str, port: int | None, found: Iterable[str]) -> list[str]:
        """The addresses that this host has, as text. Refused when one of them is this machine's, this link's, nobody's or many's
        and not in the list itself; and where only `*` means the host, for any that is not of the public internet."""
        public = all(entry.host == ANY for entry in self._matching(scheme, host, port))
        addresses = [ipaddress.ip_address(text) for text in dict.fromkeys(found)]
        for address in addresses:
            listed = any(entry.host == str(address) for entry in self._matching(scheme, str(address), port))
            if listed or (_plain(host) == "localhost" and not public and address.is_loopback):
                continue
            if _is_special(address) or (public and not address.is_global):
                raise Refused(
                    f"the host {host!r} has the address {address}, which is not one of the internet's; add the address itself "
                    f"to hosts if it may be asked"
                )
        return [str(address) for address in addresses]

    def _matching(self, scheme: str, host: str, port: int | None) -> list[Entry]:
        usual = port in (None, PORTS[scheme])
        return [each for each in self._entries if each.matches(_plain(host), port or PORTS[scheme], usual)]


_ENTRY: Final = re.compile(
    r"(?:\[(?P<bracketed>[0-9a-fA-F:.]+)\]|(?P<name>\*|(?:\*\.)?[^\s*:/@?#\[\].][^\s*:/@?#\[\]]*))(?::(?P<port>\d{1,5}))?"
    r"|(?P<bare>[0-9a-fA-F:.]*:[0-9a-fA-F:.]+)"
)


def _entry(text: str) -> Entry:
    found = _ENTRY.fullmatch(text)
    port = int(found["port"]) if found and found["port"] else None
    if found is None or (port is not None and not 0 < port < 65_536):
        raise DeclarationError(
            f"hosts: expected a host such as 'api.example.org', 'api.example.org:8080', '*.example.org' or '*', got {text!r}"
        )
    return Entry(_plain(found["bracketed"] or found["name"] or found["bare"]), port)


def _plain(host: str) -> str:
    """As it is compared: an address in its one form, a name as it travels."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return host.encode("idna").decode().rstrip(".").lower()
    except UnicodeError:  # a label that is too long, or empty
        return host.rstrip(".").lower()


def _is_special(address: Address) -> bool:
    return any(
        it.is_loopback or it.is_link_local or it.is_unspecified or it.is_multicast or it in METADATA
        or (it.version == 4 and it.is_reserved)
        for it in (address, *_inside(address))
    )  # fmt: skip


def _inside(address: Address) -> list[Address]:
    """The addresses of IPv4 that one of IPv6 leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address] = [it for it in (address.ipv4_mapped, address.sixtofour) if it is not None]
    if address.teredo is not None:
        found += address.teredo
    if address in NAT64 or int(address) >> 32 == 0:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return found
