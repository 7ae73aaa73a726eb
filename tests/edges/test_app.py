"""The front door: enqueueing one and many, from every kind of caller, and what it says when something does not fit."""

import asyncio
import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from workhorse import Job, Retry, Router, Workhorse
from workhorse.core.happenings import Enqueued
from workhorse.engine import Answer, BrokerUnavailable, Envelope
from workhorse.errors import DeclarationError, EnqueueRefused, JobNotFound, WorkhorseError
from workhorse.testing import drain, in_memory


def make(url: str = "memory://", **settings: object) -> Workhorse:
    app = Workhorse(url, name="shop", **settings)

    @app.task(name="resize")
    async def resize(path: str, width: int = 256) -> str:
        return f"{path}@{width}"

    return app


def resize(app: Workhorse, *args: object, **kwargs: object) -> Job[object]:
    return app.registry.find("resize").job(*args, **kwargs)


async def test_every_job_of_many_is_enqueued_and_runs(database_url: str) -> None:
    async with make(database_url) as app:
        handles = await app.enqueue_many(resize(app, str(n)) for n in range(3001))
        assert len({handle.id for handle in handles}) == 3001
        assert (await drain(app)).succeeded == 3001
        assert await handles[3000].result() == "3000@256"


async def test_what_does_not_fit_is_refused_by_id_and_the_others_are_enqueued() -> None:
    async with make() as app:
        bad = resize(app, 5)
        with pytest.raises(EnqueueRefused) as caught:
            await app.enqueue_many([resize(app, "a"), bad, resize(app, "b")])
        ((id, reason),) = caught.value.refused
        assert id == bad.id
        assert "path" in reason
        assert (await drain(app)).succeeded == 2


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), ((1,), {}), (("a", "b"), {}), (("a", 1, 2), {}), (("a",), {"widht": 2}), (("a",), {"path": "b"})],
)
async def test_arguments_that_do_not_fit_are_refused_at_the_call(
    args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    async with make() as app:
        with pytest.raises(EnqueueRefused):
            await app.registry.find("resize").enqueue(*args, **kwargs)
        assert (await drain(app)).succeeded == 0


async def test_concurrent_enqueues_share_one_publish(monkeypatch: pytest.MonkeyPatch) -> None:
    async with make() as app:
        broker = (await app.engine()).broker
        assert broker is not None
        batches: list[int] = []
        publish = broker.publish

        async def counting(jobs: Sequence[Envelope]) -> list[Answer]:
            batches.append(len(jobs))
            return await publish(jobs)

        monkeypatch.setattr(broker, "publish", counting)
        await asyncio.gather(*(app.enqueue(resize(app, str(n))) for n in range(50)))
        assert batches == [50]


async def test_the_same_job_enqueued_twice_is_one_job() -> None:
    async with make() as app:
        job = resize(app, "a")
        first, second = await app.enqueue(job), await app.enqueue(job)
        assert first == second
        assert (await drain(app)).succeeded == 1


async def test_a_given_id_is_unique_while_it_is_stored() -> None:
    async with make() as app:
        task = app.registry.find("resize").options(id="resize-cat")
        await asyncio.gather(*(task.enqueue(str(n)) for n in range(20)))
        assert (await drain(app)).succeeded == 1
        assert await task.handle("resize-cat").status() == "succeeded"


async def test_an_argument_over_the_limit_is_refused_with_the_limit_named() -> None:
    async with make(max_size=1000) as app:
        with pytest.raises(EnqueueRefused, match="max_size is 1,000"):
            await app.enqueue(resize(app, "x" * 1001))
    async with make() as app:
        with pytest.raises(EnqueueRefused, match="max_size"):
            await app.enqueue(resize(app, "x" * 10_000_000))


async def test_options_of_one_job_reach_it() -> None:
    app = make()
    async with in_memory(app) as bench:
        task = app.registry.find("resize")
        at = bench.clock.now() + timedelta(hours=1)
        await task.options(at=at).enqueue("at")
        await task.options(delay=timedelta(minutes=5)).enqueue("delay")
        assert (await bench.drain()).succeeded == 0
        bench.clock.advance(301)
        await bench.drain()
        assert bench.results == ["delay@256"]
        bench.clock.advance(3600)
        await bench.drain()
        assert bench.results == ["delay@256", "at@256"]


async def test_a_job_by_name_goes_to_the_apps_own_queue_and_a_remote_one_to_its() -> None:
    async with make() as app:
        seen: list[Job[object]] = []
        app.bus.listen(Enqueued, lambda it: seen.extend(it.jobs))
        await app.enqueue(app.job("resize", "dog.png"))
        await app.remote("billing.invoice", queue="billing", delay=30).enqueue(42, currency="EUR")
        assert [(job.task, job.queue) for job in seen] == [("resize", "shop"), ("billing.invoice", "billing")]
        assert (await drain(app)).succeeded == 1


def test_synchronous_callers_need_no_loop(database_url: str) -> None:
    app = make(database_url)
    handle = app.registry.find("resize").enqueue_sync("dog.png")
    app.run(drain(app))
    assert app.run(handle.result(timeout=10)) == "dog.png@256"
    app.run(app.close())


async def test_synchronous_callers_may_stand_beside_a_running_loop(database_url: str) -> None:
    app = make(database_url)
    async with app:
        handle = app.registry.find("resize").enqueue_sync("dog.png")
        assert app.run(handle.status()) == "ready"
        assert (await drain(app)).succeeded == 1


def test_run_inside_of_run_is_an_error_not_a_deadlock() -> None:
    app = make()

    async def inside() -> None:
        app.run(app.engine())

    with pytest.raises(WorkhorseError, match="await the call instead"):
        app.run(inside())
    app.run(app.close())


def test_each_loop_has_an_engine_of_its_own_and_a_closed_loops_is_dropped(database_url: str) -> None:
    app = make(database_url)
    before = threading.active_count()
    engines = [asyncio.run(app.engine()) for _ in range(20)]
    assert len({id(engine) for engine in engines}) == 20
    assert threading.active_count() <= before + 4
    asyncio.run(app.close())


def test_a_forked_child_enqueues_by_a_connection_of_its_own(database_url: str) -> None:
    app = make(database_url)

    async def parent() -> None:
        await app.enqueue(resize(app, "parent"))
        child = os.fork()
        if child == 0:
            try:
                thread = threading.Thread(target=lambda: asyncio.run(enqueue()))
                thread.start()
                thread.join()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert (await drain(app)).succeeded == 2

    async def enqueue() -> None:
        await app.enqueue(resize(app, "child"))

    asyncio.run(parent())


async def test_two_apps_with_one_task_name_do_not_meet() -> None:
    first, second = make(), make()
    async with first, second:
        await first.enqueue(resize(first, "a"))
        assert (await drain(second)).succeeded == 0
        assert (await drain(first)).succeeded == 1


async def test_the_first_call_opens_the_app_and_close_closes_it() -> None:
    app = make()
    handle = await app.enqueue(resize(app, "a"))
    engine = await app.engine()
    await app.close()
    assert await app.engine() is not engine
    assert await handle.status() == "ready"
    await app.close()


async def test_an_engine_that_does_not_answer_is_a_clear_error_with_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    async with make(enqueue_timeout=0.05) as app:
        broker = (await app.engine()).broker

        async def silent(jobs: Sequence[Envelope]) -> list[Answer]:
            await asyncio.Event().wait()
            return []

        monkeypatch.setattr(broker, "publish", silent)
        job = resize(app, "a")
        with pytest.raises(BrokerUnavailable, match=r"did not answer within 0.05 s.*same id") as caught:
            await app.enqueue(job)
        assert caught.value.jobs == (job,)


async def test_a_broker_that_comes_back_in_time_is_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with make() as app:
        broker = (await app.engine()).broker
        assert broker is not None
        publish, failures = broker.publish, [BrokerUnavailable("away")]

        async def flaky(jobs: Sequence[Envelope]) -> list[Answer]:
            if failures:
                raise failures.pop()
            return await publish(jobs)

        monkeypatch.setattr(broker, "publish", flaky)
        await app.enqueue(resize(app, "a"))
        assert (await drain(app)).succeeded == 1


async def test_a_result_is_waited_for_and_its_waiter_woken(database_url: str) -> None:
    async with make(database_url) as app:
        handle = await app.enqueue(resize(app, "a"))
        waiting = asyncio.create_task(handle.result(timeout=30))
        await drain(app)
        async with asyncio.timeout(5):  # a poll would look again after 30 s
            assert await waiting == "a@256"


async def test_a_result_that_does_not_come_times_out() -> None:
    async with make() as app:
        handle = await app.enqueue(resize(app, "a"))
        with pytest.raises(TimeoutError, match="has not ended"):
            await handle.result(timeout=0.01)


async def test_nothing_is_known_of_an_id_that_never_was() -> None:
    async with make() as app:
        handle = app.registry.find("resize").handle("nobody")
        with pytest.raises(JobNotFound):
            await handle.status()
        with pytest.raises(JobNotFound):
            await handle.result(timeout=1)
        assert await handle.cancel() is False


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlit:///a.db", "did you mean 'sqlite'"),
        ("a.db", "expected one such as"),
        ("sqlite:///a.db?synchronus=full", "did you mean"),
    ],
)
def test_a_url_that_cannot_work_is_refused_when_the_app_is_made(url: str, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        Workhorse(url)


def test_the_url_comes_from_the_environment_and_never_shows_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKHORSE_URL", "sqlite:///from-env.db")
    assert Workhorse().url == "sqlite:///from-env.db"
    from workhorse.app import urls

    assert urls.shown("postgresql://ada:hunter2@db/x?a=b") == "postgresql://ada:***@db/x"


async def test_a_task_of_a_router_belongs_to_the_app_that_includes_it() -> None:
    router = Router(prefix="billing.", retry=Retry(7))

    @router.task
    async def invoice(number: int) -> int:
        return number

    app = Workhorse("memory://")
    app.include(router)
    async with app:
        job = await invoice.enqueue(3)
        await drain(app)
        assert await job.result() == 3
    assert app.registry.find("billing.invoice").settings.retry == Retry(7)


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(DeclarationError, match="naive"):
        make().registry.find("resize").options(at=datetime(2030, 1, 1))
    make().registry.find("resize").options(at=datetime(2030, 1, 1, tzinfo=UTC))
