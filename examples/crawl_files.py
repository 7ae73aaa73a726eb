"""Jobs that enqueue jobs: one a folder, one a file; and what became of them. From this folder:

python crawl_files.py ..
"""

import asyncio
import hashlib
import sys
from pathlib import Path

from workhorse import Retry, Workhorse

app = Workhorse("sqlite:///crawl.db", name="crawl")


@app.task(retry=Retry(0))
def crawl(folder: str) -> int:
    """A job for everything in the folder. Killed in between, it enqueues some of them again, which here does no harm.

    It reads, so it is no coroutine and runs in a thread; from there `app.run` reaches what is asynchronous.
    """
    entries = [entry for entry in sorted(Path(folder).iterdir()) if not entry.name.startswith(".")]
    app.run(app.enqueue_many(crawl.job(str(entry)) if entry.is_dir() else digest.job(str(entry)) for entry in entries))
    return len(entries)


@app.task(retry=Retry(0))
def digest(path: str) -> str:
    """One file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


async def main(folder: str) -> None:
    """Crawl the folder, here and now."""
    async with app:
        first = await crawl.enqueue(folder)
        counts = await app.worker(concurrency=20, burst=True).run()
        print(f"{await first.result()} entries in {folder}; {counts.succeeded} jobs done, {counts.dead} dead")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "."))
