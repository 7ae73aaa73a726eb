"""Every block of the documentation runs: a page's blocks in order, in an empty folder, beside its own workers."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages import PAGES, blocks
from reader import Reader


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to stand in; modules that a page writes there are forgotten afterwards."""
    known = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("WORKHORSE_URL", raising=False)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


SERVERS = {"postgresql": "postgres_url"}
"""Pages that speak of a server: which fixture gives the URL that `$WORKHORSE_URL` is there."""


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
def test_every_block_of_a_page_runs(
    page: Path, folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (server := SERVERS.get(page.stem)) is not None:
        monkeypatch.setenv("WORKHORSE_URL", request.getfixturevalue(server))
    with Reader(page, folder) as reader:
        for block in blocks(page):
            reader.follow(block)
