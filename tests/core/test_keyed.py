"""What cannot go together is an error where it is declared: keys without a parameter, an order beside another limit."""

from collections.abc import Callable
from typing import Any

import pytest

from workhorse import Context, Limit, Router, Unique, Workhorse
from workhorse.core.envelope import encode_job
from workhorse.engine import Envelope, Lane
from workhorse.engine import Unique as Held
from workhorse.errors import DeclarationError

Declare = Callable[..., Any]


def on_task(**options: Any) -> None:
    @Workhorse("memory://").task(name="send", **options)
    def send(to: str, subject: str = "") -> None: ...


def on_a_router_of_no_app(**options: Any) -> None:
    @Router().task(name="send", **options)
    def send(to: str, subject: str = "") -> None: ...


def on_the_app(**options: Any) -> None:
    @Workhorse("memory://", **options).task(name="send")
    def send(to: str, subject: str = "") -> None: ...


def on_one_job(**options: Any) -> None:
    app = Workhorse("memory://")

    @app.task(name="send")
    def send(to: str, subject: str = "") -> None: ...

    send.options(**options)


EVERYWHERE = [on_task, on_a_router_of_no_app, on_the_app, on_one_job]

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "by": ({"unique": Unique(by=("too",))}, r"unique: by: expected .*'to', 'subject'.*got 'too'; did you mean 'to'\?"),
    "key": ({"limit": Limit(concurrency=1, key="{too}")}, "limit: key: expected .*got 'too'"),
    "order": ({"ordered_by": "{account}"}, "ordered_by: expected .*got 'account'"),
    "other keys": (
        {"ordered_by": "{to}", "limit": Limit(concurrency=1, key="{subject}")},
        r"a job has one lane; say Limit\(key='{to}', ...\)",
    ),
    "no key": ({"ordered_by": "{to}", "limit": Limit(rate="1/s")}, "beside a limit whose key is None"),
    "too many": ({"ordered_by": "{to}", "limit": Limit(concurrency=2, key="{to}")}, "in order is one at a time"),
}


@pytest.mark.parametrize("declare", EVERYWHERE)
@pytest.mark.parametrize(("options", "why"), WRONG.values(), ids=WRONG)
def test_what_cannot_go_together_is_refused_where_it_is_said(
    declare: Declare, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(DeclarationError, match=f"task send .*{why}"):
        declare(**options)


@pytest.mark.parametrize("declare", EVERYWHERE)
def test_an_order_beside_a_limit_of_the_same_key_is_fine(declare: Declare) -> None:
    declare(ordered_by="{to}", limit=Limit(concurrency=1, rate="1/s", key="{to}"), unique=Unique(by=("to",)))


def test_what_only_together_is_wrong_is_refused_where_the_layers_meet() -> None:
    app = Workhorse("memory://", limit=Limit(concurrency=2, key="{to}"))
    with pytest.raises(DeclarationError, match="in order is one at a time"):

        @app.task(ordered_by="{to}")
        def send(to: str) -> None: ...

    @app.task
    def other(to: str) -> None: ...

    with pytest.raises(DeclarationError, match="in order is one at a time"):
        other.options(ordered_by="{to}").job("ada")


def test_the_injected_context_is_no_parameter_of_a_key() -> None:
    with pytest.raises(DeclarationError, match="got 'ctx'"):

        @Workhorse("memory://").task(unique=Unique(by=("ctx",)))
        def send(ctx: Context, to: str) -> None: ...


def envelope(app: Workhorse, name: str, *args: Any, once: dict[str, Any], **kwargs: Any) -> Envelope:
    task = app.registry.find(name)
    return encode_job(task.options(**once).job(*args, **kwargs), task)


@pytest.fixture
def app() -> Workhorse:
    app = Workhorse("memory://", name="shop")
    router = Router(prefix="mail.", limit=Limit(concurrency=5, key="{to}"))

    @router.task(queue="mail", unique=Unique(by=("to",), within=60))
    def send(to: str, subject: str = "") -> None: ...

    app.include(router)
    app.task(name="plain")(lambda: None)
    return app


def test_a_routers_limit_is_each_of_its_tasks_and_keys_begin_with_queue_and_task(app: Workhorse) -> None:
    sent = envelope(app, "mail.send", "ada", once={})
    assert sent.lane == Lane('mail/mail.send:"ada"', 5)
    assert sent.unique == Held('mail/mail.send:"ada"', "settled", 60.0, "keep")


def test_one_job_may_say_otherwise_and_none_at_all(app: Workhorse) -> None:
    other = envelope(app, "mail.send", "ada", once={"limit": None, "ordered_by": "{subject}", "unique": None})
    assert (other.lane, other.unique) == (Lane('mail/mail.send:""', 1, True), None)
    moved = envelope(app, "mail.send", "ada", once={"queue": "bulk", "limit": Limit(rate="1/s")})
    assert moved.lane == Lane("bulk/mail.send:", None, False, 1.0)


def test_a_task_that_says_nothing_has_neither(app: Workhorse) -> None:
    plain = envelope(app, "plain", once={})
    assert (plain.lane, plain.unique) == (None, None)


def test_a_job_by_name_has_the_keys_of_its_task(app: Workhorse) -> None:
    by_name = encode_job(app.job("mail.send", "ada"), app.registry.get("mail.send"))
    assert by_name.lane == Lane('shop/mail.send:"ada"', 5)
    assert by_name.unique is not None


def test_a_default_of_the_app_says_nothing_of_the_tasks_of_others() -> None:
    app = Workhorse("memory://", ordered_by="{to}")
    assert encode_job(app.remote("billing.invoice", queue="billing").job(42), None).lane is None


def test_a_task_of_another_service_may_have_keys_too() -> None:
    app = Workhorse("memory://")
    task = app.remote("billing.invoice", queue="billing", ordered_by="{account}", unique=Unique(by=("number",)))
    sent = encode_job(task.job(account="acme", number=42), None)
    assert sent.lane == Lane('billing/billing.invoice:"acme"', 1, True)
    assert sent.unique == Held("billing/billing.invoice:42")
