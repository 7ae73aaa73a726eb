"""Where each engine has its points."""

from importlib import import_module
from typing import Any

from crashing import install_in_worker


def install(url: str) -> None:
    """From now on this process passes points: those of its worker, and those of the engine that the URL names."""
    _engine(url).install()
    install_in_worker()


def prune_at(url: str, count: int) -> None:
    """From now on this process prunes when so many have ended, and so many at once."""
    pruning = _engine(url).pruning
    pruning.BATCH = pruning.WORN = count


def _engine(url: str) -> Any:
    return import_module(f"crashing_on.{url.partition(':')[0]}")
