"""Tasks that run in processes: at the top of a module that a spawned process can import."""

import os
import sys
from pathlib import Path

from workhorse import Batch, Fixed, GiveUp, Retry, Workhorse

app = Workhorse("memory://", name="processes", retry=Retry(0))


@app.task(run_in="process")
def crunch(n: int) -> int:
    return sum(i * i for i in range(n))


@app.task(run_in="process")
def whose_pid() -> int:
    return os.getpid()


@app.task(run_in="process")
def end_it(code: int) -> None:
    os._exit(code)


@app.task(run_in="process")
def leave() -> None:
    sys.exit(7)


@app.task(run_in="process", timeout=0.3)
def for_ever(mark: str) -> None:
    Path(mark).write_text(str(os.getpid()))
    while True:
        pass


@app.task(run_in="process", retry=Retry(1, Fixed(0), never=(KeyError,)))
def hopeless() -> None:
    raise KeyError("no use")


@app.task(run_in="process")
def give_up() -> None:
    raise GiveUp("enough")


@app.task(run_in="process")
def fork_and_return() -> int:
    os.fork()
    return 1


@app.task(run_in="process", batch=Batch(size=10, wait=0))
def squares(ns: list[int]) -> list[int | Exception]:
    return [ValueError("negative") if n < 0 else n * n for n in ns]
