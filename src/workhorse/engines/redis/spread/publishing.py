"""Publish: events become copies here, jobs go to the parts of their queues."""

from collections.abc import Sequence

from workhorse.core.contract import Answer, Envelope
from workhorse.engines import intake, keeping
from workhorse.engines.redis import topics
from workhorse.engines.redis.publishing import ACCEPTED
from workhorse.engines.redis.spread.parts import Part, Parts

Numbered = tuple[int, Envelope]


async def publish(parts: Parts, jobs: Sequence[Envelope]) -> list[Answer]:
    """One answer a job, in order."""
    answers = dict[int, Answer]()
    by_queue: dict[str, list[Numbered]] = {}
    for number, env in await _copied(parts, jobs):
        if reason := intake.refusal(env):
            answers[number] = Answer("refused", reason=reason)
        else:
            by_queue.setdefault(env.queue, []).append((number, env))
    await parts.remember(by_queue)

    for queue, each in by_queue.items():
        part = await parts.of(queue)
        await _begin_anew(parts, part, [env.id for _, env in each])
        said = await part.broker.publish([env for _, env in each])
        for (number, _), answer in zip(each, said, strict=True):
            if answer.kind != "accepted":
                answers.setdefault(number, answer)
    return [answers.get(number, ACCEPTED) for number in range(len(jobs))]


async def _copied(parts: Parts, jobs: Sequence[Envelope]) -> list[Numbered]:
    if all(env.queue for env in jobs):
        return list(enumerate(jobs))
    bound = await topics.bindings(parts.center.link)
    return [
        (number, copy)
        for number, env in enumerate(jobs)
        for copy in ([env] if env.queue or intake.refusal(env) else topics.copies(bound, env))
    ]


async def _begin_anew(parts: Parts, part: Part, ids: Sequence[str]) -> None:
    """What an earlier life of an id that somebody gave came to must not be taken for the result of this one."""
    if given := [id for id in dict.fromkeys(ids) if not keeping.is_ours(id)]:
        there = await part.link.ask("HMGET", part.link.key("jobs"), *given)
        if new := [id for id, doc in zip(given, there, strict=True) if doc is None]:
            await parts.center.store.delete(dict.fromkeys(f"result/{id}" for id in new))
