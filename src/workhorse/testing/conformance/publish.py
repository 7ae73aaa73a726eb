"""Chapter: publish. What is accepted is there, once, with all it carries."""

import asyncio

import pytest

from workhorse.engine import Broker, Dead, Inspector, Succeeded
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    A_YEAR,
    QUEUE,
    claim,
    claim_all,
    claim_one,
    ids,
    job,
    publish,
    settle,
    too_large,
)


class Publish(Chapter):
    """Durable on return; one answer a job, in order; the same id again is accepted."""

    async def test_a_published_job_can_be_claimed(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        assert await ids(broker) == ["a"]

    async def test_there_is_one_answer_a_job(self, broker: Broker) -> None:
        answers = await broker.publish([job("a"), job("b"), job("a")])
        assert [answer.kind for answer in answers] == ["accepted"] * 3

    async def test_publishing_nothing_answers_nothing(self, broker: Broker) -> None:
        assert await broker.publish([]) == []

    async def test_a_job_arrives_as_it_was_sent(self, broker: Broker) -> None:
        sent = job(
            "a", task="mail.send", payload=b'{"to": "ada"}', headers={"tenant": "7", "name": "\u00c5sa"}, priority=3
        )
        await publish(broker, sent)
        came = (await claim_one(broker)).job
        assert (came.id, came.task, came.payload, came.queue) == ("a", "mail.send", b'{"to": "ada"}', QUEUE)
        assert (dict(came.headers), came.priority) == ({"tenant": "7", "name": "\u00c5sa"}, 3)

    async def test_a_payload_and_a_trail_are_any_bytes(self, broker: Broker) -> None:
        anything = bytes(range(256))
        await publish(broker, job(payload=anything, trail=anything))
        came = (await claim_one(broker)).job
        assert (came.payload, came.trail) == (anything, anything)

    async def test_an_attempt_that_was_published_goes_on_counting(self, broker: Broker) -> None:
        await publish(broker, job(attempt=4))
        assert (await claim_one(broker)).job.attempt == 4

    async def test_the_same_id_again_is_accepted_and_runs_once(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await publish(broker, job("a"))
        assert await ids(broker) == ["a"]

    async def test_the_same_id_twice_in_one_call_runs_once(self, broker: Broker) -> None:
        await publish(broker, job("a"), job("a"))
        assert await ids(broker) == ["a"]

    async def test_the_same_id_again_changes_nothing(self, broker: Broker) -> None:
        await publish(broker, job("a", payload=b"first"))
        await publish(broker, job("a", payload=b"second", delay=60))
        assert (await claim_one(broker)).job.payload == b"first"

    async def test_the_id_of_a_running_job_is_accepted_and_not_run_beside_it(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        await publish(broker, job("a"))
        assert await ids(broker) == []

    async def test_publishing_a_running_job_again_leaves_its_claim_alone(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await publish(broker, job("a"))
        await settle(broker, Succeeded(held))

    @needs(remembers=1)
    async def test_an_ended_id_is_remembered(self, broker: Broker) -> None:
        await publish(broker, job("a"))
        await settle(broker, Succeeded(await claim_one(broker)))
        await publish(broker, job("a"))
        assert await ids(broker) == []

    @needs(remembers=1)
    async def test_an_ended_id_of_ours_is_remembered_for_as_long_as_is_promised(self, broker: Broker) -> None:
        ours = job()
        await publish(broker, ours)
        await settle(broker, Succeeded(await claim_one(broker)))
        await self.pass_time(min(broker.features.remembers, A_YEAR) - 1)
        await publish(broker, ours)
        assert await ids(broker) == []

    async def test_concurrent_publishes_of_one_id_run_it_once(self, broker: Broker, other_broker: Broker) -> None:
        await asyncio.gather(*(publish(each, job("a")) for each in (broker, other_broker) * 10))
        assert await ids(broker) == ["a"]

    async def test_another_worker_can_claim_it(self, broker: Broker, other_broker: Broker) -> None:
        await publish(broker, job("a"))
        assert await ids(other_broker) == ["a"]

    async def test_a_delayed_job_waits_for_its_time(self, broker: Broker) -> None:
        await publish(broker, job("a", delay=20))
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await ids(broker) == ["a"]

    async def test_a_moment_ahead_is_waited_for(self, broker: Broker) -> None:
        await publish(broker, job("now"))
        now = (await claim_one(broker)).accepted
        await publish(broker, job("a", at=now + 20))
        assert await ids(broker) == []
        await self.pass_time(21)
        assert await ids(broker) == ["a"]

    async def test_a_moment_gone_by_is_due_at_once(self, broker: Broker) -> None:
        await publish(broker, job("a", at=1.0))
        assert await ids(broker) == ["a"]

    async def test_a_job_published_dead_is_not_claimed(self, broker: Broker) -> None:
        await publish(broker, job("a", dead="it failed elsewhere"))
        assert await ids(broker) == []

    @needs("inspectable")
    async def test_a_job_published_dead_stands_among_the_dead(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", dead="it failed elsewhere", attempt=3))
        row = await inspector.show("a")
        assert row is not None
        assert (row.status, row.reason, row.job.attempt) == ("dead", "it failed elsewhere", 3)

    @needs("inspectable")
    async def test_the_id_of_a_dead_letter_is_accepted_and_stays_dead(
        self, broker: Broker, inspector: Inspector
    ) -> None:
        await publish(broker, job("a", payload=b"first"))
        await settle(broker, Dead(await claim_one(broker), reason="why"))
        await publish(broker, job("a", payload=b"second"))
        row = await inspector.show("a")
        assert row is not None
        assert (row.status, row.reason, row.job.payload) == ("dead", "why", b"first")
        assert await ids(broker) == []

    async def test_one_refusal_does_not_touch_the_others(self, broker: Broker) -> None:
        answers = await broker.publish([job("a"), too_large(broker), job("c")])
        assert [answer.kind for answer in answers] == ["accepted", "refused", "accepted"]
        assert answers[1].reason
        assert await ids(broker) == ["a", "c"]

    async def test_a_job_of_the_largest_size_arrives_whole(self, broker: Broker) -> None:
        largest = too_large(broker).payload[:-1]
        await publish(broker, job("a", payload=largest))
        assert (await claim_one(broker)).job.payload == largest

    async def test_a_queue_may_have_any_allowed_name(self, broker: Broker) -> None:
        odd = "aZ09_.:/+-" * 20
        await publish(broker, job("a", queue=odd))
        assert await ids(broker, odd) == ["a"]

    async def test_an_id_of_ours_may_hold_tilde_at_and_slash(self, broker: Broker) -> None:
        await publish(broker, job("parent~1~0"), job("event@mail"), job("tick/nightly"))
        assert await ids(broker) == ["event@mail", "parent~1~0", "tick/nightly"]

    async def test_thousands_of_jobs_are_one_call(self, broker: Broker) -> None:
        await publish(broker, *(job(f"{n:05}") for n in range(3000)))
        assert len(await claim_all(broker)) == 3000

    async def test_a_claim_says_when_the_job_was_accepted(self, broker: Broker) -> None:
        await publish(broker, job("early"))
        await self.pass_time(20)
        await publish(broker, job("late"))
        moments = {each.job.id: each.accepted for each in await claim(broker)}
        assert moments["late"] - moments["early"] == pytest.approx(20, abs=2)
