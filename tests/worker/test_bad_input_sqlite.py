"""The corpus of bad input on a file, published as raw bytes: each has its fate, its bytes are kept, and the worker goes on."""

from typing import Any

import pytest

from bad_input import BROKEN_JSON, FORGED, HOSTILE_NAMES, ODD_VERSIONS
from workhorse import Fixed, Retry, Workhorse
from workhorse.core import document
from workhorse.engine import Envelope, Filter, Row
from workhorse.testing import drain

DEAD: dict[str, bytes] = {
    **BROKEN_JSON,
    **{f"argument: {what}": document.encode(b"[%b]" % text, b"{}") for what, text in BROKEN_JSON.items() if text},
    **{f"forged: {what}": document.encode(b"[%b]" % text, b"{}", tagged=True) for what, text in FORGED.items()},
    "limit": b"x" * (32 << 20),
}
BACK: dict[str, bytes] = {
    f"version {version.decode()}": b'{"v":%b,"body":1}' % version for version in ODD_VERSIONS if version != b"01e9"
}


def made(url: str) -> Workhorse:
    app = Workhorse(url, name="bad", retry=Retry(1, Fixed(0)))

    @app.task(name="take")
    async def take(value: Any) -> None: ...

    @app.task(name="good")
    async def good(n: int) -> int:
        return n

    return app


async def fates(url: str, *jobs: Envelope) -> dict[str, Row]:
    """What became of them when a worker had run all that it could, among good jobs that it did run."""
    app = made(url)
    async with app:
        engine = await app.engine()
        assert engine.broker is not None
        assert engine.inspector is not None
        answers = await engine.broker.publish(jobs)
        assert {answer.kind for answer in answers} == {"accepted"}
        behind = [await app.registry.find("good").enqueue(n) for n in range(3)]
        await drain(app)
        assert [await job.result() for job in behind] == [0, 1, 2]
        return {row.job.id: row for row in await engine.inspector.list(Filter(), 1000)}


async def test_what_cannot_be_read_is_dead_with_its_reason_and_its_bytes(database_url: str) -> None:
    ids = {f"bad-{n}": what for n, what in enumerate(DEAD)}
    rows = await fates(database_url, *(Envelope(id, "take", DEAD[what], queue="bad") for id, what in ids.items()))
    for id, what in ids.items():
        assert rows[id].status == "dead", what
        assert rows[id].reason.startswith(("malformed: ", "arguments do not fit: ")), what
        assert rows[id].job.payload == DEAD[what], what


async def test_what_a_newer_one_wrote_is_handed_back_with_its_bytes(database_url: str) -> None:
    ids = {f"newer-{n}": what for n, what in enumerate(BACK)}
    rows = await fates(database_url, *(Envelope(id, "take", BACK[what], queue="bad") for id, what in ids.items()))
    for id, what in ids.items():
        assert (rows[id].status, rows[id].job.attempt, rows[id].job.payload) == ("scheduled", 1, BACK[what]), what


async def test_a_task_of_a_hostile_name_is_handed_back_and_never_looked_for_elsewhere(database_url: str) -> None:
    names = [*filter(None, HOSTILE_NAMES.values()), "os.system", "__import__", "take.__globals__"]
    whole = document.encode(b"[1]", b"{}")
    rows = await fates(database_url, *(Envelope(f"odd-{n}", name, whole, queue="bad") for n, name in enumerate(names)))
    assert {rows[f"odd-{n}"].status for n in range(len(names))} == {"scheduled"}
    assert [rows[f"odd-{n}"].job.task for n in range(len(names))] == names


@pytest.mark.parametrize("attempt", [-1, 0, 1 << 62])
async def test_an_attempt_out_of_range_harms_nobody(database_url: str, attempt: int) -> None:
    whole = document.encode(b"[1]", b"{}")
    rows = await fates(database_url, Envelope("odd", "take", whole, queue="bad", attempt=attempt))
    assert rows["odd"].status in ("succeeded", "dead")


@pytest.mark.parametrize(
    "odd",
    [
        Envelope("a", "take", b"x" * ((32 << 20) + 1), queue="bad"),
        Envelope("a", "take", b"", queue="bad", delay=float("nan")),
        Envelope("a", "take", b"", queue="bad", delay=-1),
        Envelope("a", "take", b"", queue="bad", delay=1e400),
        Envelope("a", "take", b"", queue="bad", at=1e300),
        Envelope("a", "take", b"", queue="bad", expires=float("inf")),
        Envelope("a", "take", b"", queue="bad", priority=99),
        Envelope("", "take", b"", queue="bad"),
        Envelope("a", "", b"", queue="bad"),
        Envelope("a", "take", b""),
        Envelope("\ud800", "take", b"", queue="bad"),
        Envelope("a", "take", b"", queue="bad", headers={"a": "\udfff"}),
    ],
    ids=["limit + 1", "NaN", "past", "1e400", "year 10,000", "for ever", "priority", "id", "task", "queue", "surrogate", "header"],
)  # fmt: skip
async def test_an_envelope_that_no_row_can_hold_is_refused_by_name(database_url: str, odd: Envelope) -> None:
    app = made(database_url)
    async with app:
        engine = await app.engine()
        assert engine.broker is not None
        (answer,) = await engine.broker.publish([odd])
        assert (answer.kind, bool(answer.reason)) == ("refused", True)
        assert (await drain(app)).succeeded == 0
