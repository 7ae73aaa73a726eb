"""What an app asks for and its engine cannot do is an error when it opens, and says what to do; what nobody asked for is none."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from workhorse import Every, Fixed, Linear, Priority, Retry, Saga, Workhorse
from workhorse.app.needs import NEEDS
from workhorse.core.options import FOR_TASKS
from workhorse.engine import Features
from workhorse.engines import SCHEMES
from workhorse.engines.keeping import Policy
from workhorse.engines.promises import everything
from workhorse.engines.sqlite import memory
from workhorse.engines.sqlite.broker import Broker
from workhorse.errors import DeclarationError, EngineRefused, JobNotFound
from workhorse.testing import drain, in_memory

Cripple = Callable[..., None]


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> Cripple:
    """Make every engine lack what is said."""

    def cripple(**less: Any) -> None:
        poor: Features = msgspec.structs.replace(everything(Policy()), **less)
        monkeypatch.setattr(Broker, "features", property(lambda _: poor))

    return cripple


def declared(**options: Any) -> Workhorse:
    app = Workhorse("memory://", name="shop")

    @app.task(**options)
    async def resize() -> None: ...

    return app


POOR: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "priority": ({"priority": Priority.HIGH}, {"priorities": 1}, "give urgent tasks a queue of their own"),
    "max_crashes": ({"max_crashes": 5}, {"counts_crashes": False}, "leave it out"),
    "fixed": ({"retry": Retry(3, Fixed(1000))}, {"max_delay": 900}, "max=900"),
    "linear": ({"retry": Retry(3, Linear(400, 400))}, {"max_delay": 900}, "waits up to 1200 s"),
    "exponential": ({"retry": Retry(20)}, {"max_delay": 900}, "waits up to 3600 s"),
}


@pytest.mark.parametrize(("options", "less", "fix"), POOR.values(), ids=POOR)
async def test_what_a_task_asks_for_in_vain_is_an_error_at_the_start_with_the_fix(
    options: dict[str, Any], less: dict[str, Any], fix: str, lacking: Cripple
) -> None:
    async with declared(**options):
        pass
    lacking(**less)
    with pytest.raises(DeclarationError, match="task resize") as caught:
        async with declared(**options):
            pass
    assert fix in str(caught.value)


async def test_what_nobody_said_is_not_asked_for(lacking: Cripple) -> None:
    lacking(priorities=1, counts_crashes=False, max_delay=900, lanes=False, unique=False)
    async with declared() as app:
        assert (await drain(app)).dead == 0


async def test_what_is_said_of_the_app_is_said_of_its_tasks(lacking: Cripple) -> None:
    lacking(counts_crashes=False)
    app = Workhorse("memory://", max_crashes=1)
    app.task(name="resize")(lambda: None)
    with pytest.raises(DeclarationError, match="task resize: max_crashes=1"):
        await app.engine()


async def test_a_function_of_ones_own_is_not_called_to_find_out(lacking: Cripple) -> None:
    lacking(max_delay=900)
    async with declared(retry=Retry(3, lambda retry: 1 / 0)):
        pass


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setitem(SCHEMES, "bare", "bare_engine:bare")
    yield "bare://without-a-store"
    memory.forget("without-a-store")


async def test_an_engine_without_a_store_asks_for_one_or_for_the_word_none(bare: str) -> None:
    with pytest.raises(EngineRefused, match=r"store='sqlite:///facts\.db'.* or store='none'"):
        await Workhorse(bare).engine()
    for store in ("memory://", "none"):
        app = Workhorse(bare, store=store)
        assert ((await app.engine()).store is None) == (store == "none")
        await app.close()


async def test_without_a_store_a_result_that_is_asked_for_is_an_error() -> None:
    app = Workhorse("memory://", store="none")
    app.task(name="resize", result_ttl=60)(lambda: None)
    with pytest.raises(DeclarationError, match=r"task resize: result_ttl=60.*store=.*or say result_ttl=0"):
        await app.engine()


async def test_without_a_store_a_schedule_is_an_error_with_the_fix() -> None:
    app = Workhorse("memory://", store="none")
    app.task(name="tick", schedule=Every(minutes=5))(lambda: None)
    with pytest.raises(DeclarationError, match=r"task tick: schedule=Every.*no store keeps its ticks.*store='sqlite"):
        await app.engine()


async def test_without_a_store_jobs_run_and_no_result_is_kept() -> None:
    app = Workhorse("memory://", store="none")

    @app.task
    async def one() -> int:
        return 1

    async with app:
        job = await one.enqueue()
        assert (await drain(app)).succeeded == 1
        assert await job.status() == "succeeded"
        assert [attempt.successful for attempt in await job.history()] == [True]
        with pytest.raises(JobNotFound, match="give the app a store="):
            await job.result()


async def test_a_store_of_its_own_keeps_results(database_url: str) -> None:
    app = Workhorse(database_url, store="memory://")

    @app.task
    async def one() -> int:
        return 1

    async with app:
        job = await one.enqueue()
        await drain(app)
        assert await job.result() == 1
    assert app.store is not None
    assert app.store.startswith("memory://app-")


async def test_a_bench_has_the_facts_beside_the_jobs_as_the_app_has_none_or_some() -> None:
    app = Workhorse("memory://", store="sqlite:///nowhere/facts.db")

    @app.task
    async def one() -> int:
        return 1

    async with in_memory(app) as bench:
        await one.enqueue()
        await bench.drain()
        assert bench.results == [1]


@pytest.mark.parametrize("store", ["facts.db", "nosuch://x", "sqlite:///facts.db?retian=1"])
def test_a_store_that_cannot_work_is_an_error_where_the_app_is_made(store: str) -> None:
    with pytest.raises(DeclarationError):
        Workhorse("memory://", store=store)


def test_every_need_is_of_an_option_that_there_is() -> None:
    assert NEEDS.keys() <= FOR_TASKS


def with_saga(**options: Any) -> Workhorse:
    app = Workhorse("memory://", name="shop", **options)

    @app.saga
    async def sign_up(saga: Saga) -> int:
        return 1

    return app


async def test_a_saga_without_a_store_is_an_error_at_the_start_with_the_fix(lacking: Cripple) -> None:
    with pytest.raises(DeclarationError, match=r"saga sign_up: its journal needs a store.*store="):
        async with with_saga(store="none"):
            pass
    lacking(lanes=False)
    with pytest.raises(DeclarationError, match="saga sign_up: its turns need a lane"):
        async with with_saga():
            pass


async def test_a_saga_runs_with_its_journal_in_another_store() -> None:
    app = with_saga(store="memory://facts-of-sagas")
    async with app:
        handle = await app.registry.find("sign_up").enqueue()
        await drain(app)
        assert await handle.result() == 1
