"""`workhorse demo [FOLDER]`: real files through two workers, one of them killed half way, every job accounted for."""

import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import click

from workhorse.app import Workhorse
from workhorse.cli import demo_report
from workhorse.cli.demo_account import RUN, Account, account_for
from workhorse.cli.demo_crew import CONCURRENCY, LEASE, Crew
from workhorse.cli.demo_files import BROKEN, BROKEN_TEXT, TASK, build, files_of, name_of, source_of_python
from workhorse.cli.demo_watch import Kill, Watch
from workhorse.cli.exits import ERROR
from workhorse.cli.meter import meter
from workhorse.cli.shared import Desk, desk, inspector_of
from workhorse.core.errors import DeclarationError
from workhorse.core.ids import new_id
from workhorse.core.loops import run

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("demo", short_help="Real files, two workers, one killed half way.")
@click.argument("folder", type=FOLDER, required=False)
@click.option("--db", type=FILE, help="The SQLite file for the jobs. Default: one in a new temporary folder.")
@desk
def demo(desk: Desk, folder: Path | None, db: Path | None) -> None:
    """Measure every file of FOLDER: two workers, one of them killed half way, and no job lost.

    One job a file: size, SHA-256, lines, tokens; what is no Python ends as a dead letter. Hidden folders and
    __pycache__ are left out. Without FOLDER: the source of Python's own standard library, and one broken file.
    """
    files = source_of_python() if folder is None else files_of(folder.absolute())
    if not files:
        raise DeclarationError(f"demo: expected a folder with files, got {str(folder)!r}, which has none")
    place = Path(tempfile.mkdtemp(prefix="workhorse-demo-"))
    url = "sqlite:///" + quote(str((db or place / "demo.db").absolute()))
    if folder is None:
        files.append(_broken(place))
    account, kill, seconds = run(_show(desk, build(url), url, place, files))
    desk.say()
    demo_report.table(desk, account, kill, seconds)
    desk.value(demo_report.document(account, kill, seconds))
    desk.say()
    desk.say("To look around:")
    for command in demo_report.commands(url, account):
        desk.say(f"  {command}")
    if not account.honest:
        click.get_current_context().exit(ERROR)


async def _show(
    desk: Desk, app: Workhorse, url: str, place: Path, files: list[str]
) -> tuple[Account, Kill | None, float]:
    async with app:
        engine = await app.engine()
        this = new_id()
        desk.say(f"{len(files):,} files, one job each, in {app.url}")
        with meter("files", len(files)) as shown, Crew(url, place) as crew:
            watch = Watch(inspector_of(engine), app.name, len(files), crew, shown)
            watch.before = await watch.ended()
            began = time.monotonic()
            await _enqueue(app, this, files)
            shown.say(f"enqueued in {time.monotonic() - began:.1f} s, each durable before the next thousand")
            first, second = crew.pids
            shown.say(
                f"workers {first} and {second} run {CONCURRENCY} at once each, lease {LEASE:g} s; "
                f"their logs are in {place}"
            )
            seconds = await watch.run()
        return await account_for(app, engine, this, files), watch.kill, seconds


async def _enqueue(app: Workhorse, this: str, files: list[str]) -> None:
    measure = app.registry.find(TASK).options(headers={RUN: this})
    await app.enqueue_many(measure.job(file) for file in files)


def _broken(place: Path) -> str:
    path = place / BROKEN
    path.write_text(BROKEN_TEXT, encoding="utf-8")
    return name_of(path)
