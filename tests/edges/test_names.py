"""Two services of one installation, told apart by `name`: each has its own default queue, and so its own work; what is named by the
user, and what is asked by id, they share. One test on every engine."""

import pytest

from homes import HOMES, home
from workhorse import Workhorse


def service(url: str, name: str, ran: list[str]) -> Workhorse:
    app = Workhorse(url, name=name)

    @app.task(name="clean")
    async def clean() -> str:
        ran.append(name)
        return name

    @app.task(name="mail", queue="mail")
    async def mail() -> str:
        ran.append(f"mail by {name}")
        return name

    return app


@pytest.mark.parametrize("kind", HOMES)
async def test_two_services_of_one_installation_keep_their_work_apart(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url, ran = home(request, kind), list[str]()
    shop, stock = service(url, "shop", ran), service(url, "stock", ran)
    async with shop, stock:
        ours = await shop.registry.find("clean").enqueue()
        theirs = await stock.registry.find("clean").enqueue()
        assert await shop.worker(burst=True, signals=(), queues=["shop"]).run()
        assert ran == ["shop"]
        assert await theirs.status() == "ready"
        assert await stock.worker(burst=True, signals=(), queues=["stock"]).run()
        assert ran == ["shop", "stock"]
        assert (await ours.result(timeout=10), await theirs.result(timeout=10)) == ("shop", "stock")


@pytest.mark.parametrize("kind", HOMES)
async def test_they_share_the_queues_they_name_and_the_jobs_they_know_by_id(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url, ran = home(request, kind), list[str]()
    shop, stock = service(url, "shop", ran), service(url, "stock", ran)
    async with shop, stock:
        job = await shop.registry.find("mail").enqueue()
        await stock.worker(burst=True, signals=()).run()
        assert ran == ["mail by stock"]
        assert await job.result(timeout=10) == "stock"
        elsewhere = await shop.remote("clean", queue="stock").enqueue()
        assert await stock.registry.find("clean").handle(elsewhere.id).status() == "ready"


@pytest.mark.parametrize("kind", HOMES)
async def test_two_installations_share_nothing(kind: str, request: pytest.FixtureRequest) -> None:
    """Two files, two names in memory, two prefixes on one server."""
    ran = list[str]()
    one, other = (service(home(request, kind, side), "shop", ran) for side in ("one", "other"))
    async with one, other:
        await one.registry.find("clean").options(id="same").enqueue()
        assert (await other.worker(burst=True, signals=()).run()).succeeded == 0
        await other.registry.find("clean").options(id="same").enqueue()
        assert (await other.worker(burst=True, signals=()).run()).succeeded == 1
        assert (await one.worker(burst=True, signals=()).run()).succeeded == 1
