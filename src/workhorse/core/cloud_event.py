"""An event on the wire: CloudEvents 1.0 as structured JSON, with the extensions that tell whence it came."""

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

SPEC: Final = "1.0"
JSON: Final = "application/json"
HEAD: Final = b'{"specversion":'


class CloudEvent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`type` is the media type, `source` the service that published it. Extensions: `correlationid`, the same for all that
    came of one beginning; `causationid`, the job in which it was published; `hops`, how many events and jobs it followed."""

    specversion: str
    id: str
    source: str
    type: str
    time: str = ""
    datacontenttype: str = ""
    correlationid: str = ""
    causationid: str = ""
    hops: Annotated[int, msgspec.Meta(ge=0)] = 0
    data: msgspec.Raw = msgspec.Raw(b"null")


def encode(event: CloudEvent) -> bytes:
    """Its bytes."""
    return _encoder.encode(event)


def decode(text: bytes) -> CloudEvent:
    """The event again, whoever wrote it. ValueError for what is none, or carries no JSON."""
    event = _decoder.decode(text)
    content = event.datacontenttype.partition(";")[0].strip()
    if content and content != JSON and not content.endswith("+json"):
        raise ValueError(f"datacontenttype: expected JSON, got {event.datacontenttype!r}")
    return event


def moment(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 text."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(CloudEvent)
