"""Fetches a resource over HTTP, from hosts that are allowed, in a time and a size that are."""

import asyncio
import functools
import importlib.util
import re
import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from workhorse.core.errors import DeclarationError, FetchFailed, GiveUp
from workhorse.events.resource_hosts import PORTS, Hosts, Refused

if TYPE_CHECKING:
    import httpx

REDIRECTS = (301, 302, 303, 307, 308)


class Answer(NamedTuple):
    """A response, read to its end."""

    status: int
    body: bytes


def shown(uri: str) -> str:
    """For people: without a password, and not without end."""
    return repr(re.sub(r"//[^/?#]*@", "//***@", uri)[:500])


def require_httpx(who: str) -> None:
    """DeclarationError, with what to install, where httpx is not there."""
    if importlib.util.find_spec("httpx") is None:
        raise DeclarationError(f"{who}: expected httpx, which is not installed; pip install 'workhorse[http]'")


class Fetch:
    """`timeout`: seconds for all of it, redirects included; `max_size`: bytes of a body, unpacked."""

    def __init__(self, hosts: Hosts, timeout: float, max_size: int, max_redirects: int) -> None:
        self._hosts, self._timeout, self._max_size, self._max_redirects = hosts, timeout, max_size, max_redirects

    async def get(self, uri: str, headers: Mapping[str, str]) -> Answer:
        """The last answer. GiveUp for an address that nobody may be asked at, also behind a redirect; FetchFailed for one that
        does not answer, or not in time, or with too much."""
        import httpx

        try:
            async with asyncio.timeout(self._timeout):
                return await self._followed(_parsed(uri), dict(headers))
        except Refused as error:
            raise GiveUp(f"{shown(uri)} is not fetched: {error}") from None
        except TimeoutError:
            raise FetchFailed(f"{shown(uri)}: expected an answer within {self._timeout:g} s, got none") from None
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise FetchFailed(f"{shown(uri)}: expected an answer, got {type(error).__name__}: {error}") from error

    async def _followed(self, url: "httpx.URL", headers: dict[str, str]) -> Answer:
        for _ in range(self._max_redirects + 1):
            answer, location = await self._hop(url, headers)
            if location is None:
                return answer
            after = _parsed(str(url.join(location)))
            if _origin(after) != _origin(url):
                headers = {}  # they were meant for the first one
            url = after
        raise FetchFailed(f"{shown(str(url))}: expected at most {self._max_redirects} redirects, got more")

    async def _hop(self, url: "httpx.URL", headers: Mapping[str, str]) -> tuple[Answer, str | None]:
        """One connection for one request: what is checked is where it leads, and no other host's is used for it."""
        import httpx

        addresses = await self._addresses(url)
        async with httpx.AsyncClient(verify=_tls(), trust_env=False, timeout=self._timeout) as client:
            for address in addresses:
                try:
                    return await self._ask(client, url, address, headers)
                except httpx.ConnectError:
                    if address == addresses[-1]:
                        raise
        raise FetchFailed(f"{shown(str(url))}: expected its host to have an address, got none")

    async def _addresses(self, url: "httpx.URL") -> list[str]:
        host = url.raw_host.decode("ascii")
        self._hosts.check(url.scheme, host, url.port)
        port = url.port or PORTS[url.scheme]
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return self._hosts.permitted(url.scheme, host, url.port, [str(each[4][0]) for each in found])

    async def _ask(
        self, client: "httpx.AsyncClient", url: "httpx.URL", address: str, headers: Mapping[str, str]
    ) -> tuple[Answer, str | None]:
        request = client.build_request(
            "GET",
            url.copy_with(host=address),  # not by name: it might be another's a moment later
            headers={"accept": "application/json", **headers, "host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        response = await client.send(request, stream=True)
        try:
            if response.status_code in REDIRECTS and "location" in response.headers:
                return Answer(response.status_code, b""), response.headers["location"]
            return Answer(response.status_code, await self._body(response, url)), None
        finally:
            await response.aclose()

    async def _body(self, response: "httpx.Response", url: "httpx.URL") -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._max_size:
                raise FetchFailed(
                    f"{shown(str(url))}: expected at most {self._max_size:,} bytes, got more; raise max_size"
                )
        return bytes(body)


def _parsed(uri: str) -> "httpx.URL":
    import httpx

    try:
        url = httpx.URL(uri)
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused(f"expected a URI: {error}") from None
    if url.scheme in PORTS and not url.host:
        raise Refused("expected a host, got none")
    if url.userinfo:
        raise Refused("expected no user or password in it; send them by headers()")
    return url


def _origin(url: "httpx.URL") -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port


@functools.cache
def _tls() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()
