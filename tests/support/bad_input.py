"""Bad input, in one place: what must be refused by name, and what must pass untouched. Every reader of foreign bytes is held to it."""

from decimal import Decimal
from typing import Any, Final

DEEP: Final = 5_000


def nested(depth: int) -> list[Any]:
    """A list in a list, so many deep."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def cyclic() -> list[Any]:
    """A list that holds itself."""
    value: list[Any] = []
    value.append(value)
    return value


UNSENDABLE: Final[dict[str, Any]] = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "NaN inside": {"prices": [1.0, (float("nan"),)]},
    "decimal NaN": Decimal("NaN"),
    "lone surrogate": "\ud800",
    "lone surrogate in the middle": "caf\udce9",
    "lone surrogate as a name": {"\udfff": 1},
    "nested too deep": nested(DEEP),
    "inside itself": cyclic(),
    "a socket of a kind": object(),
    "a function": len,
    "a class": int,
    "a generator": (number for number in (1,)),
    "an error": ValueError("no"),
    "a complex number": 1j,
}
"""Values that no job may carry; whoever encodes them says why, in one error."""

ODD_BUT_SOUND: Final[dict[str, Any]] = {
    "empty text": "",
    "NUL": "a\0b",
    "control character": "\x01\x7f",
    "not characters": "\ufffe\uffff",
    "right to left": "\u202eabc",
    "combining": "e\u0301",
    "emoji": "🐎",
    "byte order mark": "\ufeffa",
    "terminal escape": "\x1b[31mred\x1b[0m",
    "markup": "</script><script>alert(1)</script>",
    "template": "{{7*7}} %s%n ${x}",
    "quotes": "'; drop table jobs; --",
    "2 to the 53rd and one": 2**53 + 1,
    "2 to the 64th": 2**64,
    "minus 2 to the 63rd and one": -(2**63) - 1,
    "5,000 digits": 10**5_000,
    "minus zero": -0.0,
    "a tenth": 0.1,
    "a long name": {"n" * 1_000_000: 1},
    "10,000 names": {f"name {number}": number for number in range(10_000)},
    "100 deep": nested(100),
    "looks like a tag": {"$set": [1]},
    "looks like an escaped tag": {"$$set": [1]},
    "looks like a tag inside": [{"$tuple": {"$uuid": "no"}}],
    "one dollar": {"$": 1},
    "names that are no text": {1: "a", None: "b", (1, 2): "c"},
}
"""Values that look dangerous and are only data."""

BROKEN_JSON: Final[dict[str, bytes]] = {
    "nothing": b"",
    "one byte": b"{",
    "truncated": b'{"a": [1, 2',
    "trailing data": b"1 2",
    "a comment": b"/* hello */ 1",
    "single quotes": b"{'a': 1}",
    "a trailing comma": b"[1,]",
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "1e400": b"1e400",
    "5,000 digits": b"1" * 5_000,
    "Latin-1": b'"caf\xe9"',
    "overlong UTF-8": b'"\xc0\xaf"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "escaped lone surrogate": b'"\\ud800"',
    "a raw control character": b'"\x01"',
    "byte order mark": b"\xef\xbb\xbf1",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a pickle": b"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94.",
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep and whole": b"[" * DEEP + b"]" * DEEP,
}
"""Bytes that are no JSON of ours, whatever they stand in for."""

FORGED: Final[dict[str, bytes]] = {
    "a tuple of a number": b'{"$tuple":5}',
    "a set of lists": b'{"$set":[[1]]}',
    "a set of mappings": b'{"$frozenset":[{}]}',
    "an unhashable key": b'{"$map":[[[],1]]}',
    "a pair of three": b'{"$map":[[1,2,3]]}',
    "a key twice": b'{"$map":[[1,2],[1,3]]}',
    "no date": b'{"$date":"2024-02-30"}',
    "the year 10,000": b'{"$date":"10000-01-01"}',
    "no datetime": b'{"$datetime":"soon"}',
    "a datetime of a number": b'{"$datetime":1}',
    "a zone of the file system": b'{"$datetime":["2024-01-01T00:00:00","../../../etc/passwd"]}',
    "a zone that nobody knows": b'{"$datetime":["2024-01-01T00:00:00","Mars/Olympus"]}',
    "no time": b'{"$time":"25:00"}',
    "too many days": b'{"$timedelta":[1000000000,0,0]}',
    "days and a half": b'{"$timedelta":[1.5,0,0]}',
    "no decimal": b'{"$decimal":"one"}',
    "decimal NaN": b'{"$decimal":"NaN"}',
    "no UUID": b'{"$uuid":"x"}',
    "base64 without its end": b'{"$bytes":"eA"}',
    "base64 with spaces": b'{"$bytes":"e A=="}',
    "base64 for URLs": b'{"$bytes":"-_-_"}',
    "base64 with stray bits": b'{"$bytes":"eB=="}',
    "no hexadecimal": b'{"$int":"0xzz"}',
}
"""JSON whose tags do not hold what they say."""

FOREIGN_TAGS: Final[tuple[bytes, ...]] = (
    b'{"$os.system":"rm -rf /"}',
    b'{"$builtins.eval":"1"}',
    b'{"$subprocess.Popen":{"args":"id"}}',
    b'{"$antigravity":{}}',
    b'{"$__class__.__init__.__globals__":1}',
    b'{"$decimal.Decimal":"1"}',
    b'{"$":1}',
)
"""Tags of things that exist in Python and are registered nowhere: mappings, and nothing else."""

ODD_VERSIONS: Final[tuple[bytes, ...]] = (b"2", b"999", b'"1"', b"null", b"-1", b"1.0", b"true", b"[1]", b"01e9")
"""What may stand for a version and is none of ours: whoever wrote it may be newer, so nothing is dropped."""

HOSTILE_NAMES: Final[dict[str, str]] = {
    "empty": "",
    "blank": " ",
    "NUL": "a\0b",
    "a line's end": "a\r\nX-Injected: 1",
    "terminal escape": "\x1b[2J\x1b]0;title\x07",
    "right to left": "\u202eabc",
    "path": "../../etc/passwd",
    "quotes": "'; drop table workhorse_jobs; --",
    "markup": "<script>alert(1)</script>",
    "template": "{{7*7}}%s%n${x}",
    "a star": "*",
    "not ASCII": "caf\u00e9",
    "201 long": "n" * 201,
}
"""Names of jobs, queues and tasks that no declaration and no command takes: refused, with what was expected."""
