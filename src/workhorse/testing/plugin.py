"""The pytest plugin: the fixture `bench`, for the app that your own fixture `app` returns."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from workhorse.testing import Bench


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> "Iterator[Bench]":
    """The app of the fixture `app`, in memory, with a manual clock. It needs no loop of its own, so that it goes with
    every plugin for async tests, and with tests that have none (`app.run`, `enqueue_sync`)."""
    from workhorse.testing.bench import benched  # not at import: pytest loads this in every project

    with benched(request.getfixturevalue("app")) as made:
        yield made
