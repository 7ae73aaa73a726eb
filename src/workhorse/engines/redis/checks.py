"""What a server's settings do behind our back: asked once, when the engine opens. What would lose or evict jobs is refused or warned of."""

from typing import Any, Final

import msgspec
from hiredis import ReplyError

from workhorse.core.errors import BrokerUnavailable, EngineRefused
from workhorse.core.log import log
from workhorse.engines.redis.link import Link

OLDEST: Final = (6, 2)
"""The first version that has all that we ask of a server."""

NEARLY: Final = 0.9

_warned: Final = set[tuple[str, str]]()


class Standing(msgspec.Struct, frozen=True):
    """What a server says of itself. An empty text, or None: it does not tell."""

    product: str = "Redis"
    version: str = ""
    replica: bool = False
    replicas: int = 0
    policy: str = ""
    limit: int = 0
    used: int = 0
    evicted: int = 0
    aof: bool | None = None
    fsync: str = ""
    broken: tuple[str, ...] = ()  # what it could not write to disk


async def standing(link: Link) -> Standing:
    """Ask the server; what its user may not ask stays open."""
    info = _fields(await _asked(link, "INFO") or b"")
    settings: list[bytes] = await _asked(link, "CONFIG", "GET", "appendfsync") or []
    valkey = "valkey_version" in info
    return Standing(
        product="Valkey" if valkey else "Redis",
        version=info.get("valkey_version" if valkey else "redis_version", ""),
        replica=info.get("role") == "slave",
        replicas=int(info.get("connected_slaves", 0)),
        policy=info.get("maxmemory_policy", ""),
        limit=int(info.get("maxmemory", 0)),
        used=int(info.get("used_memory", 0)),
        evicted=int(info.get("evicted_keys", 0)),
        aof=info["aof_enabled"] == "1" if "aof_enabled" in info else None,
        fsync=settings[1].decode() if len(settings) == 2 else "",
        broken=tuple(what for what, field in _WRITES.items() if info.get(field, "ok") != "ok"),
    )


async def admit(link: Link) -> None:
    """EngineRefused: jobs would not be safe there, or it is too old; what is only worse than it could be is logged, once a process."""
    found, name = await standing(link), link.place.name
    if why := refusal(found, link.place.evicts):
        raise EngineRefused(f"{name}: {why}")
    if found.replica:
        raise BrokerUnavailable(f"{name}: it is a replica, which takes no writes; name its master, or its sentinels")
    for problem, fix in problems(found):
        if (name, problem) not in _warned:
            _warned.add((name, problem))
            log.warning("%s: %s; %s", name, problem, fix)


def refusal(it: Standing, evicts: bool = False) -> str:
    """Why no jobs can be kept there; empty: they can. `evicts`: they may be evicted, somebody said so."""
    if it.version and _numbers(it.version) < OLDEST:
        return f"expected Redis {OLDEST[0]}.{OLDEST[1]} or later, or Valkey, got {it.product} {it.version}; upgrade it."
    if it.policy and it.policy != "noeviction" and not evicts:
        return (
            f"expected maxmemory-policy noeviction, got {it.policy}: when its memory is full it would drop jobs to make room. "
            "CONFIG SET maxmemory-policy noeviction (and in its file), or say ?eviction=accept if that may be."
        )
    return ""


def problems(it: Standing) -> list[tuple[str, str]]:
    """What should not be so, each with its fix."""
    found: list[tuple[str, str]] = []
    if it.aof is False:
        found.append((NO_AOF, "CONFIG SET appendonly yes (and in its file)"))
    if it.aof is None or not it.policy:
        found.append((UNREADABLE, "let its user run INFO, or look at maxmemory-policy and appendonly yourself"))
    elif it.aof and not it.fsync:
        found.append((UNREADABLE_CONFIG, "let its user run CONFIG GET, or ask who runs the server"))
    if it.policy not in ("", "noeviction"):
        found.append(
            (f"maxmemory-policy is {it.policy}: jobs may be evicted", "CONFIG SET maxmemory-policy noeviction")
        )
    if it.evicted and it.policy not in ("", "noeviction"):
        found.append((f"{it.evicted:,} keys have been evicted", "look for what is missing"))
    if it.limit and it.used > NEARLY * it.limit:
        found.append(
            (
                f"{it.used:,} of {it.limit:,} bytes of memory are used; when it is full no new jobs are taken",
                "raise maxmemory, keep ended jobs for less long (?retain=), or run more workers",
            )
        )
    found += [(f"the last write of its {what} failed", "see its log, and free room on its disk") for what in it.broken]
    return found


def durability(it: Standing) -> str:
    """What a crash of the server may cost, in a sentence."""
    return _DURABILITY.get(it.fsync, UNREADABLE_CONFIG) if it.aof else NO_AOF if it.aof is False else UNREADABLE


NO_AOF: Final = (
    "appendonly is off: when the server stops unexpectedly, all jobs and facts since its last snapshot are lost, if it takes snapshots,"
    " else all of them"
)
UNREADABLE: Final = "INFO may not be read: whether jobs are evicted, or outlive a restart, is not known"
UNREADABLE_CONFIG: Final = "CONFIG may not be read: how soon what is accepted is on disk is not known"

_DURABILITY: Final = {
    "always": "appendfsync always: what is accepted is on disk",
    "everysec": "appendfsync everysec: a crash of the machine may lose the last second or two, a crash of the server alone nothing",
    "no": "appendfsync no: a crash of the machine may lose what the system had not written, half a minute or more",
}
_WRITES: Final = {"append-only file": "aof_last_write_status", "snapshot": "rdb_last_bgsave_status"}


async def _asked(link: Link, *command: str) -> Any:
    try:
        return await link.ask(*command)
    except (ReplyError, EngineRefused):  # managed servers forbid CONFIG, and an ACL may forbid either
        return None


def _fields(info: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in lines if colon}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split(".")[:2])
