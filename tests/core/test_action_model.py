"""Any order of calls on any queue does what a model of a few lines does, synchronously and on a loop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from scripted import Looping, Plain, Scene
from workhorse.core.action_queue import ActionQueue
from workhorse.core.errors import RetryLater, WorkhorseError

OUTCOMES: dict[str, Callable[[], BaseException | None]] = {
    "well": lambda: None,
    "later": lambda: RetryLater(0),
    "error": lambda: OSError(),
    "exit": lambda: SystemExit(),
    "refused": lambda: WorkhorseError(),
}

scripts = st.lists(st.sampled_from(["well", "later", "later", "error", "exit"]), max_size=5)
verbs = st.lists(st.sampled_from(["add", "execute", "rollback"]), max_size=8)


@dataclass
class Model:
    """The promise, without any class of the real one."""

    retries: int
    diary: list[str] = field(default_factory=list)
    added: dict[str, Callable[[str], str]] = field(default_factory=dict)
    owed: dict[str, str] = field(default_factory=dict)
    executed: bool = False

    def add(self, name: str, call: Callable[[str], str]) -> str:
        if self.executed:
            return "refused"
        self.added[name] = call
        return "well"

    def execute(self) -> str:
        if self.executed or not self.added:
            return "refused"
        self.executed = True
        for name in self.added:
            self.owed[name] = "well"
            if (outcome := self.turn(name, name)) != "well":
                return outcome
        return "well"

    def rollback(self) -> str:
        if not self.owed:
            return "refused"
        for name in reversed(list(self.owed)):
            if (outcome := self.turn(name, f"-{name}")) == "exit":
                return outcome
            self.owed[name] = outcome
            if outcome == "well":
                del self.owed[name]
        return "well"

    def turn(self, name: str, what: str) -> str:
        for retry in count():
            self.diary.append(what)
            outcome = self.added[name](what)
            if outcome != "later" or retry == self.retries:
                return outcome
        raise AssertionError


def told(call: Callable[[], object]) -> str:
    """What the call came to, as one of the outcomes."""
    try:
        call()
    except BaseException as error:
        return named(error)
    return "well"


def named(error: BaseException) -> str:
    return next(name for name, make in OUTCOMES.items() if type(make()) is type(error))


def reader(there: list[str], back: list[str]) -> Callable[[str], str]:
    """The scripts as the model reads them: one outcome a call, for each way its own."""
    left: dict[bool, Iterator[str]] = {False: iter(there), True: iter(back)}
    return lambda what: next(left[what.startswith("-")], "well")


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([Plain, Looping]),
    st.integers(0, 3),
    st.lists(st.tuples(scripts, scripts), max_size=4),
    verbs,
    st.tuples(scripts, scripts),
)
def test_a_queue_does_what_its_model_does(
    way: type[Plain],
    retries: int,
    given_scripts: list[tuple[list[str], list[str]]],
    order: list[str],
    added: tuple[list[str], list[str]],
) -> None:
    scene, model, queue = Scene(way()), Model(retries), ActionQueue(max_retries=retries)
    names = (f"a{number}" for number in count())

    def add(there: list[str], back: list[str]) -> tuple[str, str]:
        name = next(names)
        errors = [[OUTCOMES[outcome]() for outcome in script] for script in (there, back)]
        action = scene.action(name, *errors)
        return told(lambda: queue.add(action)), model.add(name, reader(there, back))

    steps: dict[str, Callable[[], tuple[str, str]]] = {
        "add": lambda: add(*added),
        "execute": lambda: (told(lambda: scene.way.execute(queue)), model.execute()),
        "rollback": lambda: (told(lambda: scene.way.rollback(queue)), model.rollback()),
    }
    for there, back in given_scripts:
        add(there, back)
    for verb in order:
        real, expected = steps[verb]()
        assert real == expected
        assert scene.diary == model.diary
        assert [named(error) for error in queue.rollback_errors] == [
            outcome for outcome in reversed(model.owed.values()) if outcome != "well"
        ]
