"""An action queue: the order of its calls, what is rolled back, which orders are refused; synchronously and on a loop."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

import pytest

from scripted import Hourglass, Looping, Plain, Scene
from workhorse.core.action import Action
from workhorse.core.action_queue import ActionQueue
from workhorse.core.errors import DeclarationError, RetryLater, WorkhorseError


@pytest.fixture(params=[Plain, Looping], ids=["plain", "loop"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param())


# executing


def test_actions_execute_one_after_the_other_in_the_order_of_adding(scene: Scene) -> None:
    queue = ActionQueue([scene.action("a")]).add(scene.action("b")).add(scene.action("c"))
    assert scene.executed(queue) is None
    assert scene.diary == ["a", "b", "c"]


def test_the_first_error_reaches_the_caller_as_it_is_and_no_later_action_is_begun(scene: Scene) -> None:
    error = OSError("full")
    queue = ActionQueue([scene.action("a"), scene.action("b", [error]), scene.action("c")])
    assert scene.executed(queue) is error
    assert (error.__cause__, getattr(error, "__notes__", [])) == (None, [])
    assert scene.diary == ["a", "b"]


def test_a_failure_rolls_nothing_back_by_itself(scene: Scene) -> None:
    queue = ActionQueue([scene.action("a"), scene.action("b", [OSError()])])
    scene.executed(queue)
    assert scene.diary == ["a", "b"]


def test_an_action_may_raise_stop_iteration(scene: Scene) -> None:
    # a generator between the action and the caller would turn it into a RuntimeError; a coroutine does, by Python's rule
    error = StopIteration(3)
    queue = ActionQueue([Scene(Plain()).action("a", [error])])
    caught = scene.executed(queue)
    assert caught is error or (isinstance(caught, RuntimeError) and caught.__cause__ is error)
    assert isinstance(scene.way, Looping) or caught is error


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_an_exit_while_executing_goes_through_and_its_action_is_rolled_back_later(
    kind: type[BaseException], scene: Scene
) -> None:
    queue = ActionQueue([scene.action("a"), scene.action("b", [kind()]), scene.action("c")])
    assert isinstance(scene.executed(queue), kind)
    scene.way.rollback(queue)
    assert scene.diary == ["a", "b", "-b", "-a"]


# rolling back


def test_what_was_executed_and_what_raised_is_rolled_back_newest_first_and_nothing_else(scene: Scene) -> None:
    queue = ActionQueue([scene.action("a"), scene.action("b"), scene.action("c", [OSError()]), scene.action("d")])
    scene.executed(queue)
    scene.diary.clear()
    scene.way.rollback(queue)
    assert scene.diary == ["-c", "-b", "-a"]
    assert queue.rollback_errors == ()


def test_after_a_full_success_everything_is_rolled_back(scene: Scene) -> None:
    queue = ActionQueue([scene.action("a"), scene.action("b")])
    scene.way.execute(queue)
    scene.way.rollback(queue)
    assert scene.diary == ["a", "b", "-b", "-a"]


def test_a_failing_rollback_is_kept_and_the_others_still_run(scene: Scene) -> None:
    first, last = OSError("first"), ValueError("last")
    queue = ActionQueue([scene.action("a", (), [first]), scene.action("b"), scene.action("c", (), [last])])
    scene.way.execute(queue)
    scene.diary.clear()
    scene.way.rollback(queue)
    assert scene.diary == ["-c", "-b", "-a"]
    assert queue.rollback_errors == (last, first)


def test_a_failing_rollback_is_reported(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    error = OSError("no line")
    queue = ActionQueue([scene.action("a", (), [error])])
    scene.way.execute(queue)
    scene.way.rollback(queue)
    (line,) = [record for record in caplog.records if record.name == "workhorse"]
    assert line.getMessage() == f"the rollback of {scene.way.action.__name__} failed: OSError"
    assert line.exc_info is not None
    assert line.exc_info[1] is error


def test_a_second_rollback_tries_only_what_failed(scene: Scene) -> None:
    again = OSError("again")
    stubborn = scene.action("c", (), [OSError("once"), again])
    queue = ActionQueue([scene.action("a", (), [OSError()]), scene.action("b"), stubborn])
    scene.way.execute(queue)
    scene.way.rollback(queue)
    scene.diary.clear()
    scene.way.rollback(queue)
    assert (scene.diary, queue.rollback_errors) == (["-c", "-a"], (again,))
    scene.way.rollback(queue)
    assert (scene.diary, queue.rollback_errors) == (["-c", "-a", "-c"], ())
    with pytest.raises(WorkhorseError, match="got one that has rolled back;"):
        scene.way.rollback(queue)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_an_exit_while_rolling_back_goes_through_and_a_second_call_goes_on_from_there(
    kind: type[BaseException], scene: Scene
) -> None:
    kept = OSError("kept")
    queue = ActionQueue([scene.action("a"), scene.action("b", (), [kind()]), scene.action("c", (), [kept])])
    scene.way.execute(queue)
    scene.diary.clear()
    with pytest.raises(kind):
        scene.way.rollback(queue)
    assert (scene.diary, queue.rollback_errors) == (["-c", "-b"], (kept,))
    scene.way.rollback(queue)
    assert (scene.diary, queue.rollback_errors) == (["-c", "-b", "-c", "-b", "-a"], ())


def test_an_action_that_stands_in_a_queue_twice_is_executed_and_rolled_back_twice(scene: Scene) -> None:
    same = scene.action("a", (), [None, OSError()])
    queue = ActionQueue([same, same])
    scene.way.execute(queue)
    scene.way.rollback(queue)
    assert len(queue.rollback_errors) == 1
    scene.way.rollback(queue)
    assert scene.diary == ["a", "a", "-a", "-a", "-a"]


def test_actions_of_both_kinds_go_through_the_same_queue(scene: Scene) -> None:
    plain, later = Scene(Plain(), scene.diary), Scene(Looping(), scene.diary)
    queue = ActionQueue([plain.action("a"), later.action("b"), plain.action("c", [OSError()])])
    assert isinstance(later.executed(queue), OSError)
    later.way.rollback(queue)
    assert scene.diary == ["a", "b", "c", "-c", "-b", "-a"]


# orders that are refused

REFUSED = "expected a queue that has {}, got one that {};"


def refused(verb: str, wanted: str, state: str) -> str:
    return f"^{verb}: {REFUSED.format(wanted, state)}"


def test_an_empty_queue_is_not_executed(scene: Scene) -> None:
    with pytest.raises(WorkhorseError, match="execute: expected at least one action, got none; add one first"):
        scene.way.execute(ActionQueue())


def test_nothing_is_rolled_back_before_it_was_executed(scene: Scene) -> None:
    with pytest.raises(WorkhorseError, match=refused("rollback", "executed", "has executed nothing yet")):
        scene.way.rollback(ActionQueue([scene.action("a")]))


@pytest.mark.parametrize(("script", "state"), [([], "has executed"), ([OSError()], "has executed, and failed")])
def test_nothing_is_executed_twice_or_added_after_executing(
    script: list[BaseException], state: str, scene: Scene
) -> None:
    queue = ActionQueue([scene.action("a", script)])
    scene.executed(queue)
    with pytest.raises(WorkhorseError, match=refused("execute", "executed nothing yet", state)):
        scene.way.execute(queue)
    with pytest.raises(WorkhorseError, match=refused("add", "executed nothing yet", state)):
        queue.add(scene.action("b"))
    assert scene.diary == ["a"]


def test_nothing_is_done_with_a_queue_that_has_rolled_back(scene: Scene) -> None:
    queue = ActionQueue([scene.action("a")])
    scene.way.execute(queue)
    scene.way.rollback(queue)
    with pytest.raises(WorkhorseError, match=refused("rollback", "executed", "has rolled back")):
        scene.way.rollback(queue)
    with pytest.raises(WorkhorseError, match=refused("execute", "executed nothing yet", "has rolled back")):
        scene.way.execute(queue)
    with pytest.raises(WorkhorseError, match=refused("add", "executed nothing yet", "has rolled back")):
        queue.add(scene.action("b"))


def meddling(execute: Callable[[], object], rollback: Callable[[], object]) -> Action:
    return SimpleNamespace(execute=execute, rollback=rollback)


def test_a_running_action_can_neither_add_nor_execute_nor_roll_back() -> None:
    caught: list[str] = []

    def meddle() -> None:
        for verb in (queue.execute, queue.rollback, lambda: queue.add(meddling(print, print))):
            with pytest.raises(WorkhorseError) as error:
                verb()
            caught.append(str(error.value).partition(";")[0])

    queue = ActionQueue([meddling(meddle, meddle)])
    queue.execute()
    queue.rollback()
    assert [text.rpartition("got one that ")[2] for text in caught] == ["is executing"] * 3 + ["is rolling back"] * 3


async def test_two_tasks_do_not_execute_one_queue() -> None:
    there, go = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        there.set()
        await go.wait()

    queue = ActionQueue([meddling(wait, print)])
    first = asyncio.create_task(queue.execute_async())
    await there.wait()
    with pytest.raises(WorkhorseError, match="got one that is executing;"):
        await queue.execute_async()
    go.set()
    await first


WITHOUT_ASSERTIONS = """
from workhorse import ActionQueue, WorkhorseError

class Quiet:
    def execute(self): ...
    def rollback(self): ...

def refused(verb):
    try:
        verb()
    except WorkhorseError:
        return True

queue = ActionQueue()
print(__debug__, refused(queue.execute), refused(queue.rollback))
queue.add(Quiet()).execute()
print(refused(queue.execute), refused(lambda: queue.add(Quiet())))
queue.rollback()
print(refused(queue.rollback))
"""


def test_orders_are_refused_without_assertions_too() -> None:
    done = subprocess.run([sys.executable, "-O", "-c", WITHOUT_ASSERTIONS], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["False", *["True"] * 5], "")


# asynchronous actions, synchronously


@pytest.mark.parametrize("where", ["execute", "rollback"])
def test_an_asynchronous_action_is_refused_before_any_is_executed(where: str) -> None:
    async def later() -> None: ...

    plain = Scene(Plain())
    mixed = SimpleNamespace(execute=print, rollback=print)
    setattr(mixed, where, later)
    queue = ActionQueue([plain.action("a"), mixed])
    with pytest.raises(TypeError, match=r"execute: expected plain actions, got .*; await execute_async\(\)"):
        queue.execute()
    assert plain.diary == []
    asyncio.run(queue.execute_async())
    with pytest.raises(TypeError, match=r"await rollback_async\(\)"):
        queue.rollback()
    asyncio.run(queue.rollback_async())
    assert plain.diary == ["a", "-a"]


def test_a_coroutine_that_nobody_could_foresee_is_an_error_and_not_lost() -> None:
    hidden = Scene(Looping()).action("a")
    queue = ActionQueue([SimpleNamespace(execute=lambda: hidden.execute(), rollback=print)])
    with pytest.raises(TypeError, match="it returned a coroutine; await execute_async"):
        queue.execute()


# with


def test_an_error_that_leaves_the_block_rolls_back_and_goes_on(scene: Scene) -> None:
    error = KeyError("later")
    queue = ActionQueue([scene.action("a"), scene.action("b")])
    with pytest.raises(KeyError) as caught:
        scene.way.block(queue, error)
    assert caught.value is error
    assert scene.diary == ["a", "b", "-b", "-a"]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr)
def test_an_action_that_raises_in_the_block_is_rolled_back_with_the_others(error: BaseException, scene: Scene) -> None:
    queue = ActionQueue([scene.action("a"), scene.action("b", [error]), scene.action("c")])
    with pytest.raises(type(error)):
        scene.way.block(queue)
    assert scene.diary == ["a", "b", "-b", "-a"]


def test_a_block_that_ends_well_rolls_nothing_back(scene: Scene) -> None:
    scene.way.block(ActionQueue([scene.action("a")]))
    assert scene.diary == ["a"]


def test_an_error_tells_which_rollbacks_failed_on_its_way_out(scene: Scene) -> None:
    queue = ActionQueue([scene.action("a", (), [ValueError("no line")]), scene.action("b", [OSError("full")])])
    with pytest.raises(OSError, match="full") as caught:
        scene.way.block(queue)
    name = scene.way.action.__name__
    assert caught.value.__notes__ == [f"and the rollback of {name} raised ValueError('no line')"]
    assert [str(error) for error in queue.rollback_errors] == ["no line"]


def test_a_failure_that_is_caught_inside_the_block_is_rolled_back_all_the_same() -> None:
    plain = Scene(Plain())
    with ActionQueue([plain.action("a"), plain.action("b", [OSError()])]) as queue:
        plain.executed(queue)
    assert plain.diary == ["a", "b", "-b", "-a"]


def test_what_was_rolled_back_inside_the_block_is_not_rolled_back_again() -> None:
    plain = Scene(Plain())
    with suppress(KeyError), ActionQueue([plain.action("a", (), [OSError()])]) as queue:
        queue.execute()
        queue.rollback()
        raise KeyError
    assert plain.diary == ["a", "-a"]


def test_an_error_before_anything_was_executed_just_goes_on() -> None:
    plain = Scene(Plain())
    with pytest.raises(KeyError), ActionQueue([plain.action("a")]):
        raise KeyError
    assert plain.diary == []


async def test_a_plain_block_says_when_it_cannot_roll_back() -> None:
    later = Scene(Looping())
    queue = ActionQueue([later.action("a")])
    await queue.execute_async()
    with pytest.raises(TypeError, match="await rollback_async"):
        queue.__exit__(KeyError, KeyError(), None)
    await queue.rollback_async()
    assert later.diary == ["a", "-a"]


# what it is built from


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"actions": 3}, "ActionQueue: expected several actions, got 3"),
        ({"actions": Scene}, r"expected several actions, got <class .*>; one is ActionQueue\(\[action\]\)"),
        ({"actions": [object()]}, "add: expected an object with execute and rollback, got <object.*without execute"),
        ({"actions": [Action]}, "add: expected an object, got the class"),
        ({"max_retries": -1}, "ActionQueue: max_retries: expected a whole number from 0"),
        ({"max_retries": 1.5}, "ActionQueue: max_retries"),
        ({"deadline": -1}, "ActionQueue: deadline: expected 0 to"),
        ({"deadline": "1"}, "ActionQueue: deadline: expected seconds or a timedelta"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        ActionQueue(**wrong)  # type: ignore[arg-type]


def test_a_queue_says_how_far_it_is(scene: Scene) -> None:
    queue = ActionQueue([scene.action("a", [OSError()], [OSError()])])
    assert repr(queue) == "ActionQueue(1 actions, has executed nothing yet)"
    scene.executed(queue)
    assert repr(queue) == "ActionQueue(1 actions, has executed, and failed)"
    scene.way.rollback(queue)
    assert repr(queue) == "ActionQueue(1 actions, has rolled back, but for what failed)"


def test_no_queue_waits_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    hourglass, plain = Hourglass(), Scene(Plain())
    inner = ActionQueue([plain.action("inner")])

    def while_waiting(seconds: float) -> None:
        hourglass.sleep(seconds)
        inner.execute()

    monkeypatch.setattr("time.sleep", while_waiting)
    ActionQueue([plain.action("outer", [RetryLater(5)])]).execute()
    assert plain.diary == ["outer", "inner", "outer"]
