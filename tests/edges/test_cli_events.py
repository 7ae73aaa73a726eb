"""`workhorse events`: who subscribes to what, and the end of a subscription, also of a handler that is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell, shells
from workhorse.cli.finding import find_app

EVENTS = """
class Paid(msgspec.Struct):
    order_id: int

app.event("application/vnd.shop.paid")(Paid)
"""

HANDLERS = """
@app.on(Paid)
async def thank(paid: Paid) -> None: ...

@app.on("application/vnd.shop.*", queue="audit")
async def record(event: dict) -> None: ...
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    for shell in shells(tmp_path, monkeypatch):
        write(shell, EVENTS + HANDLERS)
        yield shell


def write(shell: Shell, more: str) -> None:
    """The app as it came, and this."""
    file = shell.folder / f"{shell.spec.partition(':')[0]}.py"
    text = file.read_text(encoding="utf-8").partition("class Paid")[0]
    file.write_text(text + more, encoding="utf-8")
    shell.forget()


def publish(shell: Shell) -> None:
    app = find_app(shell.spec)
    app.run(app.publish("application/vnd.shop.paid", order_id=1))
    app.run(app.close())


def test_without_subscriptions_it_says_so(shell: Shell) -> None:
    write(shell, EVENTS)
    assert shell.run("events", "APP").stdout.strip() == "no subscriptions"


def test_it_lists_who_asks_for_what_on_which_queue_and_how_many_copies_wait(shell: Shell) -> None:
    publish(shell)
    assert shell.json("events", "APP") == [
        {
            "queue": "shop.thank",
            "task": "thank",
            "events": "application/vnd.shop.paid",
            "topics": ["application/vnd.shop.paid"],
            "waiting": 1,
        },
        {
            "queue": "audit",
            "task": "record",
            "events": "application/vnd.shop.*",
            "topics": ["application/vnd.shop.*"],
            "waiting": 1,
        },
    ]
    assert "shop.thank" in shell.run("events", "APP", "list").stdout


def test_a_handler_that_is_gone_is_listed_until_its_subscription_is_ended(shell: Shell) -> None:
    publish(shell)
    write(shell, EVENTS)
    assert [(it["queue"], it["task"], it["waiting"]) for it in shell.json("events", "APP")] == [
        ("audit", None, 1),
        ("shop.thank", None, 1),
    ]
    publish(shell)  # it is still bound: what is published waits
    done = shell.json("events", "APP", "unbind", "shop.thank")
    assert done == {"queue": "shop.thank", "topics": ["application/vnd.shop.paid"], "waiting": 2}
    publish(shell)
    assert [(it["queue"], it["waiting"]) for it in shell.json("events", "APP")] == [("audit", 3)]


def test_a_subscription_that_is_still_declared_is_ended_with_a_warning(shell: Shell) -> None:
    done = shell.run("events", "APP", "unbind", "record")
    assert done.stdout.strip() == "audit gets no more copies from application/vnd.shop.*; waiting there: 0"
    assert "the app still declares audit: whoever opens it next binds it again" in done.stderr


def test_an_unknown_subscription_is_an_error_that_names_the_nearest(shell: Shell) -> None:
    done = shell.run("events", "APP", "unbind", "shop.thanks", exit=2)
    assert "no subscription is called 'shop.thanks'; did you mean 'shop.thank'?" in done.stderr
