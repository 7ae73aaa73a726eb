"""Our rows in the caller's own transaction: SQL text and parameters for whatever driver runs it. No answer is read."""

from collections.abc import Sequence
from typing import Final

from workhorse.core.contract import Envelope, Put
from workhorse.core.errors import EnqueueRefused
from workhorse.engines.postgres import envelopes
from workhorse.engines.postgres.names import in_schema
from workhorse.engines.postgres.store import columns
from workhorse.engines.postgres.urls import Place

Statement = tuple[str, tuple[object, ...]]

_ENQUEUE: Final = (
    "select workhorse.enqueue($1::text::jsonb, $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint, $6::text)"
)
_WRITE: Final = "select workhorse.write($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::text)"


class Statements:
    """As the contract says; EnqueueRefused for jobs that cannot be stored."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._channel = place.schema if place.notify else None

    def statements(self, jobs: Sequence[Envelope], puts: Sequence[Put], /) -> list[Statement]:
        refused = [(env.id, reason) for env in jobs if (reason := envelopes.refusal(env))]
        if refused:
            raise EnqueueRefused(refused)
        made: list[Statement] = []
        if jobs:
            given = envelopes.as_json([envelopes.given(env) for env in jobs])
            values = given, *envelopes.bytes_of(jobs), self._place.policy.dead_retain, self._channel
            made.append((self._sql(_ENQUEUE), values))
        if puts:
            made.append((self._sql(_WRITE), (*columns(puts), self._channel)))
        return made

    def _sql(self, text: str) -> str:
        return in_schema(text, self._place.schema)
