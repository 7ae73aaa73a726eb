"""The floors of the house: the contracts in pyproject.toml hold, engines are strangers, and no import comes round."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("workhorse", cache_dir=None)


def test_imports_go_downward_only() -> None:
    run = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", run], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_import_comes_round(graph: grimp.ImportGraph) -> None:
    rounds = [
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if graph.chain_exists(importer=imported, imported=module)
    ]
    assert rounds == []


def test_engines_are_strangers_to_each_other(graph: grimp.ImportGraph) -> None:
    engines = {child for child in graph.find_children("workhorse.engines") if graph.find_children(child)}
    meetings = [
        (one, other)
        for one in engines
        for other in engines - {one}
        if graph.chain_exists(importer=one, imported=other, as_packages=True)
    ]
    assert engines, "no engine found"
    assert meetings == []


def test_nothing_above_the_app_is_known_below_it(graph: grimp.ImportGraph) -> None:
    """A user who imports `workhorse` pays for no command line and no test kit."""
    known = graph.find_upstream_modules("workhorse")
    above = {"cli", "integrations", "testing", "serverless", "dashboard", "observe", "cloud"}
    assert {module for module in known if module.split(".")[1:2] and module.split(".")[1] in above} == set()
