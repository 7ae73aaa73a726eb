"""Where rounds are played: the processes, the ground that they stand on, and who looks on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ledger import KEPT, on_postgres, on_redis, on_sqlite
from ledger.crew import Crew
from ledger.ground import Ground
from ledger.journal import Journal
from ledger.office import Office

GROUNDS: dict[str, Callable[[Path, int], AbstractContextManager[Ground]]] = {
    "sqlite": on_sqlite.ground,
    "postgres": on_postgres.ground,
    "redis": on_redis.ground,
    "redis that forgets": partial(on_redis.ground, durable=False),
}
"""The last one is a mistake that a judge must find."""


@dataclass(frozen=True)
class Stage:
    """Everything of a run."""

    folder: Path
    ground: Ground
    crew: Crew
    office: Office
    journal: Journal


@contextmanager
def stage(folder: Path, engine: str = "sqlite", *, mib: int = 0) -> Iterator[Stage]:
    """All processes are gone after the block, and the small disk of so many MiB (0: none), if there was one."""
    with ExitStack() as stack:
        ground = stack.enter_context(GROUNDS[engine](folder, mib))
        office = Office(ground.office, KEPT)
        stack.callback(office.close)
        crew = Crew(folder, ground.url, ground.environment)
        stack.callback(crew.close)
        yield Stage(folder, ground, crew, office, Journal(crew.journals, "nemesis"))
