"""What a user may import is listed, sorted, documented in the code, and named in the docs."""

import importlib
import inspect
import re
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    "workhorse",
    "workhorse.actions",
    "workhorse.engine",
    "workhorse.errors",
    "workhorse.events",
    "workhorse.testing",
    "workhorse.testing.faults",
    "workhorse.wire",
]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("module", MODULES)
def test_public_names_are_sorted_and_there(module: str) -> None:
    loaded = importlib.import_module(module)
    assert list(loaded.__all__) == sorted(set(loaded.__all__))
    assert [name for name in loaded.__all__ if not hasattr(loaded, name)] == []


@pytest.mark.parametrize("module", MODULES)
def test_every_name_without_an_underscore_is_listed(module: str) -> None:
    loaded = importlib.import_module(module)
    ours = {name for name, value in vars(loaded).items() if name[0] != "_" and _is_ours(value)}
    assert ours - set(loaded.__all__) == set()


@pytest.mark.parametrize("module", MODULES)
def test_every_public_class_function_and_method_has_a_docstring(module: str) -> None:
    assert [place for name in importlib.import_module(module).__all__ for place in _silent(module, name)] == []


@pytest.mark.parametrize(
    "module",
    [
        "workhorse",
        "workhorse.actions",
        "workhorse.errors",
        "workhorse.events",
        "workhorse.testing",
        "workhorse.testing.faults",
        "workhorse.wire",
    ],
)
def test_every_public_name_stands_in_the_docs(module: str) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    names = importlib.import_module(module).__all__
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def _is_ours(value: object) -> bool:
    return getattr(value, "__module__", "").startswith("workhorse") and not isinstance(value, TypeVar | ParamSpec)


def _silent(module: str, name: str) -> list[str]:
    """The name itself, or the methods of the class, that say nothing of themselves."""
    thing = getattr(importlib.import_module(module), name)
    if not inspect.isclass(thing):
        return [] if not callable(thing) or inspect.getdoc(thing) else [name]
    if not thing.__module__.startswith("workhorse"):
        return []
    silent = [] if thing.__doc__ else [name]
    for label, member in vars(thing).items():
        inner = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if label[0] != "_" and inspect.isfunction(inner) and not inspect.getdoc(getattr(thing, label)):
            silent.append(f"{name}.{label}")
    return silent
