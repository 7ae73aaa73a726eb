"""What keeps one out is said, with the fix, and never with the password: a wrong URL, a wrong password, one that has changed."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from served.stage import BOUND, Shop, Stage, again, soon
from servers.fixtures import Own
from workhorse.core.happenings import BrokerLost
from workhorse.engine import BrokerUnavailable, EngineRefused
from workhorse.engines import open_engine
from workhorse.errors import DeclarationError

OLD, NEW = "old-secret", "new-secret"


class Doors(Stage):
    wrong_urls: Sequence[tuple[str, str]] = ()
    """URLs that cannot be meant, and what is said of each."""

    def guarded(self, own: Own) -> Any:
        """A server that asks for the password OLD."""
        raise NotImplementedError("an engine's test file gives guarded(own)")

    def login(self, server: Any, password: str, **query: object) -> str:
        """Its URL with this password; an empty one: with none."""
        raise NotImplementedError("an engine's test file gives login(server, password)")

    def rotate(self, server: Any) -> None:
        """From now on it asks for the password NEW; who is connected is put out."""
        raise NotImplementedError("an engine's test file gives rotate(server)")

    async def test_a_url_that_cannot_be_meant_is_refused_with_what_was_expected(self) -> None:
        assert self.wrong_urls
        assert [(url, said) for url, said in self.wrong_urls if said not in _refusal(url)] == []
        assert [url for url, _ in self.wrong_urls if "secret" in _refusal(url)] == []

    async def test_an_option_that_nobody_knows_is_refused_with_the_one_that_was_meant(self, server: Any) -> None:
        with pytest.raises(DeclarationError, match=r"got 'timeot'; did you mean 'timeout'\?"):
            open_engine(self.url(server, timeot=3))

    @pytest.mark.parametrize("password", ["wrong-secret", ""])
    async def test_a_wrong_password_is_refused_at_once_and_not_shown(self, own: Own, password: str) -> None:
        server = self.guarded(own)
        engine = open_engine(self.login(server, password))
        with pytest.raises(EngineRefused, match="password") as caught:
            await engine.open()
        assert "secret" not in str(caught.value)
        right = open_engine(self.login(server, OLD))
        await right.open()
        await right.close()

    async def test_a_worker_ends_with_a_wrong_password(self, own: Own) -> None:
        """It would be wrong tomorrow, too."""
        shop = Shop(self.login(self.guarded(own), "wrong-secret"))
        async with asyncio.timeout(60):
            with pytest.raises(EngineRefused, match="password"):
                await shop.app.worker(signals=()).run()

    async def test_a_password_that_changes_at_the_server_is_read_again_from_its_file(
        self, own: Own, tmp_path: Path
    ) -> None:
        server, file = self.guarded(own), tmp_path / "password"
        file.write_text(f"{OLD}\n")
        shop = Shop(self.login(server, "", password_file=file))
        async with shop.app:
            job = await shop.gated.enqueue(1)
            working = asyncio.create_task(shop.app.worker(max_jobs=2, signals=()).run())
            await soon(lambda: shop.inside == 1)
            file.write_text(f"{NEW}\n")
            self.rotate(server)
            shop.gate.set()
            await again(lambda: shop.gated.enqueue(2))
            await soon(working.done)
            assert (await working).succeeded == 2
            assert await job.result(timeout=60) == "1 at attempt 1"
        assert sorted(shop.runs) == [1, 2]

    async def test_a_worker_waits_for_the_file_of_a_password_that_changes_at_the_server_first(
        self, own: Own, tmp_path: Path
    ) -> None:
        """As it is always for a moment, whoever rotates it. Who comes anew meanwhile is refused."""
        server, file = self.guarded(own), tmp_path / "password"
        file.write_text(OLD)
        shop, lost = Shop(url := self.login(server, "", password_file=file)), list[BrokerLost]()
        shop.app.bus.listen(BrokerLost, lost.append)
        async with shop.app:
            await shop.gated.enqueue(1)
            working = asyncio.create_task(shop.app.worker(max_jobs=1, signals=()).run())
            await soon(lambda: shop.inside == 1)
            self.rotate(server)
            shop.gate.set()
            await soon(lambda: lost)
            await _unavailable_for_its_password((await shop.app.engine()).inspector)
            with pytest.raises(EngineRefused, match="password"):
                await open_engine(url).open()
            assert not working.done()
            file.write_text(NEW)
            assert (await working).succeeded == 1
        assert shop.runs == [1]


async def _unavailable_for_its_password(inspector: Any) -> None:
    """The first calls may only find that they were put out."""
    async with asyncio.timeout(BOUND):
        while True:
            with pytest.raises(BrokerUnavailable) as caught:
                await inspector.count("status")
            if "Its file is read again at the next try" in str(caught.value):
                return


def _refusal(url: str) -> str:
    try:
        open_engine(url)
    except DeclarationError as error:
        return str(error)
    return "it was taken"
