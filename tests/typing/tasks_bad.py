"""Tasks and jobs, used wrong: both checkers reject each line marked `# E:`, and no other."""

from __future__ import annotations

from workhorse import Context, GiveUp, JobHandle, Retry, RetryLater, Router, Task, Workhorse

app = Workhorse()
Workhorse(3)  # E: a URL is text
Workhorse("sqlite:///a.db", "shop")  # E: the name is named
Workhorse(stroe="x")  # E: no such setting
Workhorse(run_in="process")  # E: of a task, not of an app
Workhorse(retain="1h")  # E: a number or a timedelta
Router("billing.")  # E: the prefix is named
Router(prefix="billing.", quue="billing")  # E: no such option
app.include("billing")  # E: a Router


@app.task
async def resize(path: str, width: int = 256) -> str:
    return path


@app.task
def send_mail(to: str, subject: str) -> None: ...


@app.task
async def import_file(ctx: Context, path: str) -> int:
    return ctx.attempts  # E: no such attribute


@app.task
def keyword_only(*, a: int) -> None: ...


async def enqueueing(ctx: Context) -> None:
    resize.enqueue("a")  # E: not awaited
    resize("a")  # E: not awaited
    await resize.enqueue()  # E: an argument is missing
    await resize.enqueue(1)  # E: not a string
    await resize.enqueue(1, widht=2)  # E: not a string, and no such parameter
    await resize.enqueue("a", widht=2)  # E: no such parameter
    await resize.enqueue("a", "2")  # E: not an int
    await resize.enqueue("a", 1, 2)  # E: one too many
    await resize.enqueue("a", delay=3)  # E: an option is no argument
    resize.enqueue_sync(path=None)  # E: not a string
    resize.job(1)  # E: not a string
    keyword_only.enqueue_sync(1)  # E: by name only
    await app.enqueue(resize)  # E: a task is not yet a job
    await app.enqueue(resize.job("a"), delay=3)  # E: an option is the task's
    await app.enqueue_many(resize.job("a"))  # E: one job is not many
    await app.enqueue(app.job(42))  # E: a name is text
    resize.handle(3)  # E: an id is text
    app.run(3)  # E: something to wait for
    app.remote(resize)  # E: a name


async def asking() -> None:
    number: int = await (await resize.enqueue("a")).result()  # E: it is a string
    print(number, (await resize.enqueue("a")).reslut)  # E: no such method
    if await (await resize.enqueue("a")).status() == "suceeded":  # E: no such status
        pass
    await (await resize.enqueue("a")).journal()  # E: only a saga has one
    (await resize.enqueue("a")).result().upper()  # E: not awaited
    await (await resize.enqueue("a")).result(timeout="3")  # E: a number or a timedelta
    print(app.run(resize.enqueue_sync("a").result()).real)  # E: it is a string


async def calling(ctx: Context) -> None:
    await import_file.enqueue(ctx, "a")  # E: the context is injected
    await import_file.enqueue()  # E: an argument is missing
    await import_file.enqueue(1)  # E: not a string
    await import_file("a")  # E: a direct call passes the context
    await resize(1)  # E: not a string
    resize("a").upper()  # E: a coroutine
    await send_mail("a", "b")  # E: not a coroutine
    await ctx.progress("half")  # E: a number
    ctx.cancelled = True  # E: only to look at
    wide: Task[[int], str] = resize  # E: other parameters
    handle: JobHandle[int] = await resize.enqueue("a")  # E: another result
    print(wide, handle)


async def working() -> None:
    app.worker(concurrency="many")  # E: a number
    app.worker(100)  # E: by name
    print((await app.worker().run()).died)  # E: no such count


@app.task(timeuot=3)  # E: no such option
def misspelt() -> None: ...


@app.task(id="x")  # E: an id is of one job
def with_id() -> None: ...


@app.task(run_in="fiber")  # E: thread or process
def in_fiber() -> None: ...


@app.task(retry=3)  # E: a Retry
def thrice() -> None: ...


RetryLater("30")  # E: a number or a timedelta
GiveUp()  # E: a reason
Retry("3")  # E: a number
