"""`workhorse enqueue APP TASK [ARGS]`: one job, perhaps waited for."""

from typing import Any

import click

from workhorse.cli import rows
from workhorse.cli.arguments import Arguments, from_json, typed
from workhorse.cli.shared import Desk, desk, store_of
from workhorse.core.contract import Engine
from workhorse.core.errors import JobFailed, JobNotFound
from workhorse.core.handle import JobHandle
from workhorse.core.job import Job, Priority
from workhorse.core.registry import Declared
from workhorse.durable import results
from workhorse.worker.presence import signs

_EPILOG = """\
A word is converted by its parameter's type; JSON is taken for lists and other structures. `name=value` is a named
argument where the task has a parameter of that name, else a positional text. Put -- before a value that begins with -.
"""


@click.command("enqueue", short_help="Enqueue one job; --wait for its result.", epilog=_EPILOG)
@click.argument("app")
@click.argument("task")
@click.argument("words", metavar="[VALUE | NAME=VALUE]...", nargs=-1)
@click.option("--args", "json_args", metavar="JSON", help='A list, a mapping of names, or {"args": [], "kwargs": {}}.')
@click.option("--wait", is_flag=True, help="Wait for the job's end and print its result.")
@click.option("--timeout", type=click.FloatRange(min=0), help="With --wait: for how many seconds at most.")
@click.option("--id", help="An id of your own: one job while it is stored.")
@click.option("--queue", help="Another queue than the task's.")
@click.option("--priority", type=click.Choice(["low", "medium", "high"]), help="Another than the task's.")
@click.option("--delay", type=click.FloatRange(min=0), help="Not before so many seconds have passed.")
@desk
def enqueue(
    desk: Desk,
    /,
    task: str,
    words: tuple[str, ...],
    json_args: str | None,
    wait: bool,
    timeout: float | None,
    **once: Any,
) -> None:
    """Enqueue one job of a task, and print its id; with --wait, its result."""
    if json_args is not None and words:
        raise click.UsageError("expected either values or --args, got both")
    if timeout is not None and not wait:
        raise click.UsageError("--timeout goes with --wait")
    found = desk.app.registry.find(task)
    arguments = typed(found, words) if json_args is None else from_json(found, json_args)
    job = _job(found, arguments, once)

    async def send(desk: Desk) -> None:
        async with desk.app:  # an engine that is away is an error at once, or no matter where there is a spool
            await enqueued(desk)

    async def enqueued(desk: Desk) -> None:
        handle = await desk.app.enqueue(job)
        if handle.id != job.id:
            desk.remark(f"no new job: {handle.id} has its unique key")
        if desk.app.spool is not None and await handle.status() == "spooled":
            desk.remark(f"the engine is away: job {handle.id} waits in the spool")
        if wait:
            await _wait(desk, await desk.app.engine(), handle, job.queue, timeout)
        else:
            desk.value({"id": handle.id, "task": job.task, "queue": job.queue})
            desk.say(handle.id)

    desk.use(send)


def _job(task: Declared, arguments: Arguments, once: dict[str, Any]) -> Job[Any]:
    said = {name: value for name, value in once.items() if value is not None}
    if "priority" in said:
        said["priority"] = Priority[said["priority"].upper()]
    args, kwargs = arguments
    return task.options(**said).job(*args, **kwargs)


async def _wait(desk: Desk, engine: Engine, handle: JobHandle[Any], queue: str, timeout: float | None) -> None:
    if not any(queue in sign.queues for sign in await signs(store_of(engine))):
        desk.remark(f"job {handle.id} waits for a worker: none is there for the queue {queue}")
    try:
        await handle.result(timeout)
    except JobFailed as error:
        told = {"type": error.type, "message": error.message, "traceback": error.traceback}
        desk.value({"id": handle.id, "status": "dead", "error": told})
        raise
    except JobNotFound as error:
        if await handle.status() != "succeeded":
            raise
        desk.value({"id": handle.id, "status": "succeeded"})
        desk.remark(error)
        return
    fact = (await store_of(engine).get([results.key(handle.id)]))[0]
    told = {} if fact is None else rows.result(fact[0])
    desk.value({"id": handle.id, "status": "succeeded", **told})
    _print(desk, told)


def _print(desk: Desk, told: dict[str, Any]) -> None:
    value = told.get("value", told.get("tagged"))
    if desk.json:
        return
    if isinstance(value, str):
        desk.text(value)
    elif value is not None:
        desk.line(value)
    elif "note" in told:
        desk.say(f"skipped: {told['note']}")
