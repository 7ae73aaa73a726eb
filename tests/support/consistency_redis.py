"""What must hold under a prefix of ours on Redis between two scripts, whatever was killed before; and what more once all work is done.
Each rule is a question for those who break it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from struct import unpack_from
from typing import Any, Final

import msgspec
import redis

from workhorse.engines.redis import documents
from workhorse.engines.redis.documents import DEAD, LIVE, NOBODY, PARKED, State

Broken = Iterable[object]
KEPT: Final = 2
NAMES: Final = (
    "jobs", "state", "trails", "queues", "paused", "seq", "bindings", "lanes", "members", "uniques", "freed", "facts",
    "facts:order", "facts:expiry", "version", "schema", "asleep", "putoff",
)  # fmt: skip
KINDS: Final = ("due:", "held:", "parked:", "ended:", "sleepers:", "ears:", "wake:")


class Seen:
    """All that is under a prefix, read."""

    def __init__(self, client: "redis.Redis[bytes]", base: str) -> None:
        names = [name.decode() for name in client.scan_iter(f"{base.replace('{', '[{]').replace('}', '[}]')}*", 1000)]
        self.names = [name.removeprefix(base) for name in names]
        hashed: Callable[[str], dict[str, bytes]] = lambda name: {  # noqa: E731
            key.decode(): value for key, value in client.hgetall(base + name).items()
        }
        self.zsets = {
            name: {member.decode(): score for member, score in client.zrange(base + name, 0, -1, withscores=True)}
            for name in self.names
            if name.startswith(KINDS[:4]) or name in ("freed", "facts:order", "facts:expiry")
        }
        self.docs, self.trails = hashed("jobs"), hashed("trails")
        self.states = {id: documents.state(text) for id, text in hashed("state").items()}
        self.lanes: dict[str, dict[str, Any]] = {key: msgspec.msgpack.decode(it) for key, it in hashed("lanes").items()}
        self.members = {lane: int(count) for lane, count in hashed("members").items()}
        self.uniques: dict[str, dict[str, Any]] = {
            key: msgspec.msgpack.decode(it) for key, it in hashed("uniques").items()
        }
        self.facts = {key: (*map(int, unpack_from(">dd", it)), it[16:]) for key, it in hashed("facts").items()}
        self.queues = {queue.decode() for queue in client.smembers(base + "queues")}
        self.put_off = {lane.decode() for lane in client.smembers(base + "putoff")}
        self.version = int(client.get(base + "version") or 0)
        seconds, micros = client.time()
        self.now = seconds * 1_000_000 + micros
        self.jobs = {id: self._job(id) for id in self.docs}

    def token(self, id: str) -> bytes:
        return self.states[id][0] if id in self.states else NOBODY

    def zset(self, name: str) -> set[str]:
        return set(self.zsets.get(name, ()))

    def places(self) -> Iterable[tuple[str, str]]:
        """Where jobs lie: the set, and whom it names."""
        for name, members in self.zsets.items():
            if name.startswith(KINDS[:4]):
                yield from ((name, id) for id in members)

    def _job(self, id: str) -> State:
        """With what it has from its document, where it has no state of its own."""
        env, _, _ = documents.opened(id, self.docs[id], self.states[id][1] if id in self.states else None)
        if id not in self.states:
            return State(level=env.priority, queue=env.queue, attempt=env.attempt)
        return msgspec.structs.replace(self.states[id][1], attempt=env.attempt)


def _right_places(seen: Seen, id: str, job: State) -> set[str]:
    due, held = f"due:{job.level}:{job.queue}", f"held:{job.queue}"
    if job.phase == LIVE:
        return {due} if seen.token(id) == NOBODY else {due, held}  # a lease that ran out lies among the due again
    return {f"parked:{job.lane}"} if job.phase == PARKED else {f"ended:{job.phase}:{job.queue}"}


def _misplaced(seen: Seen) -> Broken:
    lies: dict[str, list[str]] = {}
    for name, id in seen.places():
        lies.setdefault(id, []).append(name)
    for id, job in seen.jobs.items():
        where = lies.get(id, [])
        if len(where) != 1 or where[0] not in _right_places(seen, id, job):
            yield id, where


def _uneven_slots(seen: Seen) -> Broken:
    slots = Counter(job.lane for job in seen.jobs.values() if job.slot)
    return [lane for lane, it in seen.lanes.items() if it["taken"] != slots[lane]]


def _uneven_members(seen: Seen) -> Broken:
    members = Counter(job.lane for job in seen.jobs.values() if job.lane)
    return {lane for lane in (*members, *seen.members) if members[lane] != seen.members.get(lane, 0)}


def _free_slots(seen: Seen) -> Broken:
    free = {key for key, it in seen.lanes.items() if it["taken"] < it.get("width", 1)}
    return [key for key in free - seen.put_off if seen.zset(f"parked:{key}")]


def _kept_uniques(seen: Seen, till: int, over: Callable[[str, State], bool]) -> Broken:
    for key, it in seen.uniques.items():
        job = seen.jobs.get(it["id"])
        if not it.get("freed") and it["till"] == till and job is not None and over(it["id"], job):
            yield key


def _results(seen: Seen) -> Iterable[tuple[str, str]]:
    return [(key, key.removeprefix("result/")) for key in seen.facts if key.startswith("result/")]


def _of_nobody(seen: Seen) -> Broken:
    for key, id in _results(seen):
        _, expires, value = seen.facts[key]
        if value != b'{"deleted":true}' and not 0 < expires <= seen.now and id not in seen.jobs:
            yield key


def _bad_versions(seen: Seen) -> Broken:
    versions = Counter(version for version, _, _ in seen.facts.values())
    return [key for key, (version, _, _) in seen.facts.items() if version > seen.version or versions[version] > 1]


ALWAYS: Final[Mapping[str, Callable[[Seen], Broken]]] = {
    "a key that is none of ours": lambda it: [n for n in it.names if n not in NAMES and not n.startswith(KINDS)],
    "a job that lies nowhere, in two places, or in a wrong one": _misplaced,
    "a place without its job": lambda it: [place for place in it.places() if place[1] not in it.jobs],
    "a state without its job": lambda it: set(it.states) - set(it.docs),
    "a trail without its job": lambda it: set(it.trails) - {id for id, job in it.jobs.items() if job.trail},
    "a queue that nobody knows": lambda it: {job.queue for job in it.jobs.values()} - it.queues,
    "ended, but not over": lambda it: [
        id for id, job in it.jobs.items() if job.phase <= PARKED and (job.ended or job.kept or job.reason)
    ],
    "over, but never ended": lambda it: [
        id for id, job in it.jobs.items() if job.phase > PARKED and not (job.ended and job.kept)
    ],
    "over, but held": lambda it: [id for id, job in it.jobs.items() if job.phase > PARKED and it.token(id) != NOBODY],
    "a reason without a death": lambda it: [id for id, job in it.jobs.items() if job.reason and job.phase != DEAD],
    "counts that cannot be": lambda it: [
        id for id, job in it.jobs.items() if job.attempt < 1 or job.crashes < 0 or not 0 <= job.phase <= 4
    ],
    "a slot held by who may not": lambda it: [
        id for id, job in it.jobs.items() if job.slot and (job.phase != LIVE or not job.lane)
    ],
    "a lane that is not there": lambda it: [
        id for id, job in it.jobs.items() if job.phase <= PARKED and job.lane and job.lane not in it.lanes
    ],
    "a lane that counts its slots wrong": _uneven_slots,
    "a lane that counts its jobs wrong": _uneven_members,
    "parked before a free slot": _free_slots,
    "a unique key of nobody": lambda it: [
        key
        for key, unique in it.uniques.items()
        if not unique.get("freed") and (unique["id"] not in it.jobs or it.jobs[unique["id"]].ukey != key)
    ],
    "a unique key kept beyond its job's claim": lambda it: _kept_uniques(
        it, 0, lambda id, job: it.token(id) != NOBODY or job.phase > PARKED
    ),
    "a unique key kept beyond its job's end": lambda it: _kept_uniques(it, 1, lambda _, job: job.phase > PARKED),
    "a unique key that is freed and not": lambda it: (
        {key for key, unique in it.uniques.items() if unique.get("freed")} ^ it.zset("freed")
    ),
    "a result before the end": lambda it: [
        key for key, id in _results(it) if id in it.jobs and it.jobs[id].phase <= PARKED
    ],
    "a result of a job that is not there": _of_nobody,
    "a version from the future, or twice": _bad_versions,
    "a fact out of order": lambda it: set(it.facts) ^ it.zset("facts:order"),
    "a fact that never expires, or does too soon": lambda it: (
        {(key, expires) for key, (_, expires, _) in it.facts.items() if expires}
        ^ set(it.zsets.get("facts:expiry", {}).items())
    ),
}

AT_REST: Final[Mapping[str, Callable[[Seen], Broken]]] = {
    "a job that has not ended": lambda it: [id for id, job in it.jobs.items() if job.phase <= PARKED],
    "a slot that nobody gave back": lambda it: [lane for lane, its in it.lanes.items() if its["taken"]],
    "a unique key that nobody gave back": lambda it: [
        key for key, unique in it.uniques.items() if not unique.get("freed") and unique["till"] < KEPT
    ],
}


def consistent(client: "redis.Redis[bytes]", base: str) -> None:
    """AssertionError names every rule that is broken, and by whom. `base`: what the name of each key begins with."""
    _hold(Seen(client, base), ALWAYS)


def at_rest(client: "redis.Redis[bytes]", base: str) -> None:
    """The same, and nothing is left to do."""
    _hold(Seen(client, base), {**ALWAYS, **AT_REST})


def _hold(seen: Seen, rules: Mapping[str, Callable[[Seen], Broken]]) -> None:
    found = {rule: list(broken(seen)) for rule, broken in rules.items()}
    broken = {rule: who[:10] for rule, who in found.items() if who}
    assert not broken, broken
