"""What has no place here: code that runs what a message says, notes to self, and the paths of one machine."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "workhorse"

MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "imp", "runpy"}
CALLS = {"eval", "exec", "compile", "__import__"}
LOADERS = {"engines/__init__.py", "cli/finding.py", "worker/child.py"}
"""Who imports by a name: the engine of a URL, the app on the command line, a process task in its own worker's child.
None of these names ever comes out of a message."""

STRAYS = re.compile(
    r"\bTO"
    r"DO\b|\bFIX"
    r"ME\b|\bX"
    r"XX\b"
    r"|(?<![\w.~])/(?:home|root|Users|work|mnt)/[a-z]"
    r"|\b(?:pypi|pythonhosted|npmjs)\.(?:org|com)\b"
)


def trees() -> list[tuple[str, ast.Module]]:
    return [
        (path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in SOURCE.rglob("*.py")
    ]


def tracked() -> list[Path]:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
    paths = [ROOT / line for line in done.stdout.splitlines()] or list(ROOT.glob("*.*"))
    return [path for path in paths if path.is_file() and path != Path(__file__)]


def test_nothing_unpacks_or_runs_what_a_message_says() -> None:
    found = [(file, word) for file, tree in trees() for word in _dangerous(tree)]
    assert found == []


def test_only_three_doors_import_by_name() -> None:
    found = {file for file, tree in trees() for node in ast.walk(tree) if _loads(node)}
    assert found <= LOADERS


@pytest.mark.parametrize("path", tracked(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_notes_to_self_no_machine_paths_no_registries(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        pytest.fail(f"{path.relative_to(ROOT)} is not text")
    assert STRAYS.findall(text) == []


def _dangerous(tree: ast.Module) -> list[str]:
    words: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            words += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            words += [node.module or ""] if (node.module or "").split(".")[0] in MODULES else []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            words.append(node.func.id)
    return words


def _loads(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "import_module") or (
        isinstance(node, ast.ImportFrom) and any(alias.name == "import_module" for alias in node.names)
    )
