"""What a job has been through, as small bytes beside its payload: failed attempts, hand-backs, and who did not know it."""

import msgspec

KEPT = 20
"""Failed attempts that are kept: the first, and the latest ones. A job with a thousand retries must stay small."""

TRACEBACK = 8192
"""Bytes of a traceback that are kept: its end, where the error stands."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One failed attempt: what was raised, as text, and when it ran (seconds since the epoch)."""

    attempt: int
    type: str
    message: str
    traceback: str
    started: float
    ended: float


class Trail(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`budget` is the attempt after which retries were last counted anew; `unknown_since` is when a worker first met the
    job and did not know its task or its envelope's version (0: never)."""

    history: tuple[Record, ...] = ()
    hand_backs: int = 0
    unknown_since: float = 0
    budget: int = 0
    note: str = ""

    def after(self, record: Record) -> "Trail":
        """With one more failed attempt; the job was known, so the time of not knowing it starts anew."""
        history = (*self.history, record)
        if len(history) > KEPT:
            history = (history[0], *history[-(KEPT - 1) :])
        return msgspec.structs.replace(self, history=history, unknown_since=0)


EMPTY = Trail()

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Trail)


def dump(trail: Trail) -> bytes:
    """The bytes for `Envelope.trail`; nothing at all for an empty one."""
    return b"" if trail == EMPTY else _encoder.encode(trail)


def load(text: bytes) -> Trail:
    """A trail that cannot be read is an empty one: history is worth less than the job."""
    if not text:
        return EMPTY
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return EMPTY


def renewed(text: bytes, attempt: int) -> bytes:
    """For a dead letter put back: attempts go on counting from `attempt`, with a fresh budget."""
    return dump(msgspec.structs.replace(load(text), budget=attempt, unknown_since=0))
