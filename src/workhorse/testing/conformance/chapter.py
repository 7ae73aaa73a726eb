"""What every chapter stands on: the engine under test, its parts as fixtures, and the skips of what it does not promise."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeVar, cast

import pytest
import pytest_asyncio

from workhorse.core.ids import new_id
from workhorse.engine import Broker, Engine, Inspector, Statements, Store

Tested = TypeVar("Tested", bound=Callable[..., Any])
_NEEDS = "__conformance_needs__"


def needs(*promises: str, **least: float) -> Callable[[Tested], Tested]:
    """Run this test, or each test of this class, only where the engine makes these promises.

    A promise is the name of a field of `Features` (`lanes`, `fenced`, `max_delay=60`: at least so much), a part of the engine
    (`store`, `inspector`), or what the test file says of itself: `reopens`, `transacts`, `own_time`.
    """

    asked = {**dict.fromkeys(promises, 0.0), **least}

    def mark(tested: Tested) -> Tested:
        for test in _tests(tested):
            setattr(test, _NEEDS, {**asked_of(test), **asked})
        return tested

    return mark


def asked_of(test: object) -> dict[str, float]:
    """The promises that a test stands on, and how much of each."""
    return getattr(test, _NEEDS, {})


class Chapter:
    """The part that an engine's test file fills in.

    An engine gives `engine(name)` and `pass_time(seconds)`; all else is given. Each test meets an engine with nothing in it.
    """

    pytestmark = pytest.mark.asyncio

    reopens = True
    """False where nothing outlives the last `close()`."""

    transacts = True
    """False where `transact` cannot be given, though Features promises statements."""

    own_time = True
    """False where the engine under test goes by the wall clock of the process that calls it: nobody can be off by himself then."""

    without: Collection[str] = ()
    """Promises that the engine under test is known not to make: their tests are not even skipped, and one that it makes fails them all."""

    def engine(self, name: str) -> Engine:
        """A new Engine, not yet opened; within one test the same name is the same data, as for two workers of one database.
        A name is never used again, in later runs neither: at most 40 lower-case letters, digits and dashes."""
        raise NotImplementedError("an engine's test file gives engine(name)")

    async def pass_time(self, seconds: float) -> None:
        """Let so much of the engine's time pass: move the clock that it goes by, or wait."""
        raise NotImplementedError("an engine's test file gives pass_time(seconds)")

    async def transact(self, name: str, statements: Sequence[tuple[str, tuple[object, ...]]], *, commit: bool) -> None:
        """Run statements in one transaction, on a connection that is not the engine's; SQL engines only."""
        raise NotImplementedError("an SQL engine's test file gives transact(name, statements, commit=)")

    @pytest.fixture
    def name(self, request: pytest.FixtureRequest) -> str:
        """The data of this test."""
        return f"{request.function.__name__[5:29].strip('_')}-{new_id()[-12:]}".replace("_", "-")

    @pytest_asyncio.fixture
    async def opened(self, name: str, request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
        """The engine under test, open; skips what it does not promise."""
        async with AsyncExitStack() as stack:
            engine = await _open(self.engine(name), stack)
            self._skip_unpromised(engine, asked_of(request.function))
            yield engine

    @pytest_asyncio.fixture
    async def other(self, name: str) -> AsyncIterator[Engine]:
        """A second worker's engine on the same data, open."""
        async with AsyncExitStack() as stack:
            yield await _open(self.engine(name), stack)

    @pytest.fixture
    def broker(self, opened: Engine) -> Broker:
        return _part(opened.broker, "broker")

    @pytest.fixture
    def other_broker(self, other: Engine) -> Broker:
        return _part(other.broker, "broker")

    @pytest.fixture
    def store(self, opened: Engine) -> Store:
        return _part(opened.store, "store")

    @pytest.fixture
    def other_store(self, other: Engine) -> Store:
        return _part(other.store, "store")

    @pytest.fixture
    def inspector(self, opened: Engine) -> Inspector:
        return _part(opened.inspector, "inspector")

    @pytest.fixture
    def statements(self, opened: Engine) -> Statements:
        return _part(opened.statements, "statements")

    def __init_subclass__(cls, **options: Any) -> None:
        """Two chapters with one test name would silently be one test: refused. What stands on a promise not made is left out."""
        super().__init_subclass__(**options)
        seen: dict[str, type] = {}
        for chapter in cls.__mro__[1:]:
            for test in (each for each in vars(chapter) if each.startswith("test_")):
                if (first := seen.setdefault(test, chapter)) is not chapter and not issubclass(first, chapter):
                    raise TypeError(f"{test} stands in {first.__name__} and in {chapter.__name__}; rename one")
        for test in seen:
            if not asked_of(getattr(cls, test)).keys().isdisjoint(cls.without):
                setattr(cls, test, None)

    def _skip_unpromised(self, engine: Engine, asked: dict[str, float]) -> None:
        made = [promise for promise in self.without if self._value(engine, promise)]
        assert not made, (
            f"expected an engine without {', '.join(made)}, got one that promises it; take it out of `without`"
        )
        for promise, least in asked.items():
            value = self._value(engine, promise)
            if not value or (least and cast(float, value) < least):
                wanted = f" of {least:g} or more" if least else ""
                pytest.skip(f"not promised: {promise}{wanted} (this engine says {value!r})")

    def _value(self, engine: Engine, promise: str) -> object:
        features = engine.broker.features if engine.broker is not None else None
        if promise in ("reopens", "transacts", "own_time"):
            return getattr(self, promise)
        return getattr(features, promise) if hasattr(features, promise) else getattr(engine, promise) is not None


def _tests(tested: object) -> list[object]:
    members: list[object] = list(vars(tested).values()) if isinstance(tested, type) else [tested]
    return [each for each in members if getattr(each, "__name__", "").startswith("test_")]


async def _open(engine: Engine, stack: AsyncExitStack) -> Engine:
    stack.push_async_callback(engine.close)
    await engine.open()
    return engine


Part = TypeVar("Part")


def _part(part: Part | None, name: str) -> Part:
    if part is None:
        pytest.skip(f"not promised: {name} (this engine has none)")
    return part
