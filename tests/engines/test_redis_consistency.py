"""The check that other tests call after kills: it takes a healthy prefix of every kind of job, and each rule of it notices its breach."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import redis

from consistency_redis import ALWAYS, AT_REST, at_rest, consistent
from every_kind import filled
from workhorse.engines import open_engine

BASE = "{consistency}:"

Client = Any


def changed(name: str, key: str, **fields: object) -> Callable[[Client], None]:
    """In what is stored there as a table."""

    def change(client: Client) -> None:
        text = client.hget(BASE + name, key)
        head = text[:16] if name == "state" else b""
        table = msgspec.msgpack.decode(text[len(head) :]) | fields
        client.hset(BASE + name, key, head + msgspec.msgpack.encode(table))

    return change


def both(*changes: Callable[[Client], object]) -> Callable[[Client], object]:
    return lambda client: [change(client) for change in changes]


def held(client: Client) -> None:
    """An ended job has a token."""
    text = client.hget(BASE + "state", "plain")
    client.hset(BASE + "state", "plain", b"1" * 16 + text[16:])


BREACHES: dict[str, Callable[[Client], object]] = {
    "a key that is none of ours": lambda it: it.set(BASE + "strange", 1),
    "a job that lies nowhere, in two places, or in a wrong one": lambda it: it.zrem(BASE + "held:q", "settled"),
    "a place without its job": lambda it: it.zadd(BASE + "due:2:q", {"nobody": 1}),
    "a state without its job": lambda it: it.hdel(BASE + "jobs", "plain"),
    "a trail without its job": lambda it: it.hset(BASE + "trails", "plain", "here"),
    "a queue that nobody knows": lambda it: it.delete(BASE + "queues"),
    "ended, but not over": changed("state", "again", ended=1),
    "over, but never ended": changed("state", "plain", ended=None),
    "over, but held": held,
    "a reason without a death": changed("state", "plain", reason="so"),
    "counts that cannot be": changed("state", "plain", crashes=-1),
    "a slot held by who may not": changed("state", "lane 3", slot=True),
    "a lane that is not there": lambda it: it.delete(BASE + "lanes"),
    "a lane that counts its slots wrong": changed("lanes", "q/lane", taken=1),
    "a lane that counts its jobs wrong": lambda it: it.hset(BASE + "members", "q/lane", 3),
    "parked before a free slot": changed("lanes", "q/lane", width=3),
    "a unique key of nobody": changed("uniques", "settled", id="plain"),
    "a unique key kept beyond its job's claim": changed("uniques", "settled", till=0),
    "a unique key kept beyond its job's end": changed("uniques", "kept", till=1),
    "a unique key that is freed and not": lambda it: it.zrem(BASE + "freed", "gone"),
    "a result before the end": lambda it: it.hset(BASE + "facts", "result/again", bytes(16)),
    "a result of a job that is not there": lambda it: it.hset(BASE + "facts", "result/nobody", bytes(16)),
    "a version from the future, or twice": lambda it: it.set(BASE + "version", 1),
    "a fact out of order": lambda it: it.delete(BASE + "facts:order"),
    "a fact that never expires, or does too soon": lambda it: it.delete(BASE + "facts:expiry"),
    "a job that has not ended": lambda _: None,
    "a slot that nobody gave back": lambda _: None,
    "a unique key that nobody gave back": lambda _: None,
}


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Client]:
    """Of a server with jobs in every state."""
    server = redis_url.partition("?")[0]
    await filled(open_engine(f"{server}?prefix=consistency"))
    with redis.Redis.from_url(server) as client:
        yield client


def test_a_healthy_prefix_is_consistent(client: Client) -> None:
    consistent(client, BASE)


@pytest.mark.parametrize("rule", [*ALWAYS, *AT_REST])
def test_each_rule_notices_its_breach(client: Client, rule: str) -> None:
    BREACHES[rule](client)
    with pytest.raises(AssertionError, match=rule):
        (at_rest if rule in AT_REST else consistent)(client, BASE)
