"""Sagas and steps, used right: both checkers accept every line. `assert_type` pins what is inferred."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_type

from workhorse import Context, Retry, Router, Saga, SagaHandle, Workhorse, step

app = Workhorse("sqlite:///shop.db")
router = Router(prefix="shop.")


@app.task
async def resize(path: str, width: int = 256) -> str:
    return path


@app.task
async def import_file(ctx: Context, path: str) -> int:
    return 1


@dataclass
class ReserveSeat:
    user: int
    seat: int | None = None

    def execute(self) -> None:
        self.seat = 1

    def rollback(self) -> None: ...


@step
async def create_user(email: str) -> int:
    return 1


@create_user.undo
async def delete_user(user: int | None, email: str) -> None: ...


@step(retry=Retry(3), timeout=30)
def charge_card(user: int, *, key: str) -> str:
    return "charge"


@charge_card.undo(retry=Retry(10))
def refund(charge: str | None, user: int, *, key: str) -> None: ...


def reserve(room: int) -> None: ...
def release(room: int) -> None: ...
def make_bucket(name: str) -> str:
    return "arn"


def drop_bucket(arn: str | None, name: str) -> None: ...


bucket = step(make_bucket, undo=drop_bucket, retry=Retry(3))


@app.saga
async def sign_up(saga: Saga, email: str) -> int:
    user = await create_user(email)
    assert_type(user, int)
    assert_type((await saga.do(ReserveSeat(user))).seat, int | None)
    assert_type(await charge_card(user, key=saga.idempotency_key), str)
    await saga.sleep(timedelta(days=3))
    await step(reserve, undo=release)(1)
    assert_type(await bucket("photos"), str)
    assert_type(await saga.call(resize, "cat.png", width=3), str)
    assert_type(await saga.call(import_file, "a.txt"), int)
    assert_type(await saga.gather(create_user("a"), bucket("b")), tuple[int, str])
    assert_type(await saga.gather(*[create_user(x) for x in ["a", "b"]]), list[int])
    assert_type(await saga.wait_for("approved", bool), bool)
    assert_type(await saga.wait_for("approved", bool, timeout=3600), bool | None)
    print(saga.now(), saga.random(), saga.uuid())
    return user


@router.saga(version=2, queue="sagas")
async def tidy(saga: Saga) -> None: ...


async def sagas() -> None:
    handle = await sign_up.enqueue("ada@example.org")
    assert_type(handle, SagaHandle[int])
    assert_type(await handle.result(), int)
    if await handle.status() == "compensation_failed":
        await handle.resume()
    for entry in await handle.journal():
        print(entry.step, entry.state, entry.attempts)
    await handle.signal("approved", True)
    await sign_up.options(id="ada").enqueue(email="ada")
    assert_type(sign_up.handle("ada"), SagaHandle[int])
    assert_type(await create_user("ada"), int)  # outside a saga: just the function
