"""Publish: one plain job by a procedure, a few from arrays, many by COPY; what has an identity, a lane, a key or a topic by a function."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from workhorse.core.contract import Answer, Envelope
from workhorse.engines import intake, keeping
from workhorse.engines.keeping import micros
from workhorse.engines.postgres import envelopes
from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.news import News

ACCEPTED: Final = Answer("accepted")

_INSERT: Final = """
insert into workhorse.jobs (id, queue, task, priority, attempt, due, accepted, expires, trail, extra, payload)
select g.id, g.queue, g.task, g.priority, g.attempt, greatest(now + g.delay, g.at), now, now + g.expires, g.trail, g.extra, g.payload
from unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::integer[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bytea[], $10::bytea[], $11::bytea[])
    as g(id, queue, task, priority, attempt, delay, at, expires, trail, extra, payload),
    (select workhorse.now_us() as now) as moment
on conflict (id) do nothing
"""
_ALONE: Final = (
    "call workhorse.publish_alone($1::text, $2::text, $3::text, $4::smallint, $5::integer, $6::bigint, $7::bigint, $8::bigint,"
    " $9::bytea, $10::bytea, $11::bytea, $12::text, $13::text, null::boolean)"
)
_COPIED: Final = ("id", "queue", "task", "priority", "attempt", "trail", "extra", "payload")
_PUBLISH: Final = "select answers, queues from workhorse.publish($1, $2, $3, $4, $5)"

_BLOCK: Final = 5000
_BYTES: Final = 64 << 20
"""Bounds of one statement."""

_MANY: Final = 50
"""From so many on COPY is faster than arrays."""


async def publish(link: Link, news: News, jobs: Sequence[Envelope]) -> list[Answer]:
    """One answer a job, in order."""
    answers = [ACCEPTED] * len(jobs)
    plain: list[Envelope] = []
    special: list[tuple[int, Envelope]] = []
    for place, env in enumerate(jobs):
        if reason := envelopes.refusal(env):
            answers[place] = Answer("refused", reason=reason)
        elif env.queue and env.lane is None and env.unique is None and not env.dead and keeping.is_ours(env.id):
            plain.append(env)
        else:
            special.append((place, env))
    for block in _blocks(plain):
        await _publish_plain(link, news, block)
    for block in _blocks([env for _, env in special]):
        found = await _publish_special(link, news, block)
        for (place, _), answer in zip(special, found, strict=False):
            answers[place] = answer
        special = special[len(block) :]
    return answers


async def _publish_plain(link: Link, news: News, jobs: list[Envelope]) -> None:
    queues = {env.queue for env in jobs}
    said = news.ride(queues) if len(jobs) == 1 else None
    if not await _inserted(link, jobs, said):
        await _publish_special(link, news, jobs)  # some ids were there; one that is no longer kept is no obstacle
    news.tell(queues, others=said is None)


async def _inserted(link: Link, jobs: list[Envelope], said: str | None) -> bool:
    """Whether all of them were new."""
    if len(jobs) == 1:
        return await _inserted_alone(link, jobs, said)
    if len(jobs) >= _MANY and not any(env.delay or env.at is not None or env.expires is not None for env in jobs):
        return await _copied(link, jobs)
    return await link.run(_INSERT, *_columns(jobs)) == len(jobs)


async def _inserted_alone(link: Link, jobs: list[Envelope], said: str | None) -> bool:
    values = [column[0] for column in _columns(jobs)]
    try:
        ((is_new,),) = await link.fetch(_ALONE, *values, link.place.schema, said)
    except asyncpg.ProgramLimitExceededError:  # nobody reads the notifications; the job may be there already
        return False
    return bool(is_new)


async def _copied(link: Link, jobs: list[Envelope]) -> bool:
    rows = [
        (env.id, env.queue, env.task, env.priority, env.attempt, env.trail or None, intake.pack(env), env.payload)
        for env in jobs
    ]
    try:
        await link.load("jobs", _COPIED, rows)
    except asyncpg.UniqueViolationError:  # nothing was done: published again, or twice in one call
        return False
    return True


async def _publish_special(link: Link, news: News, jobs: list[Envelope]) -> list[Answer]:
    given = envelopes.as_json([envelopes.given(env) for env in jobs])
    keep = link.place.policy.dead_retain
    ((texts, queues),) = await link.fetch(_PUBLISH, given, *envelopes.bytes_of(jobs), keep)
    # a result of an earlier life of an id that was given is gone
    news.tell(queues, [f"result/{env.id}" for env in jobs if not keeping.is_ours(env.id)])
    return [_answer(text) for text in texts]


def _blocks(jobs: list[Envelope]) -> list[list[Envelope]]:
    if len(jobs) <= _BLOCK and sum([len(env.payload) for env in jobs]) <= _BYTES:
        return [jobs] if jobs else []
    blocks: list[list[Envelope]] = [[]]
    size = 0
    for env in jobs:
        if blocks[-1] and (size + len(env.payload) > _BYTES or len(blocks[-1]) == _BLOCK):
            blocks.append([])
            size = 0
        blocks[-1].append(env)
        size += len(env.payload)
    return blocks


def _columns(jobs: Sequence[Envelope]) -> tuple[Sequence[object], ...]:
    return (
        [env.id for env in jobs],
        [env.queue for env in jobs],
        [env.task for env in jobs],
        [env.priority for env in jobs],
        [env.attempt for env in jobs],
        [0 if env.at is not None else micros(env.delay) for env in jobs],
        [None if env.at is None else micros(env.at) for env in jobs],
        [None if env.expires is None else micros(env.expires) for env in jobs],
        *envelopes.bytes_of(jobs),
    )


def _answer(text: str) -> Answer:
    kind, _, of = text.partition(" ")
    if kind == "replaced":
        return Answer("replaced", of=of)
    return Answer("duplicate", of=of) if kind == "duplicate" else ACCEPTED
