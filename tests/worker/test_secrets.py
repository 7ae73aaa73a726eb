"""Planted secrets: they are in URLs and headers, and in nothing that anyone sees: reprs, errors, log lines, commands."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faulty_engine import lined
from shell import Shell, shells
from workhorse import Context, Fixed, Retry, RetryLater, Workhorse
from workhorse.app import urls
from workhorse.core import happenings
from workhorse.engine import Claim, Envelope, Row
from workhorse.errors import BrokerUnavailable, DeclarationError, WorkhorseError
from workhorse.observe.logging import JsonFormatter, TextFormatter
from workhorse.testing import in_memory
from workhorse.testing.faults import Script

CANARY = "hunter2-canary"
HEADERS = {"api-Token": CANARY, "client_secret": CANARY, "Password": CANARY, "AUTHORIZATION": CANARY, "Cookie": CANARY}


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """All that is logged, by everyone, at every level, in both forms."""
    text, root, handlers = io.StringIO(), logging.getLogger(), list[logging.Handler]()
    for form in (TextFormatter(), JsonFormatter(), logging.Formatter()):
        handlers.append(handler := logging.StreamHandler(text))
        handler.setFormatter(form)
        root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    for handler in handlers:
        root.removeHandler(handler)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ada:{CANARY}@db:port/jobs",
        f"postgresql://ada:{CANARY}@db/jobs?sync=full",
        f"postgresql://ada:p@ss/{CANARY}@db/jobs?sync=full",
        f"redis://:{CANARY}@cache/first",
        f"redis://:{CANARY}@cache?sync=full",
        f"redis://ada:p@ss/{CANARY}@cache?sync=full",
        f"amqp://ada:{CANARY}@mq/jobs",
        f"sqlite://ada:{CANARY}@host/jobs.db",
        f"sqlite:///jobs.db?password={CANARY}",
        f"sqlite:///jobs.db?token={CANARY}&synchronous=full",
        f"ada:{CANARY}@db",
        f"nats://ada:p@ss/{CANARY}@db",
    ],
)
def test_a_url_that_is_refused_is_told_without_its_password(url: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        Workhorse(url)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_app_shows_its_url_without_password_and_options() -> None:
    app = Workhorse(f"memory://ada:{CANARY}@here")
    assert app.url == "memory://ada:***@here"
    assert CANARY not in repr(app)
    assert urls.shown(f"amqp://ada:p@{CANARY}@mq/x?password={CANARY}") == "amqp://ada:***@mq/x"


@pytest.mark.parametrize("headers", [CANARY, {"token": 5}, {"token": CANARY + "\0"}, [CANARY]])
def test_headers_that_are_refused_are_told_without_their_values(headers: Any) -> None:
    with pytest.raises(DeclarationError) as caught:
        Workhorse("memory://", headers=headers)
    assert CANARY not in str(caught.value)


def test_no_value_of_the_contract_shows_headers_or_payload_in_its_repr() -> None:
    envelope = Envelope("1", "send", CANARY.encode(), queue="mail", headers=HEADERS, trail=CANARY.encode())
    shown = [envelope, Claim(envelope, "token"), Row(envelope, "ready", 0), happenings.JobStarted(Claim(envelope, "t"))]
    assert CANARY not in repr(shown)
    assert "id='1', task='send', queue='mail', attempt=1" in repr(envelope)


async def test_a_job_is_run_failed_snoozed_lost_and_buried_and_no_line_holds_its_secrets(written: io.StringIO) -> None:
    app = Workhorse("memory://", name="safe", headers=HEADERS, retry=Retry(1, Fixed(0)), unknown_for=0)

    @app.task(name="do")
    async def do(ctx: Context, what: str) -> str:
        ctx.log.info("running %r", ctx.job)
        if what == "fail":
            raise ValueError("no luck")
        if what == "snooze":
            raise RetryLater(60, counts=False)
        return what

    async with in_memory(app) as bench:
        jobs = [await do.enqueue(what) for what in ("go", "fail", "snooze")]
        jobs.append(await do.options(expires=1, delay=2).enqueue("late"))
        jobs.append(await app.enqueue(app.job("nobody.knows")))
        jobs.append(await do.options(delay=1).enqueue("cancelled"))
        await jobs[-1].cancel()
        bench.clock.advance(30)
        await bench.drain()
        for job in jobs:
            try:
                logging.getLogger("test").info("%r: %r", job, await job.result(timeout=0.01))
            except (WorkhorseError, TimeoutError) as error:
                logging.getLogger("test").exception("%r: %r", job, error)
        logging.getLogger("test").info("%r %r %r", bench.jobs, bench.dead, do)
    assert "no luck" in written.getvalue()
    assert "running Job(id=" in written.getvalue()
    assert CANARY not in written.getvalue()


async def test_an_engine_that_is_away_is_told_without_the_secrets_of_what_was_sent(
    monkeypatch: pytest.MonkeyPatch, written: io.StringIO
) -> None:
    line = lined(monkeypatch, Script())
    app = Workhorse("memory://", headers=HEADERS, enqueue_timeout=0.05)
    async with app:
        line.cut()
        with pytest.raises(BrokerUnavailable) as caught:
            await app.enqueue(app.job("some.task"))
        logging.getLogger("test").error("not sent", exc_info=caught.value)
        assert CANARY not in repr((caught.value, caught.value.jobs))
    assert CANARY not in written.getvalue()


APP = f"""
@app.task(retry=Retry(0), headers={HEADERS | {"x-mine": CANARY, "team": "shop"}!r})
def guarded(ctx: Context, what: str = "") -> str:
    ctx.log.warning("the job is %r", ctx.job)
    if what == "fail":
        raise ValueError("no luck")
    return what
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    yield from shells(tmp_path, monkeypatch)


def test_no_command_shows_a_secret(shell: Shell) -> None:
    file = shell.folder / f"{shell.spec.partition(':')[0]}.py"
    text = file.read_text().replace(
        'name="shop")', 'name="shop", redact=("*token*", "*secret*", "*password*", "authorization", "cookie", "x-*"))'
    )
    file.write_text(text + APP)
    good, bad, waiting = shell.enqueue("guarded", "go"), shell.enqueue("guarded", "fail"), ""
    worker = shell.start("worker", "APP", "--burst", "--log-level", "debug", "--log-format", "json")
    said = [worker.communicate(timeout=60)[0]]
    waiting = shell.enqueue("guarded", "later", "--delay", "60")
    for words in (
        ("jobs", "APP"),
        *(("jobs", "APP", "show", id) for id in (good, bad, waiting)),
        ("jobs", "APP", "--text", CANARY),
        ("dead", "APP"),
        ("dead", "APP", "show", bad),
        ("dead", "APP", "export"),
        ("queues", "APP"),
        ("workers", "APP"),
        ("doctor", "APP"),
    ):
        said.append(shell.run(*words).output)
        said.append(shell.run(words[0], "--json", *words[1:]).output)
    shown = "\n".join(said)
    assert json.loads(shell.run("jobs", "--json", "APP", "show", bad).stdout)["headers"]["team"] == "shop"
    assert "no luck" in shown
    assert "***" in shown
    assert CANARY not in shown
