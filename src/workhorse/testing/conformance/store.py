"""Chapter: store. Facts with versions that never come back."""

import asyncio

from workhorse.engine import ABSENT, Broker, Put, Store
from workhorse.testing.conformance.chapter import Chapter, needs
from workhorse.testing.conformance.words import claim, job, publish, put, value


@needs("store")
class StoreWrites(Chapter):
    """`get`, `put` and `delete`: lists, each entry by itself."""

    async def test_a_fact_is_read_as_it_was_written(self, store: Store) -> None:
        version = await put(store, "result/a", bytes(range(256)))
        assert await store.get(["result/a"]) == [(bytes(range(256)), version)]

    async def test_a_fact_may_be_empty(self, store: Store) -> None:
        await put(store, "mark", b"")
        assert await value(store, "mark") == b""

    async def test_a_key_that_is_not_there_is_none(self, store: Store) -> None:
        assert await store.get(["never"]) == [None]

    async def test_a_list_of_keys_is_answered_in_its_order(self, store: Store) -> None:
        await store.put([Put("a", b"1"), Put("b", b"2")])
        found = await store.get(["b", "never", "a", "b"])
        assert [each and each[0] for each in found] == [b"2", None, b"1", b"2"]

    async def test_empty_lists_of_facts_are_fine(self, store: Store) -> None:
        assert await store.get([]) == []
        assert await store.put([]) == []
        assert await store.delete({}) == []

    async def test_another_worker_reads_the_fact(self, store: Store, other_store: Store) -> None:
        await put(store, "a", b"1")
        assert await value(other_store, "a") == b"1"

    async def test_without_an_expectation_a_put_overwrites(self, store: Store) -> None:
        await put(store, "a", b"1")
        await put(store, "a", b"2")
        assert await value(store, "a") == b"2"

    async def test_a_put_may_expect_absent(self, store: Store) -> None:
        await put(store, "a", b"1", ABSENT)
        assert await value(store, "a") == b"1"

    async def test_a_put_that_expects_absent_in_vain_writes_nothing(self, store: Store) -> None:
        await put(store, "a", b"1")
        assert await store.put([Put("a", b"2", ABSENT)]) == [None]
        assert await value(store, "a") == b"1"

    async def test_a_put_may_expect_a_version(self, store: Store) -> None:
        version = await put(store, "a", b"1")
        await put(store, "a", b"2", version)
        assert await value(store, "a") == b"2"

    async def test_a_put_that_expects_another_version_writes_nothing(self, store: Store) -> None:
        version = await put(store, "a", b"1")
        await put(store, "a", b"2")
        assert await store.put([Put("a", b"3", version)]) == [None]
        assert await value(store, "a") == b"2"

    async def test_a_put_that_expects_a_version_writes_nothing_where_the_key_is_gone(self, store: Store) -> None:
        version = await put(store, "a")
        await store.delete({"a": None})
        assert await store.put([Put("a", b"2", version)]) == [None]
        assert await value(store, "a") is None

    async def test_each_put_stands_by_itself(self, store: Store) -> None:
        await put(store, "taken", b"1")
        answers = await store.put([Put("a", b"1"), Put("taken", b"2", ABSENT), Put("b", b"1")])
        assert [answer is None for answer in answers] == [False, True, False]
        assert [await value(store, key) for key in ("a", "taken", "b")] == [b"1", b"1", b"1"]

    async def test_a_list_of_puts_is_carried_out_in_its_order(self, store: Store) -> None:
        first, second, third = await store.put([Put("a", b"1", ABSENT), Put("a", b"2"), Put("a", b"3", ABSENT)])
        assert (first is None, second is None, third is None) == (False, False, True)
        assert await store.get(["a"]) == [(b"2", second)]

    async def test_thousands_of_facts_are_one_call(self, store: Store) -> None:
        answers = await store.put([Put(f"{n:05}", b"1") for n in range(3000)])
        assert None not in answers
        assert None not in await store.get([f"{n:05}" for n in range(3000)])
        assert await store.delete({f"{n:05}": None for n in range(3000)}) == [True] * 3000

    async def test_of_many_that_expect_absent_one_wins(self, store: Store, other_store: Store) -> None:
        rivals = [each.put([Put("first", str(n).encode(), ABSENT)]) for n, each in enumerate((store, other_store) * 10)]
        won = [n for n, answer in enumerate(await asyncio.gather(*rivals)) if answer != [None]]
        assert len(won) == 1
        assert await value(store, "first") == str(won[0]).encode()

    async def test_of_many_that_expect_one_version_one_wins(self, store: Store, other_store: Store) -> None:
        version = await put(store, "a")
        rivals = [each.put([Put("a", b"2", version)]) for each in (store, other_store) * 10]
        assert sum(answer != [None] for answer in await asyncio.gather(*rivals)) == 1

    async def test_a_fact_can_be_deleted(self, store: Store) -> None:
        await put(store, "a")
        assert await store.delete({"a": None}) == [True]
        assert await value(store, "a") is None

    async def test_deleting_what_is_not_there_is_false(self, store: Store) -> None:
        assert await store.delete({"never": None}) == [False]

    async def test_a_delete_may_expect_a_version(self, store: Store) -> None:
        old = await put(store, "a", b"1")
        new = await put(store, "a", b"2")
        assert await store.delete({"a": old}) == [False]
        assert await value(store, "a") == b"2"
        assert await store.delete({"a": new}) == [True]

    async def test_a_list_of_deletes_is_answered_in_its_order(self, store: Store) -> None:
        old = await put(store, "a")
        new = await put(store, "a")
        await put(store, "b")
        assert await store.delete({"b": None, "a": old, "never": None}) == [True, False, False]
        assert await store.delete({"b": None, "a": new}) == [False, True]


@needs("store")
class StoreTime(Chapter):
    """`now`: one clock for all who ask."""

    async def test_the_time_is_the_engines(self, broker: Broker, store: Store) -> None:
        before = await store.now()
        await publish(broker, job("a"))
        (claimed,) = await claim(broker)
        assert before <= claimed.accepted + 0.001
        assert claimed.accepted <= await store.now() + 0.001

    async def test_time_passes(self, store: Store) -> None:
        before = await store.now()
        await self.pass_time(1)
        assert await store.now() - before >= 0.999

    async def test_two_workers_are_told_one_time(self, store: Store, other_store: Store) -> None:
        first, second, third = await store.now(), await other_store.now(), await store.now()
        assert first - 0.001 <= second <= third + 0.001


@needs("store")
class StoreVersions(Chapter):
    """One counter for the whole store: a version never comes back."""

    async def test_a_version_is_never_absent(self, store: Store) -> None:
        assert await put(store, "a") != ABSENT

    async def test_versions_rise(self, store: Store) -> None:
        versions = [await put(store, "a") for _ in range(5)]
        assert versions == sorted(set(versions))

    async def test_two_keys_never_share_a_version(self, store: Store) -> None:
        versions = [await put(store, key) for key in ("a", "b", "a", "b")]
        assert len(set(versions)) == 4

    async def test_a_version_does_not_come_back_after_a_delete(self, store: Store) -> None:
        old = await put(store, "a")
        await store.delete({"a": None})
        assert await put(store, "a") > old

    async def test_a_version_does_not_come_back_after_its_life(self, store: Store) -> None:
        old = await put(store, "a", ttl=10)
        await self.pass_time(11)
        assert await put(store, "a") > old

    async def test_a_version_does_not_come_back_in_an_emptied_store(self, store: Store) -> None:
        versions = [await put(store, key) for key in ("a", "b", "c")]
        await store.delete({"a": None, "b": None, "c": None})
        assert await put(store, "d") > max(versions)


@needs("store")
class StoreLives(Chapter):
    """`ttl`: a fact whose life has ended is not there, for anybody."""

    async def test_a_fact_lives_until_its_time(self, store: Store) -> None:
        await put(store, "a", ttl=20)
        await self.pass_time(15)
        assert await value(store, "a") == b"1"

    async def test_a_fact_is_gone_after_its_time(self, store: Store) -> None:
        await put(store, "a", ttl=20)
        await self.pass_time(21)
        assert await store.get(["a"]) == [None]
        assert list(await store.scan("")) == []

    async def test_a_key_whose_fact_is_gone_is_absent(self, store: Store) -> None:
        await put(store, "a", b"1", ttl=20)
        await self.pass_time(21)
        await put(store, "a", b"2", ABSENT)
        assert await value(store, "a") == b"2"

    async def test_a_fact_that_is_gone_has_no_version_to_expect(self, store: Store) -> None:
        version = await put(store, "a", ttl=20)
        await self.pass_time(21)
        assert await store.put([Put("a", b"2", version)]) == [None]
        assert await store.delete({"a": version}) == [False]

    async def test_a_put_gives_a_new_life(self, store: Store) -> None:
        await put(store, "a", ttl=20)
        await self.pass_time(15)
        await put(store, "a", ttl=20)
        await self.pass_time(15)
        assert await value(store, "a") == b"1"

    async def test_a_put_without_a_life_ends_the_old_ones(self, store: Store) -> None:
        await put(store, "a", ttl=20)
        await put(store, "a")
        await self.pass_time(100)
        assert await value(store, "a") == b"1"


@needs("store")
class StoreScan(Chapter):
    """`scan`: what stands under a prefix, in the order of keys."""

    async def test_a_scan_is_in_the_order_of_keys(self, store: Store) -> None:
        keys = ["a/10", "a/2", "a/B", "a/b", "a/-", "a/", "a/~"]
        await store.put([Put(key, b"1") for key in keys])
        assert [key for key, _, _ in await store.scan("a/")] == sorted(keys)

    async def test_a_scan_shows_value_and_version(self, store: Store) -> None:
        version = await put(store, "a/1", b"one")
        assert [tuple(each) for each in await store.scan("a/")] == [("a/1", b"one", version)]

    async def test_a_scan_stays_under_its_prefix(self, store: Store) -> None:
        await store.put([Put(key, b"1") for key in ("a", "a/1", "a0", "b/1", "A/1", "aa/1")])
        assert [key for key, _, _ in await store.scan("a/")] == ["a/1"]

    async def test_no_character_of_a_prefix_is_a_wildcard(self, store: Store) -> None:
        await store.put([Put(key, b"1") for key in ("a_b", "axb", "a%b", "a*b", "a?b", "a[x]b")])
        for prefix in ("a_", "a%", "a*", "a?", "a["):
            assert [key[:2] for key, _, _ in await store.scan(prefix)] == [prefix]

    async def test_a_scan_begins_behind_a_key(self, store: Store) -> None:
        await store.put([Put(f"a/{n}", b"1") for n in range(5)])
        assert [key for key, _, _ in await store.scan("a/", "a/2")] == ["a/3", "a/4"]

    async def test_a_scan_ends_at_its_limit(self, store: Store) -> None:
        await store.put([Put(f"a/{n}", b"1") for n in range(5)])
        assert [key for key, _, _ in await store.scan("a/", "", 2)] == ["a/0", "a/1"]

    async def test_pages_show_each_key_once(self, store: Store) -> None:
        await store.put([Put(f"a/{n:03}", b"1") for n in range(100)])
        seen: list[str] = []
        while page := await store.scan("a/", seen[-1] if seen else "", 7):
            seen += [key for key, _, _ in page]
        assert seen == [f"a/{n:03}" for n in range(100)]

    async def test_a_key_behind_which_to_begin_need_not_be_there(self, store: Store) -> None:
        await store.put([Put(key, b"1") for key in ("a/1", "a/3")])
        assert [key for key, _, _ in await store.scan("a/", "a/2")] == ["a/3"]

    async def test_an_empty_prefix_is_everything(self, store: Store) -> None:
        await store.put([Put(key, b"1") for key in ("b", "a")])
        assert [key for key, _, _ in await store.scan("")] == ["a", "b"]
