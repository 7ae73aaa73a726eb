"""Sagas and steps, used wrong: both checkers reject each line marked `# E:`, and no other."""

from __future__ import annotations

from dataclasses import dataclass

from workhorse import Context, Retry, Saga, SagaHandle, Workhorse, step

app = Workhorse("sqlite:///shop.db")


@app.task
async def resize(path: str, width: int = 256) -> str:
    return path


@app.task
async def import_file(ctx: Context, path: str) -> int:
    return 1


@dataclass
class NoRollback:
    def execute(self) -> None: ...


@step
async def create_user(email: str) -> int:
    return 1


@create_user.undo  # E: neither the arguments, nor the result and the arguments
async def wrong_arguments(room: bytes) -> None: ...


@create_user.undo  # E: the result may be None
async def never_none(user: int, email: str) -> None: ...


@create_user.undo  # E: the result, too, needs the arguments after it
async def result_only(user: int | None) -> None: ...


@create_user.undo(retry=Retry(9))  # E: not the step's result
async def other_result(user: bytes | None, email: str) -> None: ...


def reserve(room: int) -> None: ...
def release(room: str) -> None: ...


step(reserve, undo=release)  # E: other arguments
step(reserve, retry=3)  # E: a Retry


@step(undo=release)  # E: use @reserve.undo
def reserve_again(room: int) -> None: ...


@app.saga
async def sign_up(saga: Saga, email: str) -> int:
    await create_user(1)  # E: not a string
    await create_user()  # E: an argument is missing
    user: int = create_user(email)  # E: not awaited
    create_user(email)  # E: not awaited
    saga.sleep(3)  # E: not awaited
    await step(reserve)("1")  # E: not an int
    await saga.do(NoRollback())  # E: no rollback
    await saga.call(resize, 1)  # E: not a string
    await saga.call(resize)  # E: an argument is missing
    await saga.sleep("3 days")  # E: a number or a timedelta
    approved: bool = await saga.wait_for("approved", bool, timeout=3)  # E: None when it did not come
    pair: tuple[int, str] = await saga.gather(create_user("a"), create_user("b"))  # E: two ints
    print(user, approved, pair)
    return user


@app.saga  # E: the first parameter is the Saga
async def no_saga(email: str) -> int:
    return 1


@app.saga  # E: a saga is a coroutine function
def sync_saga(saga: Saga, email: str) -> int:
    return 1


async def sagas(saga: Saga) -> None:
    await sign_up.enqueue(1)  # E: not a string
    await sign_up.enqueue(saga, "ada")  # E: the saga is injected
    await sign_up(saga, "ada")  # E: a saga is enqueued, not called
    handle: SagaHandle[str] = await sign_up.enqueue("ada")  # E: its result is an int
    await handle.signal(1)  # E: a name


async def handles() -> None:
    await (await resize.enqueue("a")).journal()  # E: only a saga has one
    await sign_up.options(retry=3).enqueue("a")  # E: a Retry
