"""The corpus of bad input against the codec: each entry has one fate, and none takes long."""

import json
from typing import Any
from zlib import crc32

import msgspec
import pytest

from bad_input import BROKEN_JSON, FOREIGN_TAGS, FORGED, ODD_BUT_SOUND, ODD_VERSIONS, UNSENDABLE
from workhorse import wire
from workhorse.core.document import NO_KWARGS, Malformed, NewerVersion, decode, encode
from workhorse.core.schema import Schema, Unfit, decode_any, encode_unknown


def anything(value): ...  # type: ignore[no-untyped-def]
def annotated(value: list[Any] | dict[str, Any]) -> None: ...
def text(value: str) -> str: ...


TASKS = [Schema(anything, "anything"), Schema(annotated, "annotated"), Schema(text, "text")]


def decoded(task: Schema, payload: bytes) -> Any:
    document = decode(payload)
    return task.decode(document.args, document.kwargs, document.tagged)


@pytest.mark.parametrize("value", UNSENDABLE.values(), ids=UNSENDABLE.keys())
def test_what_no_job_may_carry_is_refused_with_one_error(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^value"):
        wire.dumps(value)
    for task in TASKS:
        with pytest.raises(Unfit, match=r"^value"):
            task.encode((value,), {})
    with pytest.raises(Unfit, match=r"^argument 1"):
        encode_unknown((value,), {})
    with pytest.raises(Unfit, match=r"^result"):
        TASKS[2].encode_result(value)


@pytest.mark.parametrize("value", ODD_BUT_SOUND.values(), ids=ODD_BUT_SOUND.keys())
def test_what_only_looks_dangerous_arrives_untouched(value: Any) -> None:
    assert wire.loads(wire.dumps(value)) == value
    document = decode(encode(*encode_unknown((value,), {}), tagged=True))
    for task in (TASKS[0], TASKS[2]) if isinstance(value, str) else TASKS[:1]:
        assert task.decode(document.args, document.kwargs, True) == ([value], {})
        assert task.decode_result(task.encode_result(value)) == value


@pytest.mark.parametrize("broken", BROKEN_JSON.values(), ids=BROKEN_JSON.keys())
def test_what_is_no_json_is_refused_wherever_it_stands(broken: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any text: the parser says what it met
        wire.loads(broken)
    with pytest.raises((Malformed, NewerVersion)):
        decode(broken)
    job = b'{"args":[%b]}' % broken
    payload = b'{"v":1,"crc":"%08x","job":%b}' % (crc32(job), job)
    for task in TASKS:
        if broken == b"":  # between brackets, nothing is no argument
            continue
        with pytest.raises((Malformed, Unfit)):
            decoded(task, payload)
    with pytest.raises(Unfit):
        decode_any(b'{"tagged":%b}' % broken)


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_a_tag_that_does_not_hold_what_it_says_is_refused(forged: bytes) -> None:
    with pytest.raises(ValueError, match=r"^\$"):
        wire.loads(forged)
    with pytest.raises(Unfit, match=r"value: \$"):
        TASKS[0].decode(msgspec.Raw(b"[%b]" % forged), NO_KWARGS, False)


@pytest.mark.parametrize("tag", FOREIGN_TAGS)
def test_a_tag_is_never_a_way_to_a_class(tag: bytes) -> None:
    assert wire.loads(tag) == json.loads(tag)
    assert isinstance(wire.loads(tag), dict)


@pytest.mark.parametrize("version", ODD_VERSIONS)
def test_a_version_that_is_not_ours_is_handed_back_not_run(version: bytes) -> None:
    with pytest.raises((NewerVersion, Malformed)) as caught:
        decode(b'{"v":%b,"crc":"00000000","job":{}}' % version)
    assert (caught.type is Malformed) == (version == b"01e9")  # no JSON at all


def test_megabytes_pass_in_one_piece() -> None:
    big = "x" * 10_000_000
    args, kwargs = TASKS[2].encode((big,), {})
    document = decode(encode(args, kwargs))
    assert TASKS[2].decode(document.args, document.kwargs, False) == ([big], {})
