"""One run: processes at work under a nemesis, then peace, a drain by a fresh worker, and the account."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from account import account
from simulation.engine import SimulatedLink
from simulation.judge import judge
from simulation.line import Line
from simulation.nemesis import Chance, Nemesis
from simulation.patches import simulated
from simulation.program import Program, Spec, Step, by_chance, head_of
from simulation.records import Records
from simulation.tasks import LEASE, app
from simulation.world import Process, World, here
from workhorse.app.sender import Sender
from workhorse.core.contract import Filter
from workhorse.durable.groups import Groups
from workhorse.errors import BrokerUnavailable

GRACE = 1.0
CALLS = 200
"""Verbs after which the nemesis has had its day."""

LAST = 120.0
"""Seconds by which workers that were told to stop must have ended, and by which the last worker must have drained all."""

RATE = 0.03


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wrong`: what the account found, line by line; none is right. `again`: the command that tells its story."""

    wrong: list[str]
    calls: int
    history: str
    faults: dict[str, int]
    again: str

    def __str__(self) -> str:
        return "\n".join((*self.wrong, f"again, told aloud: {self.again}"))


class Run:
    """From its seed; `go` once."""

    def __init__(self, seed: int, program: Program | None = None, nemesis: Nemesis | None = None) -> None:
        self._seed = seed
        chance = random.Random(seed)
        self._program = program or by_chance(chance)
        self._chance = random.Random(chance.random())
        self._world = World(seed, self._replace)
        self._link = SimulatedLink(self._world.scheduler.loop("engine"))
        point = f" --program {program.name} --fault {nemesis}" if program else ""
        self._again = f"scripts/simulate --seed {seed}{point}"
        nemesis = nemesis or Chance(random.Random(chance.random()), RATE)
        self._line = Line(self._world, self._link, nemesis, self._chance, LEASE)
        self._step = 0
        self._heard = 0
        self._live = True
        self._stopping = self._over = False

    def go(self) -> Verdict:
        """The whole of it."""
        world = self._world
        with simulated(world, self._line.engine, self._seed):
            try:
                self._link.open()
                self._work()
                self._heal()
                drained = self._drain()
                rows, results = self._found()
            finally:
                world.history.closed = True
                world.scheduler.close()
                self._link.close()
        wrong = judge(world.history, self._program, rows, results)
        records = Records(world.history, self._program, rows)
        wrong += [
            f"{line.name}: {', '.join(line.jobs)}" for line in account(records.all, records.rows, linked=False).broken
        ]
        if not drained:
            wrong.append("not ended: the drain did not end, or somebody who was told to stop did not")
        return Verdict(wrong, self._line.calls, world.history.text(), _faults(world), self._again)

    # ---- phases

    def _work(self) -> None:
        world = self._world
        for at, by in self._program.jumps:
            world.operator.call_at(at, self._jump, by)
        world.spawn("producer", self._produce)
        for _ in range(self._program.workers):
            self._spawn_worker()
        world.scheduler.run(lambda: self._produced and (self._line.calls >= CALLS or self._drained), LAST)

    def _heal(self) -> None:
        """No more faults; whoever is frozen goes on; all workers are told to stop, and time goes by."""
        self._line.healed = self._stopping = True
        self._world.thaw()
        self._world.history.add("operator", "healed")
        for process in self._world.processes:
            self._tell_to_stop(process)
        self._stopped = self._world.scheduler.run(lambda: not self._world.processes, self._world.scheduler.now + LAST)
        self._stopping = False
        if self._program.jumps:
            self._world.set_clock(2 * 3600.0)

    def _drain(self) -> bool:
        world = self._world
        self._spawn_worker()
        drained = world.scheduler.run(lambda: self._drained, world.scheduler.now + LAST)
        self._over = True
        for process in world.processes:
            self._tell_to_stop(process)
        ended = world.scheduler.run(lambda: not world.processes, world.scheduler.now + LAST)
        return drained and ended and self._stopped

    # ---- processes

    def _spawn_worker(self) -> None:
        worker = app.worker(concurrency=self._program.slots, lease=LEASE, grace=GRACE, signals=())
        self._world.spawn("worker", lambda: worker.run(), worker.stop)

    async def _produce(self) -> None:
        process = here()
        engine = await app.engine()
        assert engine.broker is not None
        sender = Sender(engine.broker, engine.broker.features.max_size, 10.0)
        while not self._produced:
            step = self._program.steps[self._step]
            self._step += 1  # a producer that takes over goes on with the next: what became of this one is not known
            await asyncio.sleep(step.wait)
            try:
                await self._take(step, process, sender, engine.inspector)
            except BrokerUnavailable:
                self._world.history.add(process.name, "unknown", step.word)

    async def _take(self, step: Step, process: Process, sender: Sender, inspector: Any) -> None:
        history = self._world.history
        which = Filter(ids=[spec.id for spec in step.jobs])
        if step.word == "stop":
            workers = [one for one in self._world.processes if one.kind == "worker"]
            if workers:
                self._tell_to_stop(self._chance.choice(workers))
        elif step.word in ("cancel", "delete"):
            for spec in step.jobs:
                history.add(process.name, f"asks {step.word}", spec.id)
                if await getattr(inspector, step.word)(which):
                    history.add(process.name, f"{step.word} acked", spec.id)
        else:
            if step.word == "group":
                await Groups(app.engine).open(step.jobs[0].group, head_of(step.jobs[0]))
            await self._publish(step.jobs, process, sender)

    async def _publish(self, jobs: tuple[Spec, ...], process: Process, sender: Sender) -> None:
        for spec in jobs:
            self._world.history.add(process.name, "asks", spec.id)
        answers = await sender.send_many([spec.envelope() for spec in jobs])
        for spec, answer in zip(jobs, answers, strict=True):
            word = "acked" if answer.kind == "accepted" else "denied"
            self._world.history.add(process.name, word, spec.id)

    def _replace(self, process: Process) -> None:
        """Another takes the place of who is gone; while all are being stopped, nobody does."""
        self._world.operator.call_later(self._chance.uniform(0, 1), self._respawn, process.kind)

    def _respawn(self, kind: str) -> None:
        if kind == "worker" and not self._stopping and not self._over:
            self._spawn_worker()
        elif kind == "producer" and not self._produced:
            self._world.spawn("producer", self._produce)

    def _tell_to_stop(self, process: Process) -> None:
        if process.told is not None:
            self._world.history.add(process.name, "told")
            process.loops[0].call_soon(process.told)

    def _jump(self, by: float) -> None:
        if not self._line.healed:
            self._world.set_clock(by)

    # ---- looking

    @property
    def _produced(self) -> bool:
        return self._step >= len(self._program.steps)

    @property
    def _drained(self) -> bool:
        """Whether no job is left; asked at every turn, so it looks only when something happened."""
        if len(self._world.history) != self._heard:
            self._heard = len(self._world.history)
            self._live = bool(self._link.rows("select 1 from workhorse_jobs where state < 2 limit 1"))
        return not self._live

    def _found(self) -> tuple[dict[str, Any], dict[str, Any]]:
        sql = "select id, state, token, attempt, crashes, reason, trail from workhorse_jobs"
        rows = {row[0]: row[1:] for row in self._link.rows(sql)}
        facts = self._link.rows("select key, value from workhorse_facts where key like 'result/%'")
        return rows, {key.removeprefix("result/"): value for key, value in facts}


def _faults(world: World) -> dict[str, int]:
    found = Counter(it.more["fault"] for it in world.history if it.word == "fault")
    found["jump"] = sum(it.word == "jump" for it in world.history)
    found["poison"] = sum(it.word == "killed" and it.more["why"] == "poison" for it in world.history)
    return dict(+found)
