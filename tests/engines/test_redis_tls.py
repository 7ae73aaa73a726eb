"""Redis over TLS: the server's certificate is checked unless the URL says otherwise, and a client may show its own."""

import ssl
from pathlib import Path

import pytest

from certificates import SERVER, Certificates
from servers import Redis
from servers.fixtures import Own
from servers.process import answers
from workhorse.core.errors import BrokerUnavailable, DeclarationError
from workhorse.engine import Envelope
from workhorse.engines import open_engine
from workhorse.engines.redis import urls
from workhorse.engines.redis.engine import redis


class Secured(Redis):
    """One that speaks TLS only."""

    def __init__(self, certificates: Certificates, clients: str, name: str = SERVER) -> None:
        certificate, key = certificates.issued("server", name)
        super().__init__("redis", tls_cert_file=certificate, tls_key_file=key, tls_auth_clients=clients)
        self.config |= {"tls_port": self.port, "port": 0, "tls_ca_cert_file": certificates.authority}

    def up(self) -> bool:
        return answers(self.port)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


async def use(url: str) -> None:
    """Publish a job and claim it."""
    engine = redis(url)
    try:
        await engine.open()
        await engine.broker.publish([Envelope("a", "send", b"{}", "mail")])
        assert len(await engine.broker.claim(("mail",), 1, 30)) == 1
    finally:
        await engine.close()


async def test_a_server_whose_authority_is_known_is_spoken_to(own: Own, certificates: Certificates) -> None:
    server = own(Secured, certificates, "no")
    await use(f"rediss://{server.address}/0?ssl_ca_certs={certificates.authority}")


async def test_a_server_whose_authority_is_not_known_is_not(own: Own, certificates: Certificates) -> None:
    server = own(Secured, certificates, "no")
    with pytest.raises(BrokerUnavailable, match="certificate verify failed"):
        await use(f"rediss://{server.address}/0")
    await use(f"rediss://{server.address}/0?ssl_cert_reqs=none")


async def test_a_server_of_another_name_is_refused_unless_names_do_not_matter(
    own: Own, certificates: Certificates
) -> None:
    server = own(Secured, certificates, "no", "subjectAltName=DNS:elsewhere.example")
    url = f"rediss://{server.address}/0?ssl_ca_certs={certificates.authority}"
    with pytest.raises(BrokerUnavailable, match=r"IP address mismatch|doesn't match"):
        await use(url)
    await use(f"{url}&ssl_check_hostname=false")


async def test_a_client_shows_its_certificate_where_the_server_asks_for_one(
    own: Own, certificates: Certificates
) -> None:
    server = own(Secured, certificates, "yes")
    certificate, key = certificates.issued("client")
    url = f"rediss://{server.address}/0?ssl_ca_certs={certificates.authority}"
    with pytest.raises(BrokerUnavailable):
        await use(url)
    await use(f"{url}&ssl_certfile={certificate}&ssl_keyfile={key}")


async def test_a_url_without_tls_finds_no_server_there(own: Own, certificates: Certificates) -> None:
    server = own(Secured, certificates, "no")
    with pytest.raises(BrokerUnavailable):
        await use(f"redis://{server.address}/0?timeout=2")


def test_what_is_not_said_is_checked() -> None:
    tls = urls.place("rediss://one").tls
    assert tls is not None
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://one?ssl_ca_certs=ca.crt", "expected rediss://"),
        ("rediss://one?ssl_ca_certs=nowhere.crt", "readable files"),
        ("rediss://one?ssl_cert_reqs=maybe", "ssl_cert_reqs: expected required or optional or none"),
        ("rediss://one?ssl_check_hostname=no", "ssl_check_hostname: expected true or false"),
        ("rediss://one?ssl_ca_cert=x", "did you mean"),
    ],
)
def test_a_url_says_what_is_wrong_with_it(url: str, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        open_engine(url)
