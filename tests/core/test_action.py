"""An action: what is one, and whether it is asynchronous."""

from dataclasses import dataclass
from functools import partial

import pytest

from workhorse.core.action import Action, checked, is_asynchronous
from workhorse.core.errors import DeclarationError


@dataclass
class Reserve(Action):
    user: int
    seat: int | None = None

    def execute(self) -> None:
        self.seat = self.user + 10

    def rollback(self) -> None:
        self.seat = None


class Careless(Action): ...


class Later:
    async def execute(self) -> None: ...
    def rollback(self) -> None: ...


class Calling:
    async def __call__(self) -> None: ...


def test_what_execute_keeps_is_there_for_rollback() -> None:
    action = Reserve(1)
    action.execute()
    assert action == Reserve(1, 11)
    action.rollback()
    assert action == Reserve(1)


def test_an_action_that_says_nothing_does_nothing() -> None:
    assert (Careless().execute(), Careless().rollback()) == (None, None)


def test_any_object_with_both_methods_is_an_action() -> None:
    checked(Later(), "here")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (3, "got 3 without execute and rollback"),
        (Calling(), "without execute and rollback"),
        (Reserve, "got the class .*Reserve.*; make one: Reserve"),
    ],
    ids=["number", "callable", "class"],
)
def test_anything_else_is_told_what_it_lacks(wrong: object, told: str) -> None:
    with pytest.raises(DeclarationError, match=f"here: expected an object.*{told}"):
        checked(wrong, "here")


def test_an_asynchronous_method_is_known_before_it_is_called() -> None:
    assert is_asynchronous(Later().execute)
    assert is_asynchronous(partial(Later().execute))
    assert is_asynchronous(Calling())
    assert not is_asynchronous(Later().rollback)
