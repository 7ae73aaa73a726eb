"""Engines: one line a scheme; a third party's come by entry points of the group `workhorse.engines`."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final
from urllib.parse import urlsplit

from workhorse.core.contract import Engine
from workhorse.core.errors import DeclarationError
from workhorse.core.names import did_you_mean

SCHEMES: Final = {
    "sqlite": "workhorse.engines.sqlite.engine:sqlite",
    "memory": "workhorse.engines.sqlite.engine:in_memory",
    "postgresql": "workhorse.engines.postgres.engine:postgres",
    "postgres": "workhorse.engines.postgres.engine:postgres",
    "redis": "workhorse.engines.redis.engine:redis",
    "rediss": "workhorse.engines.redis.engine:redis",
    "redis+sentinel": "workhorse.engines.redis.engine:redis",
    "rediss+sentinel": "workhorse.engines.redis.engine:redis",
}
EXTRAS: Final = {"asyncpg": "postgres", "hiredis": "redis"}
"""What to install for the packages that some of them need."""

GROUP: Final = "workhorse.engines"


def open_engine(url: str) -> Engine:
    """The engine that the URL names, not yet open; DeclarationError says what is wrong with the URL."""
    scheme = urlsplit(url).scheme
    if "://" not in url or not scheme:
        raise DeclarationError("a URL: expected one like sqlite:///jobs.db or memory://, got one without a scheme")
    return _factory(scheme)(url)


def _factory(scheme: str) -> Callable[[str], Engine]:
    if scheme in SCHEMES:
        module, _, name = SCHEMES[scheme].partition(":")
        try:
            found: Callable[[str], Engine] = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            raise _without(scheme, error) from error
        return found
    others = {point.name: point for point in entry_points(group=GROUP)}
    if scheme not in others:
        known = [*SCHEMES, *others]
        raise DeclarationError(
            f"a URL: expected a scheme of {', '.join(known)}, got {scheme!r}{did_you_mean(scheme, known)}"
        )
    try:
        loaded: Callable[[str], Engine] = others[scheme].load()
    except ImportError as error:
        dist = others[scheme].dist
        extra = f"pip install '{dist.name}[{scheme}]'" if dist else "install its package again"
        raise DeclarationError(f"{scheme}:// needs a package that is not here ({error}): {extra}") from error
    return loaded


def _without(scheme: str, error: ModuleNotFoundError) -> Exception:
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        return error
    return DeclarationError(f"{scheme}:// needs a package that is not here ({error}): pip install 'workhorse[{extra}]'")
