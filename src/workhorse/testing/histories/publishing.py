"""What comes in: jobs plain and delayed, in lanes, with unique keys, dead ones, known ones, events."""

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import rule

from workhorse.engine import Lane, Unique
from workhorse.testing.histories.choices import (
    lanes,
    later,
    perhaps_lanes,
    picks,
    priorities,
    queue_of,
    queues,
    uniques,
)
from workhorse.testing.histories.subject import Beside
from workhorse.testing.model import ENDED

lives = st.sampled_from((None, None, 8.5))


class Publishing(Beside):
    """`publish` and `bind`."""

    @rule(queue=queues, priority=priorities, delay=later, expires=lives)
    def publish(self, queue: str, priority: int, delay: float, expires: float | None) -> None:
        self.publish_all(self.new(queue, priority=priority, delay=delay, expires=expires))

    @rule(lane=lanes, count=st.integers(1, 4), priority=priorities, delay=later)
    def publish_in_a_lane(self, lane: Lane, count: int, priority: int, delay: float) -> None:
        made = [self.new(queue_of(lane), lane=lane, priority=priority, delay=delay) for _ in range(count)]
        self.publish_all(*made)

    @rule(unique=uniques, lane=perhaps_lanes, delay=later)
    def publish_with_a_unique_key(self, unique: Unique, lane: Lane | None, delay: float) -> None:
        self.publish_all(self.new(queue_of(lane), unique=unique, lane=lane, delay=delay))

    @rule(queue=queues)
    def publish_a_dead_one(self, queue: str) -> None:
        self.publish_all(self.new(queue, dead="it failed elsewhere", attempt=3))

    @rule(pick=picks, queue=queues, unique=st.sampled_from((None, Unique("report"))))
    def publish_an_id_again(self, pick: int, queue: str, unique: Unique | None) -> None:
        """One that is known, or that was before it was deleted."""
        known = [id for id, life in self.model.jobs.items() if life.status not in ENDED or self.features.remembers]
        if ids := [*known, *self.gone]:
            self.publish_all(msgspec.structs.replace(self.new(queue, unique=unique), id=ids[pick % len(ids)]))

    @rule(topic=st.sampled_from(("order.paid", "order.lost", "user.left")), delay=later)
    def publish_an_event_twice(self, topic: str, delay: float) -> None:
        event = self.new("", topic=topic, delay=delay)
        self.publish_all(event, event)

    @rule(topic=st.sampled_from(("order.paid", "order.*")), queue=queues, bound=st.booleans())
    def bind(self, topic: str, queue: str, bound: bool) -> None:
        self.run(self.broker.bind(topic, queue, bound))
        self.model.bindings.pop((topic, queue), None)
        if bound:
            self.model.bindings[topic, queue] = None, None

    @rule(queue=queues, priority=st.sampled_from((None, 1, 3)), expires=lives)
    def bind_with_a_priority_and_a_life(self, queue: str, priority: int | None, expires: float | None) -> None:
        priority = priority if self.features.priorities > 1 else None
        self.run(self.broker.bind("user.left", queue, priority=priority, expires=expires))
        self.model.bindings["user.left", queue] = priority, expires
