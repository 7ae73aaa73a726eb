"""The command `workhorse` itself: its commands by name, and how errors end."""

import traceback
from typing import Any

import click

from workhorse.cli import exits
from workhorse.cli.about import release
from workhorse.cli.dead import dead
from workhorse.cli.demo import demo
from workhorse.cli.doctor import doctor
from workhorse.cli.enqueue import enqueue
from workhorse.cli.events import events
from workhorse.cli.jobs import jobs
from workhorse.cli.migrate import migrate
from workhorse.cli.migrate_jobs import migrate_jobs
from workhorse.cli.queues import queues
from workhorse.cli.replay import replay
from workhorse.cli.sagas import sagas
from workhorse.cli.schedules import schedules
from workhorse.cli.shared import debugging
from workhorse.cli.spool import spool
from workhorse.cli.worker import worker
from workhorse.cli.workers import workers
from workhorse.core.errors import WorkhorseError
from workhorse.observe.plain import plain


class Root(click.Group):
    """Turns what a command raises into a line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            ctx.exit(exits.INTERRUPTED)
        except Exception as error:
            _tell(error, debugging(ctx))
            ctx.exit(exits.code_of(error))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of their use, not of the alphabet


@click.group(
    cls=Root,
    epilog=exits.HELP,
    commands=[
        worker,
        enqueue,
        jobs,
        dead,
        replay,
        queues,
        workers,
        schedules,
        sagas,
        spool,
        events,
        doctor,
        migrate,
        migrate_jobs,
        demo,
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(release(), prog_name="workhorse")
def main() -> None:
    """Durable jobs: run workers, enqueue, look, repair.

    APP is a module and a variable in it, such as shop:app; the module alone will do when it holds one app. The current
    folder can be imported from.
    """


def _tell(error: Exception, debug: bool) -> None:
    """The error as its user meets it: a line; what nobody expected says where to look."""
    if debug:
        click.echo(plain(traceback.format_exc(), lines=True), err=True, nl=False)
    expected = isinstance(error, WorkhorseError | OSError)
    text = str(error) if expected and str(error) else f"{type(error).__name__}: {error}"
    hint = "" if expected or debug else " (--debug shows where)"
    click.echo(f"workhorse: {plain(text, lines=True)}{hint}", err=True)
