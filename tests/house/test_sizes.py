"""The sizes of the house: what is never exceeded fails; the aims are printed in the summary."""

import ast
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "workhorse"
FILES = sorted(SOURCE.rglob("*.py"))

FILE, FUNCTION, CONTRACT, NAMES = 400, 40, 9, 35

Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines_of(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    """Where each function stands, and how many lines its body has without the docstring."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
            last = node.end_lineno or node.lineno
            yield f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}", last - body[0].lineno + 1


def spread(sizes: Sequence[int]) -> str:
    middle = statistics.median(sizes)
    return f"median {middle:g}, 95 % under {statistics.quantiles(sizes, n=20)[-1] + 1:.0f}, longest {max(sizes)}"


def test_no_file_is_ever_longer_than_400_lines(say: Callable[[str], None]) -> None:
    sizes = {str(path.relative_to(SOURCE)): lines_of(path) for path in FILES}
    say(f"house: {len(sizes)} files, lines: {spread(list(sizes.values()))} (aim: median 100, 95 % under 250)")
    assert {file: size for file, size in sizes.items() if size > FILE} == {}


def test_no_function_body_is_ever_longer_than_40_lines(say: Callable[[str], None]) -> None:
    sizes = dict(found for path in FILES for found in functions_of(path))
    say(f"house: {len(sizes)} functions, lines: {spread(list(sizes.values()))} (aim: median 5, 95 % under 20)")
    assert {place: size for place, size in sizes.items() if size > FUNCTION} == {}


def test_each_part_of_the_contract_has_at_most_9_methods(say: Callable[[str], None]) -> None:
    tree = ast.parse((SOURCE / "core" / "contract.py").read_text(encoding="utf-8"))
    parts = {node.name: _methods(node) for node in tree.body if isinstance(node, ast.ClassDef)}
    methods = {name: verbs for name, verbs in parts.items() if verbs}
    say(
        "house: contract, methods: "
        + ", ".join(f"{name} {len(verbs)}" for name, verbs in methods.items())
        + " (aim: 8)"
    )
    assert {"Broker", "Store", "Inspector", "Engine"} <= methods.keys()
    assert {name: verbs for name, verbs in methods.items() if len(verbs) > CONTRACT} == {}


def test_the_package_has_at_most_35_public_names(say: Callable[[str], None]) -> None:
    import workhorse

    say(f"house: {len(workhorse.__all__)} public names (aim: 25)")
    assert len(workhorse.__all__) <= NAMES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_says_first_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree), "the first line of a file says what it is for"


def _methods(node: ast.ClassDef) -> list[str]:
    """Verbs: what is called, not what is read."""
    return [child.name for child in node.body if isinstance(child, Function) and not child.decorator_list]
