"""A Task: jobs made of it, its options, calling it."""

import asyncio
import functools
import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from small_app import SmallApp
from workhorse.core.context import Context
from workhorse.core.errors import DeclarationError
from workhorse.core.job import Priority
from workhorse.core.retry import Fixed, Retry
from workhorse.core.task import AsyncFunction, Function, remote

app = SmallApp(headers={"from": "app"})


@app.task
async def resize(path: str, width: int = 256) -> str:
    """Make it smaller."""
    return f"{path}@{width}"


@app.task(queue="mail", priority=Priority.HIGH, timeout=30, expires=60, headers={"kind": "mail"})
def send_mail(to: str, subject: str = "") -> str:
    return to


@app.task
def import_file(ctx: Context, path: str) -> int:
    return ctx.attempt


def test_a_job_carries_what_its_task_declares() -> None:
    job = send_mail.job("ada", subject="hello")
    assert (job.task, job.args, job.kwargs) == ("send_mail", ("ada",), {"subject": "hello"})
    assert (job.queue, job.priority, job.headers) == ("mail", Priority.HIGH, {"from": "app", "kind": "mail"})
    assert job.options == {"expires": 60.0}
    plain = resize.job("a")
    assert (plain.queue, plain.priority, plain.headers, plain.options) == (
        "shop",
        Priority.MEDIUM,
        {"from": "app"},
        {},
    )


def test_every_job_has_an_id_of_its_own_and_they_sort_by_time() -> None:
    ids = [resize.job("a").id for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert ids[0][:8] <= ids[-1][:8]


def test_options_are_those_of_one_job_and_leave_the_task_alone() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    once = send_mail.options(
        queue="slow", priority=Priority.LOW, timeout=None, at=at, id="mail-1", headers={"kind": "slow"}, result_ttl=0
    )
    job = once.job("ada")
    assert (job.id, job.queue, job.priority) == ("mail-1", "slow", Priority.LOW)
    assert job.headers == {"from": "app", "kind": "slow"}
    assert job.options == {"timeout": None, "at": at.timestamp(), "result_ttl": 0.0, "expires": 60.0}
    assert send_mail.job("ada").queue == "mail"
    assert type(once) is Function
    assert type(resize.options(delay=3)) is AsyncFunction


def test_options_add_up_and_the_later_wins() -> None:
    once = resize.options(delay=timedelta(minutes=5), timeout=1).options(timeout=2).options(max_crashes=1)
    assert once.job("a").options == {"delay": 300.0, "timeout": 2.0, "max_crashes": 1}
    assert send_mail.options(expires=None).job("a").options == {"expires": None}


def test_declared_retry_and_timeout_do_not_travel_with_the_job() -> None:
    @SmallApp().task(retry=Retry(5, lambda n: n), timeout=3, max_crashes=7, result_ttl=9)
    def declared() -> None: ...

    assert declared.job().options == {}
    assert declared.options(retry=Retry(1, Fixed(2))).job().options == {"retry": Retry(1, Fixed(2))}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"dealy": 3}, TypeError),
        ({"run_in": "process"}, TypeError),
        ({"name": "other"}, TypeError),
        ({"connection": object()}, TypeError),
        ({"delay": -1}, DeclarationError),
        ({"delay": 1, "at": datetime(2026, 1, 1, tzinfo=UTC)}, DeclarationError),
        ({"at": datetime(2026, 1, 1)}, DeclarationError),
        ({"id": "a b"}, DeclarationError),
        ({"retry": Retry(3, on=(OSError,))}, DeclarationError),
    ],
)
def test_options_that_cannot_be_are_refused_where_they_are_said(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        resize.options(**options)


async def test_enqueue_gives_the_job_to_the_app_and_returns_its_handle() -> None:
    handle = await resize.options(id="cat").enqueue("cat.png", width=3)
    job = app.enqueued[-1]
    assert (handle.id, job.id, job.args, job.kwargs) == ("cat", "cat", ("cat.png",), {"width": 3})


def test_enqueue_sync_does_the_same_without_a_loop() -> None:
    handle = resize.enqueue_sync("dog.png")
    assert app.enqueued[-1].id == handle.id
    assert app.enqueued[-1].args == ("dog.png",)


async def test_a_handle_is_found_again_by_its_id() -> None:
    handle = resize.handle("cat")
    assert repr(handle) == "JobHandle('cat')"
    assert await handle.status() == "ready"
    assert await handle.cancel() is True
    assert await handle.history() == []
    with pytest.raises(DeclarationError, match="timeout"):
        await handle.result(timeout=-1)
    assert app.asked[-3:] == [("status", "cat"), ("cancel", "cat"), ("history", "cat")]


async def test_a_result_waits_for_seconds_or_a_timedelta_and_is_decoded() -> None:
    handle = await resize.enqueue("a")
    assert await handle.result(timeout=timedelta(minutes=1)) == "the result"
    assert await handle.result() == "the result"
    assert [asked[2] for asked in app.asked[-2:]] == [60.0, None]


async def test_handles_of_one_job_are_equal() -> None:
    assert resize.handle("cat") == resize.handle("cat")
    assert resize.handle("cat") != resize.handle("dog")
    assert resize.handle("cat") != SmallApp().task(name="resize")(send_mail.fn).handle("cat")
    assert len({resize.handle("cat"), resize.handle("cat")}) == 1


async def test_a_task_is_still_its_function() -> None:
    assert await resize("a.png") == "a.png@256"
    assert send_mail("ada") == "ada"
    assert import_file(Context(attempt=4), "a.txt") == 4
    assert await asyncio.to_thread(send_mail, "ada") == "ada"
    assert await resize.options(delay=3)("a.png", width=1) == "a.png@1"


def test_a_task_looks_like_its_function() -> None:
    named: Any = resize
    assert (named.__name__, named.__doc__, named.__module__) == ("resize", "Make it smaller.", __name__)
    assert list(inspect.signature(resize).parameters) == ["path", "width"]
    assert repr(resize) == "AsyncFunction('resize')"


def test_a_task_tells_how_it_is_run() -> None:
    assert (resize.run_in, send_mail.run_in, import_file.run_in) == ("async", "thread", "thread")
    assert (resize.takes_context, import_file.takes_context) == (False, True)
    assert resize.fn is inspect.unwrap(resize)
    assert send_mail.settings.timeout == 30.0


def test_what_has_no_name_of_its_own_is_given_one() -> None:
    for fn in (lambda: 1, functools.partial(send_mail.fn, "ada")):
        with pytest.raises(DeclarationError, match=r"task\(name=\.\.\.\)"):
            app.task(fn)
    assert SmallApp().task(name="nameless")(lambda: 1).name == "nameless"


def test_a_task_of_a_task_is_refused() -> None:
    with pytest.raises(DeclarationError, match="a task already"):
        app.task(resize)


async def test_a_task_of_another_service_is_known_by_name_alone() -> None:
    elsewhere = remote("billing.invoice", app.registry.find("resize").settings, app, {"queue": "billing", "delay": 30})
    await elsewhere.enqueue(42, currency="EUR")
    job = app.enqueued[-1]
    assert (job.task, job.queue, job.args, job.kwargs) == ("billing.invoice", "billing", (42,), {"currency": "EUR"})
    assert job.options == {"delay": 30.0}
    assert repr(elsewhere.options(delay=1)) == "RemoteTask('billing.invoice')"
    with pytest.raises(DeclarationError, match="expected 1 to 200"):
        remote("no name", elsewhere.settings, app, {})
