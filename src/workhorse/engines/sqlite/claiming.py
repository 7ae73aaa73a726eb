"""Claim, inside a transaction: each priority level in turn, the queues in their order, none of them more than its share."""

from collections.abc import Sequence
from typing import Any, Final

from workhorse.core.contract import Claim, Envelope
from workhorse.engines import tokens
from workhorse.engines.keeping import SECOND, micros
from workhorse.engines.sqlite import envelopes, lanes, uniques
from workhorse.engines.sqlite.tx import Tx, numbers, words

_DUE: Final = (
    "select level.column1, queue.value, (select due from workhorse_jobs where queue = queue.value"
    " and priority = level.column1 and state = 0 order by due limit 1) as due"
    " from (values (3), (2), (1)) as level cross join json_each(?) as queue"
    " where queue.value not in (select queue from workhorse_paused) order by level.column1 desc, queue.key"
)
_FIND: Final = (
    "select seq, id, task, payload, attempt, trail, extra, crashes, token, accepted, expires, cancel, lane, slot, ukey from workhorse_jobs"
    " where queue = ? and priority = ? and state = 0 and due <= ? order by due limit ?"
)
_HOLD: Final = (
    "update workhorse_jobs set token = ?, due = ?, worker = ?, crashes = crashes + (token <> 0)"
    " where seq in (select value from json_each(?))"
)
_TOKEN, _CANCEL, _LANE, _SLOT, _UKEY = 8, 11, 12, 13, 14
_ROUNDS: Final = 8
_LOOKS: Final = 20
"""Bounds of one transaction; what is left is due, so the next claim comes at once."""

Row = tuple[Any, ...]


def levels(tx: Tx, queues: Sequence[str]) -> list[tuple[int, str, int]]:
    """The earliest due of each level and queue that has one, highest level first; paused queues have none."""
    found = tx.all(_DUE, words(dict.fromkeys(queues)))
    return [(priority, queue, due) for priority, queue, due in found if due is not None]


def next_due(tx: Tx, queues: Sequence[str]) -> int | None:
    """When a claim may find work."""
    if tx.one("select 1 from workhorse_asking limit 1"):
        return tx.now
    return min((due for _, _, due in levels(tx, queues)), default=None)


def claim(tx: Tx, queues: Sequence[str], limit: int, lease: float, worker: str) -> list[Claim]:
    """What is due, at most `limit`."""
    lanes.answer_asking(tx)
    hunt = _Hunt(tx, limit, tx.now + micros(lease), worker)
    for _ in range(_ROUNDS):
        hunt.admitted = False
        hunt.round(queues)
        if not (hunt.admitted and hunt.room):
            break
    return hunt.claims


class _Hunt:
    """One call of claim."""

    def __init__(self, tx: Tx, limit: int, until: int, worker: str) -> None:
        self.tx, self.limit, self.until = tx, limit, until
        self.claims: list[Claim] = []
        self.admitted = False
        self._worker_name = worker
        self._worker: int | None = None
        self._token = tokens.fresh()

    @property
    def room(self) -> int:
        return self.limit - len(self.claims)

    def round(self, queues: Sequence[str]) -> None:
        """Every level once."""
        by_level: dict[int, list[str]] = {}
        for priority, queue, due in levels(self.tx, queues):
            if due <= self.tx.now:
                by_level.setdefault(priority, []).append(queue)
        for priority, ready in by_level.items():
            share = self.limit if len(ready) == 1 else max(1, self.limit // 2)
            for most in (share, self.limit):  # the rest of it goes to who has more than a share
                for queue in ready:
                    self._take(queue, priority, min(most, self.room))

    def _take(self, queue: str, priority: int, most: int) -> None:
        for _ in range(_LOOKS):
            if most <= 0:
                return
            found: list[Row] = self.tx.all(_FIND, queue, priority, self.tx.now, most)
            if not found:
                return
            # the way of most jobs must not pay for lanes and unique keys
            special = [row for row in found if row[_LANE] is not None or row[_UKEY] is not None]
            good = self._with_slots(found) if special else found
            if good:
                self._hold(good, (queue, priority))
                most -= len(good)
            if len(found) == len(good):
                return

    def _hold(self, good: list[Row], place: tuple[str, int]) -> None:
        tx = self.tx
        if self._worker is None:
            self._worker = _enter(tx, self._worker_name)
        seqs = numbers([row[0] for row in good])
        tx.con.execute(_HOLD, (self._token, self.until, self._worker, seqs))
        bodies: dict[int, bytes] = {}
        if [row for row in good if row[3] is None]:
            bodies = dict(
                tx.all("select seq, payload from workhorse_bodies where seq in (select value from json_each(?))", seqs)
            )
        self.claims.extend(_claims(good, bodies, place, f"{self._token:016x}.", tx.now))

    def _with_slots(self, found: list[Row]) -> list[Row]:
        """Those that may run now; the others are parked, or put off by their lane's rate."""
        good: list[Row] = []
        slotless: list[tuple[int, str]] = []
        kinds = lanes.kinds(self.tx, {row[_LANE] for row in found if row[_LANE] is not None})
        for row in found:
            key = row[_LANE]
            rated, passes_on = kinds.get(key, (False, False))
            if key is None or row[_CANCEL]:  # one asked to cancel needs no slot and is not charged
                good.append(row)
            elif row[_SLOT] or (row[_TOKEN] and passes_on):
                if not (rated or passes_on) or self._charged(row, key, passes_on):
                    good.append(row)
            else:
                slotless.append((row[0], key))
        if slotless:
            self.admitted |= lanes.ask(self.tx, slotless)
        uniques.release(self.tx, [(row[_UKEY], row[1]) for row in good if row[_UKEY] is not None], uniques.CLAIMED)
        return good

    def _charged(self, row: Row, key: str, passes_on: bool) -> bool:
        if later := lanes.charge(self.tx, key):
            self.tx.run("update workhorse_jobs set due = ? where seq = ?", later, row[0])
            return False
        if row[_SLOT] and passes_on:
            lanes.free(self.tx, row[0], key)
            self.admitted = True
        return True


def _enter(tx: Tx, name: str) -> int:
    found = tx.one("select id from workhorse_workers where name = ?", name)
    if found is None:
        found = tx.one("insert into workhorse_workers (name) values (?) returning id", name)
    assert found is not None
    return int(found[0])


def _claims(rows: list[Row], bodies: dict[int, bytes], place: tuple[str, int], token: str, now: int) -> list[Claim]:
    made: list[Claim] = []
    queue, priority = place
    for row in rows:
        seq, id, task, payload, attempt, trail, extra, crashes, held, accepted, expires, cancel, *_ = row
        if extra is None and payload is not None:
            env = Envelope(id, task, payload, queue, "", {}, priority, 0, None, None, attempt, "", False, trail or b"")
        else:
            env = envelopes.envelope((*row[:7], queue, priority), bodies)
        expired = expires is not None and expires <= now
        made.append(Claim(env, f"{token}{seq}", crashes + (held != 0), accepted / SECOND, expired, cancel != 0))
    return made
