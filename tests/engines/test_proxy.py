"""The line that tests spoil: what each fault is to those who speak over it."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from servers import Redis
from servers.proxy import Proxy
from waiting import until

PING, PONG = b"PING\r\n", b"+PONG\r\n"


@pytest.fixture
def proxy(redis: Redis) -> Iterator[Proxy]:
    with Proxy(redis) as proxy:
        yield proxy


def line(proxy: Proxy) -> "closing[socket.socket]":
    return closing(socket.create_connection(("127.0.0.1", proxy.port), timeout=10))


def asked(line: socket.socket, said: bytes = PING) -> bytes:
    line.sendall(said)
    return line.recv(100)


def test_it_passes_on_what_is_said_and_says_where_it_leads(proxy: Proxy, redis: Redis) -> None:
    with line(proxy) as one, line(proxy) as other:
        assert asked(one) == asked(other) == PONG
        assert (proxy.connections, proxy.opened) == (2, 2)
    until(lambda: proxy.connections == 0)
    assert proxy.url(redis.url()) == f"redis://127.0.0.1:{proxy.port}/0"


def test_a_cut_resets_all_that_are_connected_and_lets_the_next_one_in(proxy: Proxy) -> None:
    with line(proxy) as one:
        asked(one)
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            asked(one)
    with line(proxy) as next:
        assert asked(next) == PONG
    assert proxy.cuts == 1


def test_who_is_refused_is_let_in_after_it_has_healed(proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionResetError), line(proxy) as one:
        asked(one)
    proxy.heal()
    with line(proxy) as next:
        assert asked(next) == PONG


def test_a_line_that_is_half_open_stays_so_and_others_are_whole(proxy: Proxy, redis: Redis) -> None:
    with line(proxy) as one, line(proxy) as next:
        asked(one)
        until(lambda: proxy.connections == 2)
        proxy.stall()
        proxy.heal()
        one.settimeout(0.2)
        with pytest.raises(TimeoutError):
            asked(one, b"SET said 1\r\n")
        with line(proxy) as whole:
            assert asked(whole) == PONG
        assert redis.call("EXISTS", "said") == 0
        assert next.fileno() >= 0


def test_new_lines_may_be_half_open_too(proxy: Proxy) -> None:
    proxy.stall(new=True)
    with line(proxy) as one:
        one.settimeout(0.2)
        with pytest.raises(TimeoutError):
            asked(one)


def test_a_slow_line_brings_all_later(proxy: Proxy) -> None:
    with line(proxy) as one:
        asked(one)
        proxy.slow(0.3)
        one.settimeout(0.2)
        with pytest.raises(TimeoutError):
            asked(one)
        one.settimeout(10)
        assert one.recv(100) == PONG


@pytest.mark.parametrize("after", [0, 2])
def test_a_lost_answer_is_that_of_something_done_and_the_line_is_cut_instead(
    proxy: Proxy, redis: Redis, after: int
) -> None:
    with line(proxy) as one:
        proxy.lose("down", after)
        for _ in range(after):
            assert asked(one) == PONG
        assert proxy.losing
        with pytest.raises(ConnectionResetError):
            asked(one, b"SET done 1\r\n")
        assert not proxy.losing
    assert redis.call("GET", "done") == "1"


def test_a_lost_request_was_never_heard(proxy: Proxy, redis: Redis) -> None:
    with line(proxy) as one:
        proxy.lose("up")
        with pytest.raises(ConnectionResetError):
            asked(one, b"SET undone 1\r\n")
    assert redis.call("EXISTS", "undone") == 0


def test_a_server_that_is_gone_is_a_line_that_is_cut(proxy: Proxy, own_redis: Redis) -> None:
    with Proxy(own_redis) as gone:
        own_redis.kill()
        with pytest.raises(ConnectionResetError), line(gone) as one:
            asked(one)
        own_redis.start()
        with line(gone) as next:
            assert asked(next) == PONG
