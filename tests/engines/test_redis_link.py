"""The way to a Redis: cut, half open, refused, of another kind, from several loops and from a forked child."""

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from servers import Redis
from servers.fixtures import Own
from servers.proxy import Proxy
from workhorse.core import loops
from workhorse.core.errors import BrokerUnavailable, DeclarationError, EngineRefused
from workhorse.engine import Succeeded
from workhorse.engines import open_engine
from workhorse.engines.redis.engine import RedisEngine, redis
from workhorse.testing.conformance.words import claim_one, ids, job, publish, settle


@pytest.fixture
def server(own: Own) -> Redis:
    made: Redis = own(Redis, fast=True)
    return made


@pytest.fixture
def proxy(server: Redis) -> Iterator[Proxy]:
    with Proxy(server) as line:
        yield line


async def opened(url: str) -> RedisEngine:
    engine = redis(url)
    await engine.open()
    return engine


async def test_a_cut_connection_is_an_error_and_the_next_call_connects_again(server: Redis, proxy: Proxy) -> None:
    engine = await opened(proxy.url(server.url()))
    await publish(engine.broker, job("a"))
    proxy.refuse()
    with pytest.raises(BrokerUnavailable, match="no connection"):
        await engine.broker.publish([job("b")])
    proxy.heal()
    await publish(engine.broker, job("b"))
    assert await ids(engine.broker) == ["a", "b"]
    await engine.close()


async def test_a_half_open_connection_is_given_up_after_the_time_out(server: Redis, proxy: Proxy) -> None:
    engine = await opened(proxy.url(server.url(timeout=0.2)))
    proxy.stall()
    with pytest.raises(BrokerUnavailable, match=r"no answer within 0\.2 s"):
        await engine.broker.publish([job("a")])
    await publish(engine.broker, job("a"))
    assert await ids(engine.broker) == ["a"]
    await engine.close()


@pytest.mark.parametrize("run", [asyncio.run, loops.run])
def test_a_loop_that_stood_still_reads_what_came_before_it_gives_up(
    server: Redis, proxy: Proxy, run: Callable[..., None]
) -> None:
    async def stand_still() -> None:
        engine = await opened(proxy.url(server.url(timeout=1)))
        await publish(engine.broker, job("a"))
        proxy.slow(0.2)
        here, there = socket.socketpair()
        loop = asyncio.get_running_loop()
        loop.add_reader(here, lambda: (loop.remove_reader(here), time.sleep(1.5)))
        publishing = asyncio.create_task(publish(engine.broker, job("b")))
        for _ in range(10):
            await asyncio.sleep(0)  # it is sent
        there.send(b"now")
        await publishing
        await engine.close()
        here.close()
        there.close()

    run(stand_still())


async def test_a_connection_that_never_comes_about_is_given_up_too(server: Redis, proxy: Proxy) -> None:
    proxy.stall(new=True)
    with pytest.raises(BrokerUnavailable, match="no answer within"):
        await opened(proxy.url(server.url(timeout=0.2)))


async def test_an_answer_that_is_lost_is_an_error_and_the_jobs_may_be_sent_again(server: Redis, proxy: Proxy) -> None:
    engine = await opened(proxy.url(server.url()))
    await publish(engine.broker, job("first"))
    proxy.lose("down")
    with pytest.raises(BrokerUnavailable):
        await engine.broker.publish([job("a")])
    proxy.heal()
    await publish(engine.broker, job("a"))
    assert await ids(engine.broker) == ["a", "first"]
    await engine.close()


async def test_a_server_that_starts_again_has_what_it_accepted(own_redis: Redis) -> None:
    engine = await opened(own_redis.url())
    await publish(engine.broker, job("a"), job("b"))
    held = await engine.broker.claim(["mail"], 1, 60)
    own_redis.kill()
    with pytest.raises(BrokerUnavailable):
        await engine.broker.publish([job("c")])
    own_redis.start()
    await settle(engine.broker, *(Succeeded(each) for each in held))
    assert len(await ids(engine.broker)) == 1
    await engine.close()


async def test_what_is_no_redis_is_said_to_be_none() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    stranger = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = stranger.sockets[0].getsockname()[1]
    with pytest.raises(EngineRefused, match="expected a Redis server"):
        await opened(f"redis://127.0.0.1:{port}")
    stranger.close()


async def test_nobody_there_is_an_error_without_the_password() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(BrokerUnavailable, match="no connection") as error:
            await opened(f"redis://ada:hunter2@127.0.0.1:{taken.getsockname()[1]}")
    assert "hunter2" not in str(error.value)


async def test_a_wrong_password_or_none_is_refused_with_the_fix(own: Own) -> None:
    server = own(Redis, fast=True, requirepass="horse")
    for url in (f"redis://{server.address}", f"redis://:wrong@{server.address}"):
        with pytest.raises(EngineRefused, match="password") as error:
            await opened(url)
        assert "wrong@" not in str(error.value)
    await (await opened(server.url())).close()


async def test_a_password_file_is_read_at_each_connect(own: Own, tmp_path: Path) -> None:
    server = own(Redis, fast=True, requirepass="old")
    file = tmp_path / "password"
    file.write_text("old\n")
    engine = await opened(f"redis://{server.address}?password_file={file}")
    server.call("CONFIG", "SET", "requirepass", "new")
    server.config["requirepass"] = "new"
    file.write_text("new\n")
    server.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    with suppress(BrokerUnavailable):  # this call may find out that the connection is gone
        await engine.broker.publish([job("a")])
    await publish(engine.broker, job("a"))
    file.unlink()
    with pytest.raises(EngineRefused, match="could not read it"):
        await opened(f"redis://{server.address}?password_file={file}")
    await engine.close()


async def test_a_user_who_may_not_do_it_is_told_what_to_grant(server: Redis) -> None:
    server.call("ACL", "SETUSER", "ada", "on", ">pw", "~*", "+@all", "-evalsha", "-eval")
    with pytest.raises(EngineRefused, match="ACL SETUSER"):
        await opened(f"redis://ada:pw@{server.address}")


async def test_a_replica_takes_no_writes_and_says_so(own: Own, server: Redis) -> None:
    engine = await opened(server.url())
    master = own(Redis, fast=True)
    server.call("REPLICAOF", "127.0.0.1", master.port)
    with pytest.raises(BrokerUnavailable, match=r"replica|loading|failover"):
        await engine.broker.publish([job()])
    await engine.close()


async def test_a_closed_engine_says_so_and_opens_again(redis_url: str) -> None:
    engine = await opened(redis_url)
    await engine.close()
    await engine.close()
    with pytest.raises(BrokerUnavailable, match="open it first"):
        await engine.broker.publish([job()])
    await engine.open()
    await publish(engine.broker, job("a"))
    assert await ids(engine.broker) == ["a"]
    await engine.close()


def test_any_number_of_loops_may_use_one_engine(redis_url: str) -> None:
    engine = redis(redis_url)
    loops.run(engine.open())  # a loop of uvloop's

    async def use(number: int) -> None:
        await publish(engine.broker, job(f"{number}", queue=f"{number}"))
        await settle(engine.broker, Succeeded(await claim_one(engine.broker, f"{number}")))

    threads = [threading.Thread(target=lambda number=number: asyncio.run(use(number))) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert loops.run(engine.broker.claim([f"{number}"], 10, 60)) == []
    loops.run(engine.close())


def test_a_forked_child_is_told_to_open_its_own(redis_url: str) -> None:
    engine = redis(redis_url)
    loops.run(engine.open())
    child = os.fork()
    if not child:
        try:
            loops.run(engine.broker.publish([job()]))
        except EngineRefused as error:
            os._exit(0 if "own in the child" in str(error) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    loops.run(publish(engine.broker, job("a")))
    loops.run(engine.close())


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("redis://localhost:99999", "expected a port"),
        ("redis://localhost/jobs", "number of a database"),
        ("redis://localhost?prefx=a", "did you mean 'prefix'"),
        ("redis://localhost?prefix={a}", "prefix: expected"),
        ("redis://localhost?timeout=0", "more than 0"),
        ("redis://:pw@localhost?password_file=x", "got both"),
        ("redis://localhost?retain=soon", "retain: expected seconds"),
    ],
)
def test_a_url_that_is_wrong_says_what_is_wrong(url: str, wrong: str) -> None:
    with pytest.raises(DeclarationError, match=wrong):
        open_engine(url)


def test_no_error_of_a_url_shows_its_password() -> None:
    with pytest.raises(DeclarationError) as error:
        open_engine("redis://ada:hunter2@localhost/jobs")
    assert "hunter2" not in str(error.value)
    assert "hunter2" not in repr(redis("redis://ada:hunter2@localhost")._link.place)


def test_without_its_package_the_url_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("workhorse.engines.redis.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hiredis", None)
    with pytest.raises(DeclarationError, match=r"pip install 'workhorse\[redis\]'"):
        open_engine("redis://localhost")
