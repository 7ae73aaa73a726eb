"""Actions that ask to be called again: the wait, the budget, the deadline, both ways; and DoublingBackoff."""

import asyncio
from datetime import timedelta

import pytest

from scripted import Hourglass, Looping, Plain, Scene
from workhorse.actions import DoublingBackoff
from workhorse.core.action_queue import ActionQueue
from workhorse.core.errors import DeclarationError, RetryLater


@pytest.fixture(params=[Plain, Looping], ids=["plain", "loop"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param())


@pytest.fixture(autouse=True)
def hourglass(monkeypatch: pytest.MonkeyPatch) -> Hourglass:
    glass = Hourglass()
    monkeypatch.setattr("time.sleep", glass.sleep)
    monkeypatch.setattr(asyncio, "sleep", glass.doze)
    monkeypatch.setattr("workhorse.core.course.time", glass)
    return glass


def later(after: float, *, counts: bool = True) -> RetryLater:
    return RetryLater(after, counts=counts)


def test_the_same_action_is_called_again_after_its_own_wait_and_no_earlier_one(
    scene: Scene, hourglass: Hourglass
) -> None:
    queue = ActionQueue([scene.action("a"), scene.action("b", [later(0.5), later(0), later(0.25)]), scene.action("c")])
    scene.way.execute(queue)
    assert scene.diary == ["a", "b", "b", "b", "b", "c"]
    assert hourglass.waits == [0.5, 0.25]


def test_a_rollback_is_called_again_before_the_earlier_ones(scene: Scene, hourglass: Hourglass) -> None:
    queue = ActionQueue([scene.action("a"), scene.action("b", (), [later(2), later(3)])])
    scene.way.execute(queue)
    scene.way.rollback(queue)
    assert scene.diary == ["a", "b", "-b", "-b", "-b", "-a"]
    assert (hourglass.waits, queue.rollback_errors) == ([2, 3], ())


def test_an_action_that_was_called_again_is_rolled_back_once(scene: Scene) -> None:
    queue = ActionQueue([scene.action("a", [later(1), later(1)])])
    scene.way.execute(queue)
    scene.way.rollback(queue)
    assert scene.diary == ["a", "a", "a", "-a"]


def test_after_retries_any_other_error_ends_the_turn(scene: Scene) -> None:
    there, back = OSError("there"), ValueError("back")
    queue = ActionQueue([scene.action("a"), scene.action("b", [later(1), there], [later(1), back])])
    assert scene.executed(queue) is there
    scene.way.rollback(queue)
    assert scene.diary == ["a", "b", "b", "-b", "-b", "-a"]
    assert queue.rollback_errors == (back,)


def test_a_negative_wait_is_the_failure_of_the_action_that_asks_for_it() -> None:
    class Hasty:
        def execute(self) -> None:
            raise RetryLater(-1)

        def rollback(self) -> None:
            raise RetryLater(-2)

    queue = ActionQueue([Hasty()])
    with pytest.raises(ValueError, match="after: expected 0 to"):
        queue.execute()
    queue.rollback()
    assert [type(error) for error in queue.rollback_errors] == [ValueError]


def test_without_limits_an_action_may_ask_as_often_as_it_likes(scene: Scene, hourglass: Hourglass) -> None:
    queue = ActionQueue([scene.action("a", [later(60)] * 500)])
    scene.way.execute(queue)
    assert (len(scene.diary), hourglass.waits) == (501, [60] * 500)


def test_the_budget_is_each_actions_own_and_what_it_asked_last_is_its_error(scene: Scene, hourglass: Hourglass) -> None:
    last = later(9)
    queue = ActionQueue(max_retries=2)
    queue.add(scene.action("a", [later(1), later(1)])).add(scene.action("b", [later(2), later(2), last]))
    assert scene.executed(queue) is last
    assert scene.diary == ["a"] * 3 + ["b"] * 3
    assert hourglass.waits == [1, 1, 2, 2]


def test_no_retries_are_one_call(scene: Scene, hourglass: Hourglass) -> None:
    asked = later(5)
    assert scene.executed(ActionQueue([scene.action("a", [asked])], max_retries=0)) is asked
    assert (scene.diary, hourglass.waits) == (["a"], [])


def test_the_way_back_has_a_budget_of_its_own_and_so_has_each_second_try(scene: Scene) -> None:
    asked = [later(0)] * 5
    queue = ActionQueue([scene.action("a"), scene.action("b", [later(0)], asked)], max_retries=2)
    scene.way.execute(queue)
    scene.diary.clear()
    scene.way.rollback(queue)
    assert scene.diary == ["-b", "-b", "-b", "-a"]
    assert queue.rollback_errors == (asked[0],)
    scene.way.rollback(queue)
    assert scene.diary == ["-b", "-b", "-b", "-a", "-b", "-b", "-b"]
    assert queue.rollback_errors == ()


def test_a_snooze_uses_up_no_retry(scene: Scene) -> None:
    queue = ActionQueue([scene.action("a", [later(1)] + [later(1, counts=False)] * 9)], max_retries=1)
    scene.way.execute(queue)
    assert len(scene.diary) == 11


@pytest.mark.parametrize("counts", [True, False], ids=["retry", "snooze"])
def test_no_action_is_called_again_after_the_deadline_and_no_wait_goes_past_it(
    counts: bool, scene: Scene, hourglass: Hourglass
) -> None:
    queue = ActionQueue([scene.action("a", [later(4, counts=counts)] * 99)], deadline=timedelta(seconds=10))
    assert isinstance(scene.executed(queue), RetryLater)
    assert (hourglass.waits, len(scene.diary)) == ([4, 4], 3)


def test_the_deadline_is_one_for_all_actions_of_a_way(scene: Scene, hourglass: Hourglass) -> None:
    queue = ActionQueue([scene.action("a", [later(6)]), scene.action("b", [later(5)]), scene.action("c")], deadline=10)
    assert isinstance(scene.executed(queue), RetryLater)
    assert (scene.diary, hourglass.waits) == (["a", "a", "b"], [6])


def test_after_the_deadline_each_rollback_still_runs_once(scene: Scene, hourglass: Hourglass) -> None:
    late = scene.action("c", (), [later(4)] * 99)
    queue = ActionQueue([scene.action("a", (), [later(1)]), scene.action("b"), late], deadline=4)
    scene.way.execute(queue)
    hourglass.now += 100  # the way back has a time of its own
    scene.diary.clear()
    scene.way.rollback(queue)
    assert (scene.diary, hourglass.waits) == (["-c", "-c", "-b", "-a"], [4])
    assert [str(error) for error in queue.rollback_errors] == ["again in 4 s", "again in 1 s"]


def test_an_exit_during_a_wait_goes_through_and_leaves_the_queue_ready_to_roll_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    plain = Scene(Plain())
    queue = ActionQueue([plain.action("a", [later(1)])])
    with pytest.raises(KeyboardInterrupt):
        queue.execute()
    queue.rollback()
    assert plain.diary == ["a", "-a"]


# DoublingBackoff


def asked(backoff: DoublingBackoff, times: int, error: Exception | None = None) -> list[float | Exception]:
    """What it raised each time: the wait, or the error."""
    answers: list[float | Exception] = []
    for _ in range(times):
        try:
            backoff.again(error)
        except RetryLater as later:
            answers.append(later.after)
        except Exception as raised:
            answers.append(raised)
    return answers


def test_the_default_is_three_retries_after_half_a_second_one_and_two() -> None:
    error = OSError()
    assert asked(DoublingBackoff(), 5, error) == [0.5, 1, 2, error, error]


def test_five_retries_from_a_tenth_of_a_second_double_four_times() -> None:
    assert asked(DoublingBackoff(5, 0.1), 5) == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert asked(DoublingBackoff(5, timedelta(milliseconds=100)), 5) == [0.1, 0.2, 0.4, 0.8, 1.6]


def test_no_retries_are_the_error_at_once() -> None:
    error = OSError()
    assert asked(DoublingBackoff(0), 1, error) == [error]


def test_after_the_last_retry_each_call_raises_the_error_of_that_call() -> None:
    backoff, first, second = DoublingBackoff(0), OSError(), ValueError()
    assert [*asked(backoff, 1, first), *asked(backoff, 1, second)] == [first, second]


def test_without_an_error_it_says_how_often_it_asked_and_keeps_the_cause() -> None:
    backoff, cause = DoublingBackoff(1), OSError("the cause")
    raised: list[Exception] = []
    for _ in range(2):
        try:
            try:
                raise cause
            except OSError:
                backoff.again()
        except Exception as error:
            raised.append(error)
    first, last = raised
    assert isinstance(first, RetryLater)
    assert first.__cause__ is cause
    assert (type(last), str(last), last.__context__) == (Exception, "no success after 1 retries", cause)


def test_a_thousand_retries_do_not_wait_longer_than_time_allows() -> None:
    waits = asked(DoublingBackoff(2000), 2000)
    assert waits[-1] == waits[-2] == 3_200_000_000.0


@pytest.mark.parametrize("wrong", [{"retries": -1}, {"retries": 1.5}, {"first": -1}, {"first": "1"}])
def test_numbers_out_of_range_are_refused_when_built(wrong: dict[str, object]) -> None:
    with pytest.raises(DeclarationError, match=f"DoublingBackoff: {next(iter(wrong))}: expected"):
        DoublingBackoff(**wrong)  # type: ignore[arg-type]


class Charge:
    """An action that asks for another try by itself, each way with its own patience."""

    def __init__(self, failures: int) -> None:
        self.calls, self.rollbacks, self.failures = 0, 0, failures
        self.there, self.back = DoublingBackoff(), DoublingBackoff(1, 3)

    def execute(self) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            self.there.again(OSError("the bank is closed"))

    def rollback(self) -> None:
        self.rollbacks += 1
        self.back.again(OSError("no line"))


@pytest.mark.parametrize(("failures", "calls"), [(0, 1), (2, 3), (3, 4), (99, 4)])
def test_an_action_is_executed_once_and_once_for_each_retry(failures: int, calls: int, hourglass: Hourglass) -> None:
    charge = Charge(failures)
    queue = ActionQueue([charge])
    if failures > 3:
        with pytest.raises(OSError, match="the bank is closed"):
            queue.execute()
    else:
        queue.execute()
    assert (charge.calls, hourglass.waits) == (calls, [0.5, 1, 2][: calls - 1])


def test_the_way_back_has_a_backoff_of_its_own(hourglass: Hourglass) -> None:
    charge = Charge(2)
    queue = ActionQueue([charge])
    queue.execute()
    queue.rollback()
    assert (charge.rollbacks, hourglass.waits) == (2, [0.5, 1, 3])
    assert [str(error) for error in queue.rollback_errors] == ["no line"]
