"""Events that carry a link: what is fetched, when again, and where nobody is ever asked. Against real servers, here."""

import asyncio
import dataclasses
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pydantic
import pytest

from certificates import Certificates
from workhorse import Context, Fixed, GiveUp, Retry, RetryLater, Skip, Workhorse
from workhorse.errors import DeclarationError, FetchFailed
from workhorse.events import ResourceHandler
from workhorse.events.resource_hosts import Hosts, Refused
from workhorse.testing import in_memory

Said: TypeAlias = tuple[int, Mapping[str, str], bytes]


class Far:
    """A server of resources on this machine. `say` sets what a path answers; `asked` has all requests."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        far = self
        self.asked = list[tuple[str, dict[str, str]]]()
        self.free = threading.Event()
        self._said: dict[str, Said | Callable[[], Said]] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                far.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                said = far._said.get(self.path, (404, {}, b""))
                status, headers, body = said() if callable(said) else said
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = int(self.server.server_address[1])
        self.host = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def uri(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def say(self, path: str, body: Any = None, status: int = 200, **headers: str) -> str:
        self._said[path] = status, headers, body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.uri(path)

    def compute(self, path: str, answer: Callable[[], Said]) -> str:
        self._said[path] = answer
        return self.uri(path)

    def close(self) -> None:
        self.free.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def far() -> Iterator[Far]:
    far = Far()
    yield far
    far.close()


class Order(msgspec.Struct):
    number: int
    total: Decimal = Decimal(0)


class Orders(ResourceHandler[Order]):
    """Keeps what it handled."""

    def __init__(self, *hosts: str, answer: Any = True, **settings: Any) -> None:
        self.hosts = hosts
        self.answer = answer
        self.handled = list[Any]()
        for name, value in settings.items():
            setattr(self, name, value)

    async def handle(self, resource: Order) -> bool:
        self.handled.append(resource)
        answer: bool = self.answer
        return answer


# ---- what is handled


async def test_the_present_state_of_the_resource_is_handled(far: Far) -> None:
    orders = Orders(far.host)
    assert await orders({"uri": far.say("/orders/1", {"number": 1, "total": "9.90", "more": []})}) is True
    assert orders.handled == [Order(1, Decimal("9.90"))]
    ((path, headers),) = far.asked
    assert (path, headers["host"], headers["accept"]) == ("/orders/1", far.host, "application/json")


@dataclasses.dataclass
class Linked:
    uri: str


class Modelled(pydantic.BaseModel):
    uri: str


class Structured(msgspec.Struct):
    uri: str


@pytest.mark.parametrize("kind", [Linked, Modelled, Structured])
async def test_an_event_of_any_class_has_its_fields_looked_at(far: Far, kind: Any) -> None:
    orders = Orders(far.host)
    assert await orders(kind(uri=far.say("/orders/1", {"number": 1})))
    assert orders.handled == [Order(1)]


@pytest.mark.parametrize(("answer", "told"), [(True, True), (None, True), (False, False)])
async def test_only_false_is_ignored(far: Far, answer: Any, told: bool) -> None:
    assert await Orders(far.host, answer=answer)({"uri": far.say("/a", {"number": 1})}) is told


async def test_without_a_class_the_resource_comes_as_it_is(far: Far) -> None:
    class Plain(ResourceHandler[Any]):
        hosts = (far.host,)

        async def handle(self, resource: Any) -> bool:
            assert resource == {"a": [1]}
            return True

    assert await Plain()({"uri": far.say("/a", {"a": [1]})})


async def test_a_reason_to_skip_skips_before_anything_is_fetched(far: Far) -> None:
    class Wary(Orders):
        def reason_to_skip(self, event: Mapping[str, Any]) -> str | None:
            return "an old one" if event["age"] > 3 else None

    uri = far.say("/a", {"number": 1})
    with pytest.raises(Skip, match="an old one"):
        await Wary(far.host)({"uri": uri, "age": 4})
    assert far.asked == []
    assert await Wary(far.host)({"uri": uri, "age": 3})


# ---- what comes again


async def test_what_is_not_there_yet_comes_again(far: Far) -> None:
    with pytest.raises(RetryLater, match="is not there yet: 404; again in 7 s") as caught:
        await Orders(far.host, not_found_after=7)({"uri": far.uri("/none")})
    assert (caught.value.after, caught.value.counts) == (7, True)
    uri = far.say("/soon", status=425)
    with pytest.raises(RetryLater):
        await Orders(far.host, not_found=(404, 425))({"uri": uri})
    with pytest.raises(FetchFailed, match="expected a resource, got status 404"):
        await Orders(far.host, not_found_after=None)({"uri": far.uri("/none")})


@pytest.mark.parametrize("status", [301, 400, 401, 410, 500, 503])
async def test_another_status_is_an_error_that_is_tried_again_as_any(far: Far, status: int) -> None:
    with pytest.raises(FetchFailed, match=f"got status {status}"):
        await Orders(far.host)({"uri": far.say("/a", status=status)})


async def test_a_change_that_does_not_show_yet_comes_again(far: Far) -> None:
    uri = far.say("/a", {"number": 1, "total": "9.90"})
    event: dict[str, Any] = {"uri": uri, "field_name": "total", "new_value": Decimal("9.90")}
    assert await Orders(far.host)(event)
    assert await Orders(far.host)({**event, "field_name": "number", "new_value": 1})
    for late in ({**event, "new_value": "10"}, {**event, "field_name": "paid", "new_value": None}):
        with pytest.raises(RetryLater, match="is not yet as the event says"):
            await Orders(far.host, stale_after=3)(late)
        assert await Orders(far.host, stale_after=None)(late)


async def test_a_resource_that_does_not_fit_is_given_up(far: Far) -> None:
    with pytest.raises(GiveUp, match=r"does not fit: resource\.number: expected `int`, got `str`"):
        await Orders(far.host)({"uri": far.say("/a", {"number": "one"})})
    with pytest.raises(FetchFailed, match="expected JSON, got 4 bytes of something else"):
        await Orders(far.host)({"uri": far.say("/b", b"<a/>")})


async def test_a_body_is_read_up_to_its_limit(far: Far) -> None:
    uri = far.say("/a", {"number": 1, "more": "x" * 1000})
    with pytest.raises(FetchFailed, match="expected at most 999 bytes, got more; raise max_size"):
        await Orders(far.host, max_size=999)({"uri": uri})


async def test_a_server_that_is_slow_or_away_is_an_error_in_time(far: Far) -> None:
    def slow() -> Said:
        far.free.wait(30)
        return 200, {}, b"{}"

    with pytest.raises(FetchFailed, match=r"expected an answer within 0\.2 s, got none"):
        await Orders(far.host, timeout=0.2)({"uri": far.compute("/slow", slow)})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(FetchFailed, match="ConnectError"):
            await Orders(host)({"uri": f"http://{host}/"})


# ---- the cache


async def test_a_resource_is_taken_from_the_cache_for_a_while_and_for_the_same_asker(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keyed(Orders):
        def headers(self, event: Mapping[str, Any]) -> Mapping[str, str]:
            return {"authorization": event["who"], "traceparent": event.get("trace", "")}

    now = 1000.0
    monkeypatch.setattr("workhorse.events.resource_cache.time.monotonic", lambda: now)
    orders, uri = Keyed(far.host, cache=60), far.say("/a", {"number": 1})
    await orders({"uri": uri, "who": "ada", "trace": "1"})
    await orders({"uri": uri, "who": "ada", "trace": "2"})
    assert len(far.asked) == 1
    await orders({"uri": uri, "who": "bob"})
    assert len(far.asked) == 2
    far.say("/a", {"number": 2})
    await orders({"uri": uri, "who": "ada", "field_name": "number", "new_value": 2})  # what is kept is too old
    assert len(far.asked) == 3
    now += 60
    await orders({"uri": uri, "who": "ada"})
    assert len(far.asked) == 4
    assert [order.number for order in orders.handled] == [1, 1, 1, 2, 2]


async def test_without_a_cache_each_event_fetches(far: Far) -> None:
    orders, uri = Orders(far.host), far.say("/a", {"number": 1})
    for _ in range(2):
        await orders({"uri": uri})
    assert len(far.asked) == 2


# ---- where nobody is asked


HOSTILE = [
    "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "//127.0.0.1/", "/etc/passwd", "", "http://", "nonsense",
    "http://127.0.0.1/", "http://localhost/", "http://LOCALHOST/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://127.1/", "http://0/", "http://0.0.0.0/", "http://[::]/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
    "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://[::ffff:169.254.169.254]/",
    "http://10.0.0.1/", "http://192.168.0.1/", "http://100.64.0.1/", "http://[fc00::1]/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://user:secret@127.0.0.1/", "http://1.1.1.1@127.0.0.1/", "http://127.0.0.1\\@1.1.1.1/", "http://127.0.0.1#@1.1.1.1/",
]  # fmt: skip


@pytest.mark.parametrize("uri", HOSTILE)
async def test_a_hostile_uri_is_given_up_and_nobody_is_asked(far: Far, uri: str) -> None:
    """Also where any host of the internet may be asked; and on the port of a server that would answer."""
    with_port = uri.replace("127.0.0.1/", f"{far.host}/").replace("localhost/", f"localhost:{far.port}/")
    for handler in (Orders("*", f"*:{far.port}"), Orders("api.example.org"), Orders()):
        for each in {uri, with_port}:
            with pytest.raises(GiveUp, match="is not fetched") as caught:
                await handler({"uri": each})
            assert "secret" not in str(caught.value)
    assert far.asked == []


@pytest.mark.parametrize("event", [{}, {"uri": None}, {"uri": 7}, {"url": "http://127.0.0.1"}])
async def test_an_event_without_a_uri_is_given_up(event: dict[str, Any]) -> None:
    with pytest.raises(GiveUp, match="expected an event with a uri"):
        await Orders("*")(event)


def named(monkeypatch: pytest.MonkeyPatch, **names: str) -> None:
    """A name server for these names, as it were; a dot stands as `_`."""

    async def getaddrinfo(self: object, host: str, port: int, **_: Any) -> list[Any]:
        address = names.get(host.replace(".", "_"), host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0", "fe80::1%eth0"]
)
async def test_a_name_of_the_list_that_leads_here_is_given_up(
    far: Far, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    named(monkeypatch, api_example_org=address)
    with pytest.raises(GiveUp, match="add the address itself to hosts if it may be asked"):
        await Orders(f"api.example.org:{far.port}")({"uri": f"http://api.example.org:{far.port}/"})
    assert far.asked == []


async def test_a_name_whose_address_is_in_the_list_too_is_asked_by_its_name(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, api_example_org="127.0.0.1")
    far.say("/a", {"number": 1})
    orders = Orders(f"*.example.org:{far.port}", far.host)
    assert await orders({"uri": f"http://API.example.org:{far.port}/a"})
    assert far.asked[0][1]["host"] == f"api.example.org:{far.port}"


async def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Certificates(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*made.issued("server", "subjectAltName=DNS:api.example.org"))
    monkeypatch.setattr(
        "workhorse.events.resource_fetch._tls", lambda: ssl.create_default_context(cafile=str(made.authority))
    )
    named(monkeypatch, api_example_org="127.0.0.1", web_example_org="127.0.0.1")
    far = Far(tls)
    try:
        far.say("/a", {"number": 1})
        orders = Orders(f"*.example.org:{far.port}", far.host)
        assert await orders({"uri": f"https://api.example.org:{far.port}/a"})
        with pytest.raises(FetchFailed, match=r"certificate is not valid for 'web\.example\.org'"):
            await orders({"uri": f"https://web.example.org:{far.port}/a"})
        assert len(far.asked) == 1
    finally:
        far.close()


async def test_localhost_may_be_asked_when_it_is_in_the_list(far: Far) -> None:
    far.say("/a", {"number": 1})
    assert await Orders(f"localhost:{far.port}")({"uri": f"http://localhost:{far.port}/a"})


async def test_a_redirect_is_followed_where_it_may_lead(far: Far) -> None:
    far.say("/new", {"number": 1})
    for status in (301, 302, 303, 307, 308):
        assert await Orders(far.host)({"uri": far.say(f"/{status}", status=status, location="/new")})


async def test_a_redirect_to_where_nobody_is_asked_is_given_up(far: Far) -> None:
    other = Far()
    try:
        other.say("/a", {"number": 1})
        for target in (
            other.uri("/a"),
            "file:///etc/passwd",
            "http://169.254.169.254/",
            "http://[::1]/",
            "//localhost/",
            "http://2130706433/",
        ):
            with pytest.raises(GiveUp, match="is not fetched"):
                await Orders(far.host)({"uri": far.say("/to", status=302, location=target)})
        assert other.asked == []
    finally:
        other.close()


async def test_redirects_have_an_end(far: Far) -> None:
    uri = far.say("/round", status=302, location="/round")
    with pytest.raises(FetchFailed, match="expected at most 3 redirects, got more"):
        await Orders(far.host, max_redirects=3)({"uri": uri})
    assert len(far.asked) == 4


async def test_headers_go_to_the_first_host_and_to_no_other(far: Far) -> None:
    class Secret(Orders):
        def headers(self, event: Mapping[str, Any]) -> Mapping[str, str]:
            return {"x-key": "secret"}

    other = Far()
    try:
        far.say("/there", status=302, location="/here")
        far.say("/here", status=302, location=other.uri("/a"))
        other.say("/a", {"number": 1})
        assert await Secret(far.host, other.host)({"uri": far.uri("/there")})
        assert [headers.get("x-key") for _, headers in far.asked] == ["secret", "secret"]
        assert "x-key" not in other.asked[0][1]
    finally:
        other.close()


async def test_a_proxy_of_the_environment_is_not_asked(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert await Orders(far.host)({"uri": far.say("/a", {"number": 1})})


# ---- as a subscriber's task


async def test_of_the_job_s_headers_only_those_that_are_named_are_passed_on(far: Far) -> None:
    app, orders, uri = Workhorse("memory://", name="q"), Orders(far.host), far.say("/a", {"number": 1})

    @app.task(headers={"traceparent": "00-1-2-01", "Authorization": "secret"}, name="handle")
    async def handle(event: dict[str, Any]) -> bool:
        return await orders(event)

    async with in_memory(app) as bench:
        await handle.enqueue({"uri": uri})
        await bench.drain()
        assert bench.results == [True]
    ((_, headers),) = far.asked
    assert headers["traceparent"] == "00-1-2-01"
    assert "authorization" not in headers
    assert Context.current() is None


async def test_a_resource_that_comes_late_is_handled_by_a_later_attempt(far: Far) -> None:
    app, orders = Workhorse("memory://", name="q", retry=Retry(3, Fixed(0))), Orders(far.host)
    said = iter([404, 404, 200])
    uri = far.compute("/late", lambda: (next(said), {}, b'{"number": 1}'))

    @app.task(name="handle")
    async def handle(event: dict[str, Any]) -> bool:
        return await orders(event)

    async with in_memory(app) as bench:
        job = await handle.enqueue({"uri": uri})
        await bench.drain()
        assert await job.status() == "succeeded"
        assert ["is not there yet: 404" in str(each.value) for each in await job.history()] == [True, True, False]
    assert orders.handled == [Order(1)]


# ---- what cannot work


NO_HOSTS = [
    "",
    "http://api.example.org",
    "api.example.org/",
    "*.",
    "a*b",
    "a b",
    "host:port",
    "host:99999",
    "host:0",
    "[::1",
    "*.*",
    ".",
]


@pytest.mark.parametrize("entry", NO_HOSTS)
def test_an_entry_that_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(DeclarationError, match="hosts: expected a host such as"):
        Hosts([entry])


def test_a_text_is_no_list_of_hosts() -> None:
    with pytest.raises(DeclarationError, match="expected a list of hosts"):
        Hosts("api.example.org")


@pytest.mark.parametrize(
    ("entry", "scheme", "host", "port", "meant"),
    [
        ("api.example.org", "https", "api.example.org", None, True),
        ("api.example.org", "http", "API.example.org.", 80, True),
        ("api.example.org", "https", "api.example.org", 8080, False),
        ("api.example.org:8080", "https", "api.example.org", 8080, True),
        ("api.example.org:8080", "https", "api.example.org", None, False),
        ("*.example.org", "https", "a.b.example.org", None, True),
        ("*.example.org", "https", "example.org", None, False),
        ("*.example.org", "https", "evil-example.org", None, False),
        ("*.example.org", "https", "example.org.evil.com", None, False),
        ("bücher.example", "https", "xn--bcher-kva.example", None, True),
        ("::1", "http", "::1", None, True),
        ("[0:0::1]:8080", "http", "::1", 8080, True),
        ("*", "https", "any.where", None, True),
        ("*", "https", "any.where", 22, False),
    ],
)
def test_an_entry_means_these_hosts(entry: str, scheme: str, host: str, port: int | None, meant: bool) -> None:
    hosts = Hosts([entry])
    if meant:
        hosts.check(scheme, host, port)
        return
    with pytest.raises(Refused, match="is not in hosts"):
        hosts.check(scheme, host, port)


def test_private_addresses_are_for_hosts_that_are_named() -> None:
    for address in ("10.0.0.1", "192.168.1.1", "fc00::1"):
        assert Hosts(["api.example.org", "*"]).permitted("https", "api.example.org", None, [address]) == [address]
        with pytest.raises(Refused):
            Hosts(["*"]).permitted("https", "api.example.org", None, [address])
    assert Hosts(["*"]).permitted("https", "api.example.org", None, ["1.1.1.1", "1.1.1.1"]) == ["1.1.1.1"]
    with pytest.raises(Refused):  # one of many is enough
        Hosts(["api.example.org"]).permitted("https", "api.example.org", None, ["1.1.1.1", "127.0.0.1"])


def test_httpx_is_asked_for_when_a_handler_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DeclarationError, match="expected httpx, which is not installed; pip install 'workhorse"):
        type("Later", (Orders,), {})


def test_the_name_of_a_class_is_not_the_class() -> None:
    with pytest.raises(DeclarationError, match=r"expected a class in ResourceHandler\[\.\.\.\], got its name"):

        class Later(ResourceHandler["Order"]): ...
