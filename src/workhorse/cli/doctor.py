"""`workhorse doctor APP`: is all well here, and what to do where it is not."""

import time

import click

from workhorse.cli import spooled
from workhorse.cli.checkup import Finding, of_app, of_engine, of_opening, of_versions, of_work
from workhorse.cli.exits import ERROR
from workhorse.cli.shared import Desk, desk
from workhorse.core.errors import WorkhorseError
from workhorse.core.loops import run


@click.command("doctor", short_help="Check that all is well; say what to fix.")
@click.argument("app")
@desk
def doctor(desk: Desk) -> None:
    """Check versions, the app, its database, the right to write, the clock, and what waits; say what to fix.

    Exit code 1 when something must be fixed.
    """
    found = [*of_versions(), *of_app(desk), *run(spooled.findings(desk.app, desk.spec)), *run(_examined(desk))]
    bad = [each for each in found if each.kind == "bad"]
    desk.value(
        {
            "healthy": not bad,
            "findings": [{"kind": it.kind, "about": it.about, "found": it.text, "fix": it.fix} for it in found],
        }
    )
    desk.table(("", "about", "found", "what to do"), [(it.kind, it.about, it.text, it.fix) for it in found])
    if bad:
        desk.say()
        desk.say(f"{len(bad)} to fix")
        click.get_current_context().exit(ERROR)


async def _examined(desk: Desk) -> list[Finding]:
    """What only the open engine can tell; a failure to open it is a finding, too."""
    began = time.monotonic()
    try:
        engine = await desk.app.engine()
    except (WorkhorseError, OSError) as error:
        return [of_opening(error)]
    try:
        opened = Finding("good", "engine", f"opened in {(time.monotonic() - began) * 1000:.0f} ms")
        return [opened, *await of_engine(engine), *await of_work(desk, engine)]
    finally:
        await desk.app.close()
