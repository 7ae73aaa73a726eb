"""A server's settings are read when an engine opens: what would lose jobs is refused or said, with the fix."""

import logging

import pytest

from servers import Redis
from servers.fixtures import Own
from workhorse.core.errors import BrokerUnavailable, EngineRefused
from workhorse.engine import Envelope
from workhorse.engines.redis import checks
from workhorse.engines.redis.checks import Standing
from workhorse.engines.redis.engine import RedisEngine, redis

SAFE = Standing(version="7.0.15", policy="noeviction", aof=True, fsync="always")


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has been warned of yet."""
    monkeypatch.setattr(checks, "_warned", set())


async def opened(url: str) -> RedisEngine:
    engine = redis(url)
    await engine.open()
    return engine


async def told(server: Redis, **options: object) -> tuple[dict[str, str], list[str]]:
    """What the doctor is told of it: facts, problems."""
    engine = await opened(server.url(**options))
    facts, problems = dict(await engine.describe()), [problem for problem, _ in await engine.check()]
    await engine.close()
    return facts, problems


async def test_a_server_that_loses_nothing_has_no_problems(own: Own, caplog: pytest.LogCaptureFixture) -> None:
    facts, problems = await told(own(Redis, durable=True))
    assert problems == []
    assert facts["durability"] == "appendfsync always: what is accepted is on disk"
    assert caplog.messages == []


async def test_a_server_that_evicts_is_refused_with_the_fix(own: Own) -> None:
    server = own(Redis, durable=True, maxmemory_policy="allkeys-lru")
    with pytest.raises(EngineRefused, match="CONFIG SET maxmemory-policy noeviction"):
        await opened(server.url())
    server.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
    await (await opened(server.url())).close()


async def test_a_server_that_evicts_may_be_accepted_and_the_doctor_says_so(own: Own) -> None:
    _, problems = await told(own(Redis, durable=True, maxmemory_policy="allkeys-lru"), eviction="accept")
    assert problems == ["maxmemory-policy is allkeys-lru: jobs may be evicted"]


async def test_without_an_append_only_file_it_is_said_what_is_lost_once(
    own: Own, caplog: pytest.LogCaptureFixture
) -> None:
    server = own(Redis)
    with caplog.at_level(logging.WARNING, "workhorse"):
        for _ in range(2):
            _, problems = await told(server)
    assert problems == [checks.NO_AOF]
    (message,) = caplog.messages
    assert checks.NO_AOF in message
    assert "CONFIG SET appendonly yes" in message


async def test_a_sync_each_second_is_told_to_who_asks(own: Own, caplog: pytest.LogCaptureFixture) -> None:
    facts, problems = await told(own(Redis, appendonly="yes", appendfsync="everysec"))
    assert problems == []
    assert "may lose the last second" in facts["durability"]
    assert caplog.messages == []


async def test_settings_that_may_not_be_read_are_said_to_be_unknown(own: Own) -> None:
    server = own(Redis, durable=True)
    server.call("ACL", "SETUSER", "app", "on", ">pw", "~{workhorse}:*", "+@all", "-config")
    server.call("ACL", "SETUSER", "blind", "on", ">pw", "~{workhorse}:*", "+@all", "-config", "-info")
    for user, expected in (("app", checks.UNREADABLE_CONFIG), ("blind", checks.UNREADABLE)):
        engine = await opened(f"redis://{user}:pw@{server.address}/0")
        assert [problem for problem, _ in await engine.check()] == [expected]
        assert dict(await engine.describe())["durability"] == expected
        await engine.broker.publish([Envelope(user, "send", b"{}", "mail")])
        assert len(await engine.broker.claim(("mail",), 1, 30)) == 1
        await engine.close()


async def test_a_command_that_was_renamed_is_as_good_as_forbidden(own: Own) -> None:
    _, problems = await told(own(Redis, durable=True, rename_command=("CONFIG", "")))
    assert problems == [checks.UNREADABLE_CONFIG]


async def test_a_replica_is_no_place_for_jobs(own: Own) -> None:
    master = own(Redis)
    replica = own(Redis, replicaof=("127.0.0.1", master.port))
    with pytest.raises(BrokerUnavailable, match="replica"):
        await opened(replica.url())
    facts, _ = await told(master)
    assert "a failover may lose" in facts["replicas"]


def test_an_old_server_is_refused() -> None:
    assert checks.refusal(SAFE) == ""
    why = checks.refusal(Standing(version="6.0.16", policy="noeviction"))
    assert why == "expected Redis 6.2 or later, or Valkey, got Redis 6.0.16; upgrade it."


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"limit": 100, "used": 95}, "95 of 100 bytes of memory are used"),
        ({"policy": "volatile-lru", "evicted": 7}, "7 keys have been evicted"),
        ({"broken": ("snapshot",)}, "the last write of its snapshot failed"),
        ({"aof": None}, checks.UNREADABLE),
        ({"fsync": ""}, checks.UNREADABLE_CONFIG),
    ],
)
def test_what_should_not_be_so_comes_with_a_fix(changes: dict[str, object], problem: str) -> None:
    found = dict(checks.problems(_changed(changes)))
    assert [fix for what, fix in found.items() if problem in what and fix]


@pytest.mark.parametrize(
    ("fsync", "said"), [("no", "half a minute"), ("everysec", "last second"), ("always", "on disk")]
)
def test_what_a_crash_costs_is_one_sentence(fsync: str, said: str) -> None:
    assert said in checks.durability(_changed({"fsync": fsync}))
    assert checks.durability(_changed({"aof": False})) == checks.NO_AOF


def _changed(changes: dict[str, object]) -> Standing:
    return Standing(**{name: changes.get(name, getattr(SAFE, name)) for name in SAFE.__struct_fields__})
