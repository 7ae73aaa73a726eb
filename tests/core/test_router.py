"""Routers and the registry: names, defaults that flow down, inclusion before and after, two of one name."""

import pytest

from small_app import SmallApp
from workhorse.core.errors import DeclarationError
from workhorse.core.job import Priority
from workhorse.core.registry import Registry, Router


def note(text: str) -> None: ...


def other(text: str) -> None: ...


def test_a_routers_prefix_and_defaults_hold_for_tasks_declared_before_and_after_its_inclusion() -> None:
    app, router = SmallApp(), Router(prefix="billing.", queue="billing")
    before = router.task(note)
    app.include(router)
    after = router.task(timeout=3)(other)
    for task, name in ((before, "billing.note"), (after, "billing.other")):
        assert task.name == name
        assert task.job("x").queue == "billing"
        assert app.registry.get(name) is task
    assert after.settings.timeout == 3.0


def test_defaults_flow_down_and_the_nearer_wins() -> None:
    app = SmallApp(timeout=1, priority=Priority.LOW, headers={"a": "app"}, result_ttl=1)
    outer = Router(prefix="outer.", timeout=2, priority=Priority.HIGH, headers={"b": "outer"})
    inner = Router(prefix="inner.", timeout=3, headers={"a": "inner"})
    outer.include(inner)
    task = inner.task(timeout=4)(note)
    plain = inner.task(other)
    app.include(outer)
    assert (task.name, plain.name) == ("outer.inner.note", "outer.inner.other")
    assert (task.settings.timeout, plain.settings.timeout) == (4.0, 3.0)
    assert (plain.settings.priority, plain.settings.result_ttl) == (Priority.HIGH, 1.0)
    assert plain.settings.headers == {"a": "inner", "b": "outer"}


def test_routers_may_be_nested_in_any_order() -> None:
    app, outer, inner = SmallApp(), Router(prefix="a."), Router(prefix="b.")
    app.include(outer)
    early = inner.task(note)
    outer.include(inner)
    assert early.name == "a.b.note"
    assert inner.task(other).name == "a.b.other"
    assert [task.name for task in app.registry] == ["a.b.note", "a.b.other"]


async def test_a_task_of_a_router_without_an_app_says_so() -> None:
    task = Router(prefix="billing.").task(note)
    assert task.name == "billing.note"
    with pytest.raises(DeclarationError, match=r"app\.include\(router\)"):
        await task.enqueue("x")
    for use in (lambda: task.job("x"), lambda: task.enqueue_sync("x"), lambda: task.handle("x"), lambda: task.settings):
        with pytest.raises(DeclarationError, match=r"app\.include\(router\)"):
            use()


def test_a_copy_with_options_made_before_the_inclusion_works_after_it() -> None:
    app, router = SmallApp(), Router(prefix="billing.", queue="billing")
    later = router.task(note).options(delay=5)
    app.include(router)
    assert (later.name, later.job("x").queue, later.job("x").options) == ("billing.note", "billing", {"delay": 5.0})


def test_a_router_is_included_once() -> None:
    router = Router(prefix="billing.")
    SmallApp().include(router)
    for parent in (SmallApp(), Router()):
        with pytest.raises(DeclarationError, match="included already"):
            parent.include(router)


def test_a_router_cannot_contain_itself() -> None:
    outer, inner = Router(), Router()
    outer.include(inner)
    for parent, child in ((outer, outer), (inner, outer)):
        with pytest.raises(DeclarationError, match="itself"):
            parent.include(child)


def test_an_app_is_not_included_in_anything() -> None:
    for parent in (SmallApp(), Router()):
        with pytest.raises(DeclarationError, match="got an app"):
            parent.include(SmallApp())


def test_one_function_may_be_a_task_of_two_apps() -> None:
    one, two = SmallApp("one"), SmallApp("two")
    assert [app.task(note).job("x").queue for app in (one, two)] == ["one", "two"]


def test_two_tasks_of_one_name_are_refused_with_both_places() -> None:
    app = SmallApp()
    app.task(note)
    with pytest.raises(DeclarationError, match=r"'note'.*:note and .*:other; give one of them another name="):
        app.task(name="note")(other)
    assert app.registry.find("note").fn is note
    assert app.task(other).name == "other"


def test_two_tasks_of_one_name_are_found_when_a_router_brings_one() -> None:
    app, router = SmallApp(), Router(prefix="a.")
    app.task(name="a.note")(note)
    router.task(note)
    with pytest.raises(DeclarationError, match=r"'a\.note'"):
        app.include(router)


@pytest.mark.parametrize("name", ["no name", "", "é", "a" * 201])
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(DeclarationError, match="expected 1 to 200"):
        SmallApp().task(name=name)(note)


def test_a_name_that_grows_too_long_by_its_prefixes_is_refused() -> None:
    with pytest.raises(DeclarationError, match="expected 1 to 200"):
        Router(prefix="a" * 150).task(name="b" * 51)(note)


def test_a_prefix_and_defaults_are_checked() -> None:
    with pytest.raises(DeclarationError, match="prefix"):
        Router(prefix="a b")
    with pytest.raises(DeclarationError, match="timeout"):
        Router(timeout=-1)
    with pytest.raises(TypeError, match="did you mean 'timeout'"):
        Router(timeuot=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="delay"):
        Router(delay=1)  # type: ignore[call-arg]


def test_options_of_a_declaration_may_be_said_in_steps() -> None:
    task = SmallApp().task(queue="mail")(timeout=3)(note)
    assert (task.settings.queue, task.settings.timeout) == ("mail", 3.0)


@pytest.mark.parametrize("wrong", [{"timeuot": 3}, {"id": "x"}, {"delay": 3}, {"at": None}])
def test_an_option_that_tasks_do_not_have_is_a_type_error(wrong: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        SmallApp().task(**wrong)(note)  # type: ignore[call-overload]


def test_the_registry_finds_counts_and_hints() -> None:
    app = SmallApp()
    first, second = app.task(note), app.task(queue="mail")(other)
    registry = app.registry
    assert isinstance(registry, Registry)
    assert (list(registry), len(registry), "note" in registry, "x" in registry) == ([first, second], 2, True, False)
    assert registry.queues() == ["shop", "mail"]
    assert (registry.get("note"), registry.get("x")) == (first, None)
    with pytest.raises(DeclarationError, match="no task is named 'ntoe'; did you mean 'note'"):
        registry.find("ntoe")
