"""TLS: what an URL's ssl_ options say, as a context; names and values are those that redis-py uses."""

import ssl
from collections.abc import Mapping
from typing import Final

from workhorse.core.errors import DeclarationError
from workhorse.engines.urls import one_of

OPTIONS: Final = ("ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname")
_REQS: Final = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}
_YES: Final = {"true": True, "false": False}


def context(shown: str, secure: bool, found: Mapping[str, str]) -> ssl.SSLContext | None:
    """None for a URL without TLS. Without options the server's certificate is checked against the system's authorities, and its name."""
    given = [name for name in OPTIONS if name in found]
    if not secure:
        if given:
            raise DeclarationError(f"{shown}: expected rediss:// where {given[0]} is given, got a URL without TLS")
        return None
    try:
        made = ssl.create_default_context(cafile=found.get("ssl_ca_certs"))
        if certificate := found.get("ssl_certfile"):
            made.load_cert_chain(certificate, found.get("ssl_keyfile"))
    except (OSError, ssl.SSLError) as error:
        raise DeclarationError(
            f"{shown}: expected readable files in ssl_ca_certs, ssl_certfile, ssl_keyfile: {error}"
        ) from None
    reqs = one_of(shown, "ssl_cert_reqs", found.get("ssl_cert_reqs", "required"), tuple(_REQS))
    named = one_of(shown, "ssl_check_hostname", found.get("ssl_check_hostname", "true"), tuple(_YES))
    made.check_hostname = reqs == "required" and _YES[named]
    made.verify_mode = _REQS[reqs]
    return made
