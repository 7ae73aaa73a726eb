"""The engine under test beside its model: two workers' engines on the same data, and what they must agree with."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from workhorse.core.ids import new_id
from workhorse.engine import ABSENT, Broker, Claim, Engine, Envelope, Features, Inspector, Store
from workhorse.testing.model import ENDED, Life, Model

T = TypeVar("T")


class Subject(Protocol):
    """What an engine's test file gives; `reopens = False`, if it says so, keeps the engines open."""

    def engine(self, name: str) -> Engine:
        """As for the conformance suite: the same name is the same data."""
        ...

    async def pass_time(self, seconds: float) -> None:
        """As for the conformance suite."""
        ...


class Beside(RuleBasedStateMachine):
    """What all rules stand on."""

    subject: Subject

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.name = f"history-{new_id()[-12:]}"
        self.engines = [self.opened(), self.opened()]
        self.model = Model()
        self.claims: list[Claim] = []
        self.gone: list[str] = []
        """Ids that were deleted."""
        self.versions = [ABSENT]
        self._made = 0

    def teardown(self) -> None:
        for engine in self.engines:
            self.run(engine.close())
        self.runner.close()

    def run(self, verb: Coroutine[Any, Any, T]) -> T:
        """The answer of an engine's verb."""
        return self.runner.run(verb)

    def opened(self) -> Engine:
        engine = self.subject.engine(self.name)
        self.run(engine.open())
        return engine

    @property
    def broker(self) -> Broker:
        """Each time the other worker's."""
        self.engines.reverse()
        broker = self.engines[0].broker
        assert broker is not None, "expected an engine with a broker, got one without"
        return broker

    @property
    def features(self) -> Features:
        return self.broker.features

    @property
    def store(self) -> Store | None:
        return self.engines[0].store

    @property
    def inspector(self) -> Inspector | None:
        return self.engines[0].inspector

    def new(self, queue: str, **fields: Any) -> Envelope:
        """A job nobody has seen; what this engine does not promise is left out."""
        self._made += 1
        promised = self.features
        if promised.priorities < 2:
            fields["priority"] = 2
        fields["delay"] = min(fields.get("delay", 0), promised.max_delay)
        lane = fields.get("lane") if promised.lanes else None
        unique = fields.get("unique") if promised.unique else None
        fields |= {"lane": lane, "unique": unique}
        id, payload = f"{self._made:03}", f"payload {self._made}".encode()
        return Envelope(id, task=f"task-{self._made % 3}", payload=payload, queue=queue, **fields)

    def publish_all(self, *jobs: Envelope) -> None:
        """Publish them, and have the answers that the model gives."""
        answers = self.run(self.broker.publish(jobs))
        expected = [self.model.publish(each) for each in jobs]
        assert answers == expected, f"expected {expected}, got {answers}"
        self.gone = [id for id in self.gone if id not in self.model.jobs]

    def chosen(self, pick: int) -> list[str]:
        """One or two ids of all that there are, and one that never was."""
        ids = list(self.model.jobs)
        return ["nobody", *dict.fromkeys(ids[number % len(ids)] for number in (pick, pick // 7) if ids)]

    def living(self, ids: Sequence[str]) -> list[Life]:
        """Those of them that have not ended."""
        return [life for id in ids if (life := self.model.jobs.get(id)) and life.status not in ENDED]
