"""Chapter: inspection. What people see, and the orders they give."""

import pytest

from workhorse.engine import (
    Broker,
    Cancelled,
    Dead,
    Filter,
    Inspector,
    Lane,
    Released,
    Retried,
    Row,
    Succeeded,
)
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import (
    LEASE,
    QUEUE,
    claim_one,
    job,
    publish,
    settle,
)


async def _show(inspector: Inspector, id: str) -> Row:
    row = await inspector.show(id)
    assert row is not None, f"job {id} is not shown"
    return row


@needs("inspectable")
class Shown(Chapter):
    """`show` and the status of a job through its life."""

    async def test_a_job_is_shown_as_it_was_sent(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", task="mail.send", payload=b"\x00", headers={"k": "v"}, priority=3))
        shown = (await _show(inspector, "a")).job
        assert (shown.id, shown.task, shown.payload, shown.queue) == ("a", "mail.send", b"\x00", QUEUE)
        assert (dict(shown.headers), shown.priority) == ({"k": "v"}, 3)

    async def test_a_job_that_never_was_is_none(self, inspector: Inspector) -> None:
        assert await inspector.show("never-was") is None

    async def test_a_due_job_is_ready(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        assert (await _show(inspector, "a")).status == "ready"

    async def test_a_delayed_job_is_scheduled(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", delay=60))
        row = await _show(inspector, "a")
        assert row.status == "scheduled"
        assert row.due == pytest.approx(row.accepted + 60, abs=1)

    async def test_a_delayed_job_is_ready_when_its_time_has_come(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", delay=20))
        await self.pass_time(21)
        assert (await _show(inspector, "a")).status == "ready"

    async def test_a_held_job_is_running(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        assert (await _show(inspector, "a")).status == "running"

    async def test_a_job_that_waits_for_its_retry_is_scheduled(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        await settle(broker, Retried(await claim_one(broker), after=60, trail=b"so far"))
        row = await _show(inspector, "a")
        assert (row.status, row.job.attempt, row.job.trail) == ("scheduled", 2, b"so far")

    async def test_a_released_job_is_ready_again(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        await settle(broker, Released(await claim_one(broker)))
        assert (await _show(inspector, "a")).status == "ready"

    async def test_a_held_job_says_who_runs_it(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        assert (await _show(inspector, "a")).worker

    @needs("counts_crashes")
    async def test_crashes_are_shown(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        await claim_one(broker)
        assert (await _show(inspector, "a")).crashes == 1

    async def test_a_dead_job_says_why_and_when(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        held = await claim_one(broker)
        await self.pass_time(20)
        await settle(broker, Dead(held, reason="three attempts failed"))
        row = await _show(inspector, "a")
        assert (row.status, row.reason) == ("dead", "three attempts failed")
        assert row.ended == pytest.approx(row.accepted + 20, abs=2)

    @needs(remembers=1)
    @pytest.mark.parametrize(("outcome", "status"), [(Succeeded, "succeeded"), (Cancelled, "cancelled")])
    async def test_an_ended_job_that_is_kept_says_how_it_ended(
        self, broker: Broker, inspector: Inspector, outcome: type[Succeeded], status: str
    ) -> None:
        await publish(broker, job("a"))
        await settle(broker, outcome(await claim_one(broker)))
        row = await inspector.show("a")
        assert row is None or row.status == status


@needs("inspectable")
class Lists(Chapter):
    """`count` and `list`: which jobs there are."""

    async def test_everything_is_listed(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"), job("b", delay=60), job("c", dead="why"), job("d", queue="other"))
        assert await self._listed(inspector, Filter()) == ["a", "b", "c", "d"]

    @pytest.mark.parametrize(
        ("which", "found"),
        [
            (Filter(ids=("a", "d", "never-was")), ["a", "d"]),
            (Filter(queue="other"), ["d"]),
            (Filter(task="mail.read"), ["b"]),
            (Filter(status="scheduled"), ["b"]),
            (Filter(status="dead"), ["c"]),
            (Filter(status="ready"), ["a", "d"]),
            (Filter(status="ready", queue="other"), ["d"]),
            (Filter(ids=("a", "b"), task="mail.read"), ["b"]),
            (Filter(task="nobody's"), []),
        ],
        ids=lambda each: repr(each)[:60],
    )
    async def test_a_filter_finds_what_fits_all_it_says(
        self, broker: Broker, inspector: Inspector, which: Filter, found: list[str]
    ) -> None:
        await publish(broker, job("a"), job("b", task="mail.read", delay=60))
        await publish(broker, job("c", dead="why"), job("d", queue="other"))
        assert await self._listed(inspector, which) == found

    async def test_a_running_job_is_found_by_status(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        await publish(broker, job("b"))
        assert await self._listed(inspector, Filter(status="running")) == ["a"]
        assert await self._listed(inspector, Filter(status="ready")) == ["b"]

    @needs("lanes")
    async def test_a_parked_job_is_found_by_status(self, broker: Broker, inspector: Inspector) -> None:
        lane = Lane("mail/send:ada")
        await publish(broker, job("a", lane=lane))
        await claim_one(broker)
        await publish(broker, job("b", lane=lane), job("c"))
        assert await self._listed(inspector, Filter(status="parked")) == ["b"]

    async def test_a_job_whose_worker_died_is_no_longer_found_running(
        self, broker: Broker, inspector: Inspector
    ) -> None:
        await publish(broker, job("a"))
        await claim_one(broker)
        await self.pass_time(LEASE + 1)
        assert await self._listed(inspector, Filter(status="running")) == []

    async def test_a_text_finds_the_jobs_that_carry_it(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job("a", payload=b'{"to": "ada@x.org"}'), job("b", payload=b'{"to": "bob@x.org"}'))
        assert await self._listed(inspector, Filter(text="ada@")) == ["a"]

    @pytest.mark.parametrize("text", ["100%", "_x_"])
    async def test_no_character_of_a_text_is_a_wildcard(self, broker: Broker, inspector: Inspector, text: str) -> None:
        await publish(broker, job("a", payload=f'["{text}"]'.encode()), job("b", payload=b'["1000 yxy"]'))
        assert await self._listed(inspector, Filter(text=text)) == ["a"]

    async def test_a_list_ends_at_its_limit(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, *(job() for _ in range(5)))
        assert len(await inspector.list(Filter(), 2)) == 2

    async def test_a_list_is_in_the_order_of_ids(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, *(job(each, priority=n % 3 + 1) for n, each in enumerate("cadb")))
        assert [row.job.id for row in await inspector.list(Filter())] == ["a", "b", "c", "d"]
        assert [row.job.id for row in await inspector.list(Filter(after="b"))] == ["c", "d"]

    async def test_pages_show_each_job_once(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, *(job(f"{(n * 37) % 100:03}", priority=n % 3 + 1) for n in range(100)))
        seen: list[str] = []
        while page := await inspector.list(Filter(queue=QUEUE, after=seen[-1] if seen else ""), 7):
            seen += [row.job.id for row in page]
        assert sorted(seen) == [f"{n:03}" for n in range(100)]

    async def test_jobs_are_counted_by_queue(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job(), job(), job(delay=60), job(queue="other", dead="why"))
        counts = await inspector.count("queue")
        assert (counts[QUEUE]["ready"], counts[QUEUE]["scheduled"], counts["other"]["dead"]) == (2, 1, 1)

    async def test_jobs_are_counted_by_task(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job(task="one"), job(task="one"), job(task="two"))
        counts = await inspector.count("task")
        assert (counts["one"]["ready"], counts["two"]["ready"]) == (2, 1)

    async def test_jobs_are_counted_by_status(self, broker: Broker, inspector: Inspector) -> None:
        await publish(broker, job(), job(dead="why"))
        await claim_one(broker)
        await publish(broker, job(), job(), job(delay=60))
        counts = await inspector.count("status")
        found = {status: sum(inner.values()) for status, inner in counts.items()}
        assert found == {"ready": 2, "scheduled": 1, "running": 1, "dead": 1}

    async def test_an_empty_engine_counts_nothing(self, inspector: Inspector) -> None:
        assert await inspector.count("queue") == {}

    async def _listed(self, inspector: Inspector, which: Filter) -> list[str]:
        return sorted(row.job.id for row in await inspector.list(which))
