"""An app on the toy engine, which keeps no facts: the app says that it does without results."""

import asyncio

from workhorse import Fixed, Retry, Workhorse

app = Workhorse("toy://letters", name="letters", store="none")
delivered: list[str] = []


@app.task(retry=Retry(2, Fixed(0)))
async def deliver(letter: str) -> None:
    if letter == "late" and "late" not in delivered:
        delivered.append(letter)
        raise ConnectionError("nobody at home")
    delivered.append(letter)


async def main() -> None:
    async with app:
        await app.enqueue_many(deliver.job(letter) for letter in ("early", "late", "thick"))
        print(await app.worker(burst=True).run())
        print(sorted(delivered))


asyncio.run(main())
