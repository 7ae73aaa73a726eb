"""The journal's writer: each line once, in order; of two writers one goes on; an engine that does not answer is waited for."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import count

import pytest
from msgspec import Raw

from workhorse.core.contract import ABSENT, Put
from workhorse.core.errors import BrokerUnavailable
from workhorse.core.sagas.journal import Journal
from workhorse.core.sagas.records import AnyRecord, Done, Own, Started
from workhorse.durable.sagas import log as logs
from workhorse.durable.sagas.log import Log, Overtaken
from workhorse.durable.sagas.puts import Puts


class Shelf:
    """A store of puts alone; `fails` is asked at each call whether it fails before (-1) or after (1) it took effect."""

    def __init__(self, fails: Callable[[int], int] = lambda call: 0) -> None:
        self.facts: dict[str, tuple[bytes, int]] = {}
        self.calls: list[list[str]] = []
        self._fails, self._versions = fails, count(1)

    async def put(self, puts: Sequence[Put], /) -> list[int | None]:
        self.calls.append([put.key for put in puts])
        await asyncio.sleep(0)
        fails = self._fails(len(self.calls))
        if fails < 0:
            raise BrokerUnavailable("before")
        done = [self._put(put) for put in puts]
        if fails > 0:
            raise BrokerUnavailable("after")
        return done

    def _put(self, put: Put) -> int | None:
        if put.key == "poison":
            raise ValueError("no such key")
        if put.expect is not None and self.facts.get(put.key, (b"", ABSENT))[1] != put.expect:
            return None
        self.facts[put.key] = put.value, next(self._versions)
        return self.facts[put.key][1]

    async def get(self, keys: Sequence[str], /) -> list[tuple[bytes, int] | None]:
        return [self.facts.get(key) for key in keys]


class Nothing:
    """Beside the first line."""

    def __init__(self, *puts: Put) -> None:
        self._puts, self.versions = list(puts), list[int | None]()

    def put(self) -> Put | None:
        return self._puts.pop() if self._puts else None

    def answered(self, version: int | None) -> None:
        self.versions.append(version)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PAUSE", 0.0)


def log_on(shelf: Shelf, beside: Nothing | None = None) -> Log:
    return Log("s", Journal(), Puts(shelf), beside or Nothing())  # type: ignore[arg-type]


def started(path: str = "1", size: int = 0) -> AnyRecord:
    return Started(path=path, kind="step", name="a", args=Raw(b'["%b"]' % (b"x" * size)), kwargs=Raw(b"{}"))


async def test_what_one_turn_of_the_loop_adds_is_one_line_under_the_number_of_its_first() -> None:
    shelf = Shelf()
    log = log_on(shelf)
    assert [log.add(Own(job="j")), log.add(started())] == [1, 2]
    await log.written()
    assert log.add(Done(of=2)) == 3
    await log.written()
    assert list(shelf.facts) == ["saga/s/00000001", "saga/s/00000003"]


async def test_of_two_writers_the_second_writes_nothing_more() -> None:
    shelf = Shelf()
    first, second = log_on(shelf), log_on(shelf)
    for log in (first, second):
        log.add(Own(job=str(id(log))))
    await first.written()
    with pytest.raises(Overtaken):
        await second.written()
    second.add(started())
    with pytest.raises(Overtaken):
        await second.written()
    assert await second.rest() == []
    assert list(shelf.facts) == ["saga/s/00000001"]


@pytest.mark.parametrize("how", [-1, 1], ids=["before it was done", "after it was done"])
async def test_a_line_is_tried_until_there_is_an_answer_and_known_as_ours(how: int) -> None:
    shelf = Shelf(lambda call: how if call <= 2 else 0)
    head = Nothing(Put("saga/s", b"head", ABSENT))
    log = log_on(shelf, head)
    log.add(started())
    await log.written()
    assert not log.lost
    assert set(shelf.facts) == {"saga/s/00000001", "saga/s"}
    assert head.versions == [shelf.facts["saga/s"][1]]


async def test_an_unanswered_line_that_another_wrote_is_not_ours() -> None:
    shelf = Shelf(lambda call: -1 if call == 1 else 0)
    log = log_on(shelf)
    log.add(started())
    shelf.facts["saga/s/00000001"] = b"theirs", 7
    with pytest.raises(Overtaken):
        await log.written()


async def test_what_is_held_goes_with_the_settle() -> None:
    shelf = Shelf()
    log = log_on(shelf)
    log.add(started())
    log.hold()
    (put,) = await log.rest()
    assert (put.key, put.expect, shelf.calls) == ("saga/s/00000001", ABSENT, [])


async def test_large_records_are_cut_into_lines_of_their_own() -> None:
    shelf = Shelf()
    log = log_on(shelf)
    for path in "123":
        log.add(started(path, logs.LONGEST - 200))
    log.hold()
    (put,) = await log.rest()
    assert len(shelf.facts) == 2
    assert put.key == "saga/s/00000003"


async def test_puts_that_come_while_a_call_is_under_way_share_the_next() -> None:
    shelf = Shelf()
    puts = Puts(shelf)  # type: ignore[arg-type]
    versions = await asyncio.gather(*(puts.put([Put(f"{number}", b"", ABSENT)]) for number in range(5)))
    assert shelf.calls == [["0", "1", "2", "3", "4"]]
    assert versions == [[1], [2], [3], [4], [5]]
    again = await asyncio.gather(puts.put([Put("0", b"", ABSENT), Put("9", b"")]), puts.put([Put("8", b"")]))
    assert again == [[None, 6], [7]]


async def test_a_put_that_the_store_chokes_on_does_not_keep_the_others() -> None:
    puts = Puts(Shelf())  # type: ignore[arg-type]
    answers = await asyncio.gather(puts.put([Put("poison", b"")]), puts.put([Put("fine", b"")]), return_exceptions=True)
    assert isinstance(answers[0], ValueError)
    assert answers[1] == [1]
