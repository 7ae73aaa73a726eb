"""The payload's bytes: one shape, a checksum that notices, versions that are never guessed."""

import json
from datetime import timedelta
from zlib import crc32

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workhorse.core.document import (
    Document,
    ExponentialDoc,
    FixedDoc,
    Malformed,
    NewerVersion,
    Overrides,
    RetryDoc,
    decode,
    encode,
    retry_from_doc,
    retry_to_doc,
)
from workhorse.core.retry import Exponential, Fixed, Linear, Retry
from workhorse.errors import DeclarationError

PLAIN = encode(b'["cat.png"]', b'{"width":128}')


def framed(job: bytes, version: bytes = b"1") -> bytes:
    return b'{"v":%b,"crc":"%08x","job":%b}' % (version, crc32(job), job)


def arguments(document: Document) -> tuple[object, object, bool]:
    return json.loads(bytes(document.args)), json.loads(bytes(document.kwargs)), document.tagged


def test_the_bytes_are_these() -> None:
    job = b'{"args":["cat.png"],"kwargs":{"width":128}}'
    assert framed(job) == PLAIN


def test_a_document_comes_back() -> None:
    overrides = Overrides(retry=RetryDoc(5, FixedDoc(1.5), 0.25), timeout=None, result_ttl=60.0, max_crashes=2)
    again = decode(encode(b"[1]", b"{}", True, overrides))
    assert arguments(again) == ([1], {}, True)
    assert again.overrides == overrides


def test_what_was_not_said_stays_unsaid() -> None:
    assert decode(PLAIN).overrides == Overrides()
    assert decode(PLAIN).overrides.timeout is msgspec.UNSET


def test_missing_members_have_defaults_and_unknown_ones_are_passed_over() -> None:
    assert arguments(decode(framed(b"{}"))) == ([], {}, False)
    assert arguments(decode(framed(b'{"args":[1],"colour":"red"}'))) == ([1], {}, False)


def test_another_writer_may_use_spaces_and_any_order() -> None:
    job = b'{ "args" : [ 1 ] }'
    text = b'{ "job" : %b, "crc" : "%08x", "note": "", "v" : 1 }' % (job, crc32(job))
    assert arguments(decode(text)) == ([1], {}, False)


@pytest.mark.parametrize("position", range(len(PLAIN)))
def test_any_one_changed_byte_is_noticed(position: int) -> None:
    broken = bytearray(PLAIN)
    broken[position] ^= 0x01
    with pytest.raises((Malformed, NewerVersion)):
        decode(bytes(broken))


@pytest.mark.parametrize("length", range(len(PLAIN)))
def test_any_truncation_is_noticed(length: int) -> None:
    with pytest.raises((Malformed, NewerVersion)):
        decode(PLAIN[:length])


@pytest.mark.parametrize("place", range(len(PLAIN)))
def test_any_flipped_bit_is_noticed(place: int) -> None:
    for bit in range(8):
        flipped = bytearray(PLAIN)
        flipped[place] ^= 1 << bit
        with pytest.raises((Malformed, NewerVersion)):
            decode(bytes(flipped))


def test_a_wrong_checksum_says_so() -> None:
    with pytest.raises(Malformed, match="checksum"):
        decode(PLAIN.replace(b"cat", b"dog"))


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (b"[]", "Expected `object`"),
        (b'{"tagged":1}', "tagged"),
        (b'{"options":{"timeout":-1}}', "timeout"),
        (b'{"options":{"result_ttl":null}}', "result_ttl"),
        (b'{"options":{"max_crashes":0}}', "max_crashes"),
        (b'{"options":{"retry":{"retries":1,"delay":{"kind":"secret"}}}}', "secret"),
    ],
)
def test_a_job_of_another_shape_is_malformed(job: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        decode(framed(job))


def test_a_newer_version_is_told_from_a_broken_one() -> None:
    with pytest.raises(NewerVersion, match="expected version 1, got 2"):
        decode(b'{"v":2,"whatever":[1,2]}')
    with pytest.raises(NewerVersion, match="got none"):
        decode(b"{}")


@settings(max_examples=500, deadline=None)
@given(st.binary() | st.binary().map(framed))
def test_any_bytes_are_a_document_or_one_of_two_errors(payload: bytes) -> None:
    try:
        document = decode(payload)
    except (Malformed, NewerVersion):
        return
    assert isinstance(document, Document)


@pytest.mark.parametrize(
    "retry",
    [
        Retry(),
        Retry(0),
        Retry(5, Fixed(2)),
        Retry(5, Linear(1, 2, 30), jitter=0.5),
        Retry(5, Exponential(timedelta(seconds=1), 3, timedelta(hours=1), 0.5), jitter=0.1),
    ],
)
def test_a_retry_travels_whole(retry: Retry) -> None:
    payload = encode(b"[]", b"{}", False, Overrides(retry=retry_to_doc(retry)))
    doc = decode(payload).overrides.retry
    assert doc is not None
    again = retry_from_doc(doc)
    assert [again.retries, again.jitter] == [retry.retries, retry.jitter]
    assert [again.delay(number) for number in (1, 2, 9)] == [retry.delay(number) for number in (1, 2, 9)]


def test_filters_stay_with_the_task() -> None:
    declared = Retry(3, on=(OSError,), never=(FileNotFoundError,))
    again = retry_from_doc(RetryDoc(7, FixedDoc(1.0), 0.0), declared)
    assert (again.retries, again.on, again.never) == (7, (OSError,), (FileNotFoundError,))


@pytest.mark.parametrize("retry", [Retry(1, lambda number: 1.0), Retry(1, on=(OSError,)), Retry(1, never=(OSError,))])
def test_code_does_not_travel(retry: Retry) -> None:
    with pytest.raises(DeclarationError, match="the task is declared"):
        retry_to_doc(retry)


def test_a_retry_out_of_range_is_malformed() -> None:
    with pytest.raises(Malformed, match="options"):
        retry_from_doc(RetryDoc(-1, FixedDoc(1.0)))
    with pytest.raises(Malformed, match="options"):
        retry_from_doc(RetryDoc(1, ExponentialDoc(1.0, -2.0, 3.0, 0.0)))
