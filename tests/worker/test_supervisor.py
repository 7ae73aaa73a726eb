"""Several worker processes: started again when they die, recycled when they grow, exact together, stopped together."""

import asyncio
import os
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from supervised import make, work
from waiting import until
from workhorse import Counts
from workhorse.core.happenings import ProcessDied
from workhorse.core.instrument import Bus
from workhorse.worker.health import Probe, serving
from workhorse.worker.supervisor import Supervisor, supervise


async def enqueue(url: str, *jobs: tuple[str, tuple[object, ...]]) -> list[str]:
    async with make(url) as app:
        return [
            handle.id for handle in await app.enqueue_many(app.registry.find(name).job(*args) for name, args in jobs)
        ]


async def results(url: str, ids: list[str]) -> list[object]:
    async with make(url) as app:
        return [await app.registry.find("pid").handle(id).result(timeout=5) for id in ids]


async def statuses(url: str, ids: list[str]) -> list[str]:
    async with make(url) as app:
        return [await app.status(id) for id in ids]


def test_max_jobs_is_exact_over_all_processes(database_url: str) -> None:
    ids = asyncio.run(enqueue(database_url, *[("pid", ())] * 100))
    counts = supervise(partial(work, database_url, False), processes=2, grace=5, bus=Bus(), max_jobs=31)
    assert counts == Counts(succeeded=31)
    assert sorted(asyncio.run(statuses(database_url, ids))) == ["ready"] * 69 + ["succeeded"] * 31


def test_a_process_that_is_killed_is_started_again_and_its_job_runs_again(database_url: str, tmp_path: Path) -> None:
    died: list[ProcessDied] = []
    bus = Bus()
    bus.listen(ProcessDied, died.append)
    (id,) = asyncio.run(enqueue(database_url, ("kill_me_once", (str(tmp_path / "mark"),))))
    counts = supervise(partial(work, database_url, False), processes=1, grace=5, bus=bus, max_jobs=1)
    assert counts == Counts()  # the ticket went with the process that died: never one more
    assert [it.code for it in died] == [-signal.SIGKILL]
    supervise(partial(work, database_url, False), processes=1, grace=5, bus=bus, max_jobs=1)
    assert asyncio.run(statuses(database_url, [id])) == ["succeeded"]


def running(url: str, burst: bool = False, **settings: object) -> tuple[Supervisor, Callable[[], Counts]]:
    """A supervisor in a thread of this process, and how to wait for its end."""
    options = {"processes": 2, "grace": 5.0, "bus": Bus(), "max_memory": None, "max_jobs": None, **settings}
    supervisor = Supervisor(partial(work, url, burst), *options.values())
    ended: list[Counts] = []
    thread = threading.Thread(target=lambda: ended.append(asyncio.run(supervisor.run(None))))
    thread.start()

    def wait() -> Counts:
        thread.join(60)
        return ended[0]

    return supervisor, wait


def test_one_poison_job_among_a_hundred_takes_none_with_it(database_url: str) -> None:
    bystanders: list[tuple[str, tuple[object, ...]]] = [("nap", ())] * 99
    ids = asyncio.run(enqueue(database_url, *bystanders[:50], ("poison", ()), *bystanders[50:]))
    supervisor, wait = running(database_url)
    until(lambda: sorted(asyncio.run(statuses(database_url, ids))) == ["dead"] + ["succeeded"] * 99, 60)
    assert asyncio.run(statuses(database_url, [ids[50]])) == ["dead"]
    supervisor.stop()
    wait()


def test_stop_ends_all_processes_gracefully(database_url: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    ids = asyncio.run(enqueue(database_url, *[("bystander", (str(gate),))] * 4))
    supervisor, wait = running(database_url)
    until(lambda: asyncio.run(statuses(database_url, ids)).count("running") == 4)
    supervisor.stop()
    gate.touch()
    assert wait() == Counts(succeeded=4)


def test_a_process_that_grew_is_recycled_between_jobs(database_url: str) -> None:
    ids = asyncio.run(enqueue(database_url, ("grow", (200,))))
    supervisor, wait = running(database_url, processes=1, max_memory=150 << 20)
    until(lambda: asyncio.run(statuses(database_url, ids)) == ["succeeded"])
    (first,) = asyncio.run(results(database_url, ids))
    until(lambda: bool(supervisor.pids) and supervisor.pids != [first])
    (second,) = asyncio.run(enqueue(database_url, ("pid", ())))
    until(lambda: asyncio.run(statuses(database_url, [second])) == ["succeeded"])
    assert asyncio.run(results(database_url, [second])) != [first]
    supervisor.stop()
    wait()


def test_workers_whose_supervisor_is_killed_stop(database_url: str, tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            supervise(partial(work, database_url, False), processes=1, grace=5, bus=Bus())
        finally:
            os._exit(0)
    try:
        (id,) = asyncio.run(enqueue(database_url, ("pid", ())))
        until(lambda: asyncio.run(statuses(database_url, [id])) == ["succeeded"])
        (worker,) = asyncio.run(results(database_url, [id]))
        assert isinstance(worker, int)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    until(lambda: not alive(worker), 20)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").exists() or Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


@pytest.mark.parametrize(
    ("path", "probe", "status"),
    [
        ("/livez", Probe(True, False), 200),
        ("/healthz", Probe(False, False), 503),
        ("/readyz", Probe(True, True), 200),
        ("/readyz?verbose", Probe(True, False), 503),
        ("/", Probe(True, True), 404),
    ],
)
async def test_probes_are_answered(path: str, probe: Probe, status: int) -> None:
    async with serving("127.0.0.1", 0, lambda: probe) as port:
        assert await asyncio.to_thread(get, port, path) == status


async def test_a_request_that_is_none_does_not_hurt() -> None:
    async with serving("127.0.0.1", 0, lambda: Probe(True, True)) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 100_000 + b"\r\n\r\n")
        writer.close()
        assert await asyncio.to_thread(get, port, "/livez") == 200


def get(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
