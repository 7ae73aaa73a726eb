"""The demo's account: every file against its job and its result, read from the database and from the folder again."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from workhorse.app import Workhorse
from workhorse.cli.demo_files import Measured, path_of
from workhorse.cli.rows import arguments
from workhorse.core.contract import Engine, Filter, Row
from workhorse.durable import results
from workhorse.durable.paging import PAGE, pages

RUN: Final = "demo-run"
"""The header that tells this run's jobs from those of an earlier one in the same file."""


class Letter(msgspec.Struct, frozen=True):
    """A dead letter."""

    id: str
    file: str
    reason: str


class Account(msgspec.Struct):
    """What became of every file."""

    files: int
    done: int = 0
    dead: list[Letter] = []
    lost: list[str] = []
    wrong: list[str] = []
    size: int = 0
    lines: int = 0
    tokens: int = 0

    @property
    def honest(self) -> bool:
        """Nothing is lost, and every result is its file's."""
        return not self.lost and not self.wrong


async def account_for(app: Workhorse, engine: Engine, run: str, files: Sequence[str]) -> Account:
    """Look up each of the files."""
    assert engine.inspector is not None
    account, missing = Account(len(files)), set(files)
    async for page in pages(engine.inspector, Filter(queue=app.name)):
        rows = [row for row in page if row.job.headers.get(RUN) == run]
        for row in rows:
            if row.status == "dead":
                account.dead.append(Letter(row.job.id, _file(row), row.reason))
                missing.discard(_file(row))
        done = [row for row in rows if row.status == "succeeded"]
        for row, measured in zip(done, await _results(engine, done), strict=True):
            missing.discard(_file(row))
            _enter(account, _file(row), measured)
    account.lost = sorted(missing)
    return account


def _enter(account: Account, file: str, measured: Measured | None) -> None:
    account.done += 1
    if measured is None or not _holds(file, measured):
        account.wrong.append(file)
    else:
        account.size += measured.size
        account.lines += measured.lines
        account.tokens += measured.tokens


def _holds(file: str, measured: Measured) -> bool:
    """Whether the folder says the same."""
    try:
        data = Path(path_of(file)).read_bytes()
    except OSError:
        return False
    return (measured.size, measured.sha256) == (len(data), hashlib.sha256(data).hexdigest())


async def _results(engine: Engine, rows: Sequence[Row]) -> list[Measured | None]:
    assert engine.store is not None
    assert len(rows) <= PAGE
    facts = await engine.store.get([results.key(row.job.id) for row in rows])
    return [None if fact is None else _measured(fact[0]) for fact in facts]


def _measured(fact: bytes) -> Measured | None:
    try:
        return msgspec.json.decode(fact, type=_Result).value
    except msgspec.DecodeError:
        return None


class _Result(msgspec.Struct):
    value: Measured


def _file(row: Row) -> str:
    args: list[Any] = arguments(row.job.payload).get("args", [""])
    return str(args[0])
