"""Finds the app that `shop:app` names: a module, importable from the current folder too, and a variable in it."""

import importlib
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

from workhorse.app import Workhorse
from workhorse.core.errors import DeclarationError, WorkhorseError
from workhorse.core.names import did_you_mean


def find_app(spec: str) -> Workhorse:
    """The app; DeclarationError, with the nearest name, when there is none there."""
    module_name, _, path = spec.partition(":")
    if not module_name or "/" in module_name or module_name.endswith(".py"):
        wanted = Path(module_name).stem or "shop"
        raise DeclarationError(f"app: expected MODULE:VARIABLE such as {wanted}:app, got {spec!r}")
    module = _import(module_name)
    return _named(module, path) if path else _only(module)


def _import(name: str) -> ModuleType:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            hint = did_you_mean(name, _modules(here))
            raise DeclarationError(
                f"app: no module is named {name!r}, neither in this folder ({here}) nor installed{hint}"
            ) from error
        raise _broken(name, error) from error
    except WorkhorseError:
        raise
    except Exception as error:
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> WorkhorseError:
    """The module is there, and raised while it was imported."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return WorkhorseError(
        f"the module {name!r} cannot be imported: {type(error).__name__}: {error} "
        f"({last.filename}, line {last.lineno}; --debug shows more)"
    )


def _modules(folder: str) -> list[str]:
    there = Path(folder)
    packages = [path.parent.name for path in there.glob("*/__init__.py")]
    return [path.stem for path in there.glob("*.py")] + packages


def _apps(module: ModuleType) -> dict[str, Workhorse]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Workhorse)}


def _named(module: ModuleType, path: str) -> Workhorse:
    found: object = module
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            apps = _apps(module)
            hint = did_you_mean(path, apps) or (f"; there is {', '.join(map(repr, apps))}" if apps else "")
            raise DeclarationError(f"app: {module.__name__!r} has no {path!r}{hint}") from None
    if not isinstance(found, Workhorse):
        raise DeclarationError(
            f"app: expected a Workhorse at {module.__name__}:{path}, got a {type(found).__name__}{_there_is(module)}"
        )
    return found


def _only(module: ModuleType) -> Workhorse:
    apps = _apps(module)
    if len({id(app) for app in apps.values()}) == 1:
        return next(iter(apps.values()))
    if not apps:
        raise DeclarationError(f"app: {module.__name__!r} has no Workhorse; write MODULE:VARIABLE, such as shop:app")
    which = ", ".join(f"{module.__name__}:{name}" for name in apps)
    raise DeclarationError(f"app: {module.__name__!r} has several; say which: {which}")


def _there_is(module: ModuleType) -> str:
    return "".join(f"; there is {module.__name__}:{name}" for name in list(_apps(module))[:1])
