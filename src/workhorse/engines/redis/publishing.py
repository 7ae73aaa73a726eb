"""Publish: plain jobs in groups that are accepted together, those with a lane, a unique key, a trail or among the dead one by one."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import Final

import msgspec

from workhorse.core.contract import Answer, Envelope, Lane, Unique
from workhorse.engines import intake, keeping
from workhorse.engines.keeping import Policy, micros
from workhorse.engines.redis import documents, topics
from workhorse.engines.redis.link import Link
from workhorse.engines.redis.scripts import LEAN_ON_JOBS, SPECIAL, chunks, script
from workhorse.engines.redis.wire import Word

_PUBLISH: Final = script(*LEAN_ON_JOBS, "plain", "accepting", "publish")
_PUBLISH_PLAIN: Final = script("wakes", "plain", "publish_plain")
_PUBLISH_ONE: Final = script("wakes", "plain", "publish_one")
_UNTIL: Final = {"claimed": 0, "settled": 1, "kept": 2}
_HIGHEST: Final = 1 << 31
"""Numbers of lanes beyond this mean the same."""

_HEAD: Final = 6
"""Words of a group before its jobs."""

ACCEPTED: Final = Answer("accepted")

_Jobs = Sequence[tuple[int, Envelope]]
_Said = Sequence[tuple[int, Answer]]


class LaneNumbers(msgspec.Struct, gc=False, omit_defaults=True):
    """A lane as scripts read it."""

    key: str
    ordered: bool
    every: int
    burst: int
    width: int | None = None


class _Unique(msgspec.Struct, gc=False):
    key: str
    till: int
    within: int
    replace: bool


class _Special(msgspec.Struct, gc=False, omit_defaults=True):
    """What scripts must know of a job that is not plain; they read no bytes."""

    given: bool
    kept: int
    lane: LaneNumbers | None = None
    unique: _Unique | None = None
    dead: str | None = None
    expires: int | None = None


_encode = msgspec.msgpack.Encoder().encode


async def publish(link: Link, jobs: Sequence[Envelope]) -> list[Answer]:
    """One answer a job, in order."""
    answers = dict[int, Answer]()
    accepted: list[tuple[int, Envelope]] = []
    bindings = await topics.bindings(link) if any(not env.queue for env in jobs) else ()
    for number, env in enumerate(jobs):
        if reason := intake.refusal(env):
            answers[number] = Answer("refused", reason=reason)
        elif env.queue:
            accepted.append((number, env))
        else:
            accepted += [(number, copy) for copy in topics.copies(bindings, env)]
    for said in await _all(link, list(chunks(accepted, lambda each: _size(each[1])))):
        for number, answer in said:
            answers.setdefault(number, answer)
    return [answers.get(number, ACCEPTED) for number in range(len(jobs))]


def _size(env: Envelope) -> tuple[int, int]:
    return SPECIAL if is_special(env) else 1, len(env.payload)


async def _all(link: Link, chunks: Sequence[_Jobs]) -> Sequence[_Said]:
    """One after the other where the order of acceptance counts."""
    if len(chunks) == 1 or any(is_special(env) for chunk in chunks for _, env in chunk):
        return [await _send(link, chunk) for chunk in chunks]
    return await asyncio.gather(*(_send(link, chunk) for chunk in chunks))


async def _send(link: Link, jobs: _Jobs) -> _Said:
    """The answers that are not simply accepted."""
    sent = words([env for _, env in jobs], link.place.policy)
    are_alike = sent[0] == "plain" and len(sent) == _HEAD + 2 * int(sent[_HEAD - 1])
    plain = _PUBLISH_PLAIN if len(jobs) > 1 else _PUBLISH_ONE
    if are_alike and await link.run(plain, *sent[1 : _HEAD - 1], *sent[_HEAD:]):
        return []
    special = [number for number, env in jobs if is_special(env)]
    said = await link.run(_PUBLISH, *sent)
    answers = [Answer(kind.decode(), of=of.decode()) for kind, of in said]
    return [(number, answer) for number, answer in zip(special, answers, strict=True) if answer.kind != "accepted"]


def is_special(env: Envelope) -> bool:
    """Whether it is accepted by itself, and has an answer."""
    return env.lane is not None or env.unique is not None or bool(env.dead or env.trail)


def words(jobs: Sequence[Envelope], policy: Policy) -> list[Word]:
    """What the scripts read: the special ones in their order, then the plain ones, of each id the first."""
    groups: dict[tuple[str, int, float, float | None, bool], dict[str, Envelope]] = {}
    seen = set[str]()
    sent: list[Word] = []
    for env in jobs:
        if is_special(env):
            sent += _special(env, policy)
        elif env.id not in seen:
            seen.add(env.id)
            name = env.queue, env.priority, env.delay, env.at, keeping.is_ours(env.id)
            groups.setdefault(name, {})[env.id] = env
    for (queue, level, delay, at, ours), same in groups.items():
        sent += ("plain" if ours else "given", queue, level, *_when(delay, at), len(same))
        sent += chain.from_iterable((id, documents.rest(env)) for id, env in same.items())
    return sent


def _when(delay: float, at: float | None) -> tuple[int, Word]:
    return micros(delay), "" if at is None else micros(at)


def _special(env: Envelope, policy: Policy) -> list[Word]:
    special = _Special(
        given=not keeping.is_ours(env.id),
        kept=policy.dead_retain,
        lane=None if env.lane is None else lane_numbers(env.lane),
        unique=None if env.unique is None else _unique_numbers(env.unique),
        dead=env.dead or None,
        expires=None if env.expires is None else micros(env.expires),
    )
    when = _when(env.delay, env.at)
    return ["special", env.queue, env.priority, *when, env.id, documents.rest(env), _encode(special), env.trail]


def lane_numbers(lane: Lane) -> LaneNumbers:
    """Times in microseconds."""
    width = None if lane.width is None else min(lane.width, _HIGHEST)
    return LaneNumbers(lane.key, lane.ordered, micros(lane.every), min(lane.burst, _HIGHEST), width)


def _unique_numbers(unique: Unique) -> _Unique:
    return _Unique(unique.key, _UNTIL[unique.until], micros(unique.within or 0), unique.conflict == "replace")
