"""A store that does not answer for a moment: a saga's code learns nothing of it, as no replay would tell it again."""

from typing import Any

import pytest

from sagas import drained
from workhorse import Saga, Workhorse
from workhorse.durable.sagas import patience
from workhorse.errors import BrokerUnavailable
from workhorse.testing import in_memory


@pytest.mark.parametrize("prefix", ["signal/", "called/"])
async def test_what_is_waited_for_is_asked_for_again(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app, fails = Workhorse("memory://sagas"), 3
    monkeypatch.setattr(patience, "PAUSE", 0)

    @app.task
    async def child() -> int:
        return 2

    @app.saga
    async def waiting(saga: Saga) -> int:
        try:
            return await saga.wait_for("go", int) + await saga.call(child)
        except BrokerUnavailable:
            return -1

    async with in_memory(app) as bench:
        store = (await app.engine()).store
        assert store is not None

        def failing(verb: Any) -> Any:
            async def asked(what: Any, *rest: Any) -> Any:
                nonlocal fails
                if fails and any(key.startswith(prefix) for key in ([what] if isinstance(what, str) else what)):
                    fails -= 1
                    raise BrokerUnavailable("the line is cut")
                return await verb(what, *rest)

            return asked

        monkeypatch.setattr(store, "get", failing(store.get))
        monkeypatch.setattr(store, "scan", failing(store.scan))
        handle = await waiting.enqueue()
        await bench.drain()
        await handle.signal("go", 40)
        assert await drained(bench, handle) == "succeeded"
        assert (await handle.result(), fails) == (42, 0)
