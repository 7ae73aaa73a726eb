"""`workhorse replay APP FILE`: recorded messages once more, a message a line."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from workhorse.cli.exits import ERROR
from workhorse.cli.replay_lines import Recorded, recorded
from workhorse.cli.replay_source import KEPT, Mark, Source
from workhorse.cli.replaying import BATCH, NAMED, Account, Replaying
from workhorse.cli.shared import Desk, broker_of, desk
from workhorse.core import names
from workhorse.core.contract import Engine, Put, Store

_EPILOG = """\
A line is {"task": "resize", "args": ["cat.png"]}, perhaps with id, queue, kwargs, priority and headers; or one of
`workhorse dead APP export`; or, with --queue, a CloudEvents document. A line without an id gets one of its number and text.
"""


@click.command("replay", short_help="Send recorded messages once more.", epilog=_EPILOG)
@click.argument("app")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--queue", help="Put them all on this queue instead of their own.")
@click.option("--dry-run", is_flag=True, help="Check every line and say what would be done; do nothing.")
@click.option("--again", is_flag=True, help="Begin with the first line, however far an earlier run came.")
@desk
def replay(desk: Desk, file: str, queue: str | None, dry_run: bool, again: bool) -> None:
    """Enqueue the messages of FILE, one a line, with - for standard input; each id once.

    What the engine does not know is enqueued; a dead letter that was exported and is still there is put back; what is there
    already is left. How far a file came is remembered in the app's store for 30 days: killed half way, or after the file
    has grown, the same command goes on. Bad lines are named by their numbers and left out. Exit code 1 when there were any.
    """
    if queue is not None:
        names.name(queue, "--queue")
    account = desk.ask(lambda desk, engine: _replayed(desk, engine, file, queue, dry_run, again))
    desk.value(_document(account))
    _tell(desk, account, dry_run)
    if account.bad:
        click.get_current_context().exit(ERROR)


async def _replayed(desk: Desk, engine: Engine, file: str, queue: str | None, dry: bool, again: bool) -> Account:
    def read(text: bytes, number: int) -> Recorded:
        return recorded(text, number, desk.app, queue)

    replaying = Replaying(broker_of(engine), engine.inspector, read, partial(_name_bad, desk), dry)
    with _opened(file) as stream:
        source, store = Source(stream, file), None if file == "-" or dry else engine.store
        key = _key(file, queue)
        if engine.store is not None and file != "-" and not again:
            replaying.account.before = await _skip(source, engine.store, key)
        lines = source.lines()
        with desk.progress("replaying", None) as step:
            while batch := list(islice(lines, BATCH)):
                await replaying.send(batch)
                await _remember(store, key, source.mark)
                step(len(batch))
    return replaying.account


def _key(file: str, queue: str | None) -> str:
    name = f"{Path(file).resolve()} {queue or ''}"
    return f"replay/{sha256(name.encode(errors='surrogateescape')).hexdigest()[:32]}"


@contextmanager
def _opened(file: str) -> Generator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    with open(file, "rb") as stream:
        yield stream


async def _skip(source: Source, store: Store, key: str) -> int:
    (found,) = await store.get([key])
    if found is None:
        return 0
    mark = msgspec.json.decode(found[0], type=Mark)
    source.skip(mark)
    return mark.lines


async def _remember(store: Store | None, key: str, mark: Mark) -> None:
    if store is not None:  # after its messages: killed between, they are sent again under the same ids
        await store.put([Put(key, msgspec.json.encode(mark), None, KEPT)])


def _name_bad(desk: Desk, number: int, why: str) -> None:
    desk.remark(f"line {number:,}: {why}")


def _document(account: Account) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(account)
    return {**told, "lines": [{"line": number, "reason": why} for number, why in account.lines]}


def _tell(desk: Desk, account: Account, dry: bool) -> None:
    if account.before:
        desk.say(f"{account.before:,} lines were replayed before")
    words = ("would enqueue", "would put back") if dry else ("enqueued", "put back")
    desk.say(
        f"{words[0]} {account.enqueued:,}, {words[1]} {account.put_back:,} dead letters, "
        f"{account.there:,} there already, {account.bad:,} bad"
    )
    if account.bad > NAMED:
        desk.remark(f"the document of --json names the first {NAMED:,} bad lines")
