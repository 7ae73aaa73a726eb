"""Which release this is."""

from importlib.metadata import PackageNotFoundError, version


def release(package: str = "workhorse") -> str:
    """The installed version of a package; `unknown` when it runs from a checkout that was never installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
