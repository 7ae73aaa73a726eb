"""Chapter: statements. Our rows in the caller's transaction: they come with its commit, or not at all."""

from collections.abc import Sequence

import pytest

from workhorse.engine import ABSENT, Broker, Envelope, Lane, Put, Statements, Store
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import begun, claim_all, ids, job, promptly, publish, put, value


@needs("statements", "transacts")
class InTheCallersTransaction(Chapter):
    """Text and parameters for a connection of the caller's own."""

    async def test_jobs_come_with_the_commit(self, broker: Broker, statements: Statements, name: str) -> None:
        await self._commit(name, statements, [job("a"), job("b")])
        assert await ids(broker) == ["a", "b"]

    async def test_nothing_comes_of_a_rollback(
        self, broker: Broker, store: Store, statements: Statements, name: str
    ) -> None:
        await self.transact(name, statements.statements([job("a")], [Put("fact", b"1")]), commit=False)
        assert await ids(broker) == []
        assert await value(store, "fact") is None

    async def test_a_job_of_a_transaction_arrives_as_it_was_sent(
        self, broker: Broker, statements: Statements, name: str
    ) -> None:
        await self._commit(name, statements, [job("a", payload=bytes(range(256)), headers={"k": "v"}, priority=3)])
        (came,) = (each.job for each in await claim_all(broker))
        assert (came.payload, dict(came.headers), came.priority) == (bytes(range(256)), {"k": "v"}, 3)

    async def test_an_id_that_is_known_is_no_error_in_a_transaction(
        self, broker: Broker, statements: Statements, name: str
    ) -> None:
        await publish(broker, job("a", payload=b"first"))
        await self._commit(name, statements, [job("a", payload=b"second"), job("b"), job("b")])
        found = {each.job.id: each.job.payload for each in await claim_all(broker)}
        assert found == {"a": b"first", "b": b"{}"}

    async def test_a_delayed_job_of_a_transaction_waits_for_its_time(
        self, broker: Broker, statements: Statements, name: str
    ) -> None:
        await self._commit(name, statements, [job("a", delay=3600)])
        assert await ids(broker) == []
        await self.pass_time(3700)
        assert await ids(broker) == ["a"]

    async def test_facts_come_with_the_commit(self, store: Store, statements: Statements, name: str) -> None:
        await self._commit(name, statements, [], [Put("result/a", b"42"), Put("result/b", b"43")])
        assert [await value(store, key) for key in ("result/a", "result/b")] == [b"42", b"43"]

    async def test_a_put_in_a_transaction_overwrites(self, store: Store, statements: Statements, name: str) -> None:
        old = await put(store, "a", b"1")
        await self._commit(name, statements, [], [Put("a", b"2")])
        (found,) = await store.get(["a"])
        assert found is not None
        assert found[0] == b"2"
        assert found[1] > old

    async def test_a_put_in_a_transaction_may_expect_absent(
        self, store: Store, statements: Statements, name: str
    ) -> None:
        await self._commit(name, statements, [], [Put("decision/a", b"1", ABSENT)])
        assert await value(store, "decision/a") == b"1"

    async def test_a_put_that_expects_absent_in_vain_fails_the_transaction(
        self, broker: Broker, store: Store, statements: Statements, name: str
    ) -> None:
        await put(store, "decision/a", b"theirs")
        with pytest.raises(Exception):  # noqa: B017, PT011 - each driver has an error of its own
            await self._commit(name, statements, [job("a")], [Put("decision/a", b"mine", ABSENT)])
        assert await value(store, "decision/a") == b"theirs"
        assert await ids(broker) == []

    async def test_versions_go_on_rising_after_a_transaction(
        self, store: Store, statements: Statements, name: str
    ) -> None:
        await self._commit(name, statements, [], [Put("a", b"1")])
        (found,) = await store.get(["a"])
        assert found is not None
        assert await put(store, "b") > found[1] > ABSENT

    @needs("lanes")
    async def test_a_job_of_a_transaction_with_a_lane_is_admitted_by_a_claim(
        self, broker: Broker, statements: Statements, name: str
    ) -> None:
        lane = Lane("mail/send:ada")
        await self._commit(name, statements, [job("a", lane=lane), job("b", lane=lane)])
        assert len(await claim_all(broker)) == 1

    async def test_an_event_of_a_transaction_is_copied_to_the_bound_queues(
        self, broker: Broker, statements: Statements, name: str
    ) -> None:
        await broker.bind("order.*", "mail")
        await self._commit(name, statements, [job("e", topic="order.paid")])
        assert await ids(broker) == ["e@mail"]

    async def test_a_commit_of_the_caller_wakes_who_waits(
        self, broker: Broker, statements: Statements, name: str
    ) -> None:
        waiting = await begun(broker.wait(["mail"], 10, 3600))
        await self._commit(name, statements, [job("a")])
        await promptly(waiting)
        assert await ids(broker) == ["a"]

    async def _commit(
        self, name: str, statements: Statements, jobs: Sequence[Envelope], puts: Sequence[Put] = ()
    ) -> None:
        await self.transact(name, statements.statements(jobs, puts), commit=True)
