"""Any bytes and any value against the codec: a value, or one documented error; what was sent is what arrives."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bad_input import BROKEN_JSON, FOREIGN_TAGS, FORGED
from workhorse import wire
from workhorse.core.document import Malformed, NewerVersion, decode, encode
from workhorse.core.schema import Schema, Unfit, decode_any


def anything(value): ...  # type: ignore[no-untyped-def]


TASK = Schema(anything, "anything")

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.booleans() | numbers | texts | st.binary() | st.uuids() | st.dates() | st.timedeltas()
hashable = st.booleans() | st.integers() | texts | st.tuples(st.integers(), texts)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(texts, inner)
        | st.dictionaries(hashable, inner)
        | st.sets(hashable)
        | st.lists(inner).map(tuple)
    ),
    max_leaves=20,
)
KNOWN = [*BROKEN_JSON.values(), *FORGED.values(), *FOREIGN_TAGS]
whole = encode(b"[1]", b"{}")
cuts = st.builds(lambda at, put: whole[:at] + put + whole[at + len(put) :], st.integers(0, len(whole)), st.binary())
pieces = st.sampled_from(KNOWN) | st.binary(max_size=20)
foreign = (
    st.binary() | cuts | st.lists(pieces, max_size=4).map(b"".join) | pieces.map(lambda b: b'{"v":1,"job":%b}' % b)
)


def sent_arrives(value: Any) -> None:
    assert wire.loads(wire.dumps(value)) == value
    document = decode(encode(*TASK.encode((value,), {}), tagged=True))
    assert TASK.decode(document.args, document.kwargs, True) == ([value], {})


def a_value_or_one_error(payload: bytes) -> None:
    try:
        document = decode(payload)
        TASK.decode(document.args, document.kwargs, document.tagged)
    except (Malformed, NewerVersion, Unfit):
        pass
    try:
        decode_any(payload)
    except Unfit:
        pass
    try:
        wire.loads(payload)
    except ValueError:
        pass


@settings(max_examples=200, deadline=None, database=None, print_blob=True)
@given(values)
def test_what_is_encoded_is_decoded_as_it_was(value: Any) -> None:
    sent_arrives(value)


@settings(max_examples=200, deadline=None, database=None, print_blob=True)
@given(foreign)
@example(b"[" * 100_000)
@example(b"1" * 5_000)
def test_any_bytes_are_a_value_or_one_documented_error(payload: bytes) -> None:
    a_value_or_one_error(payload)


@pytest.mark.proof
@settings(max_examples=2_000, deadline=None, database=None, print_blob=True)
@given(values)
def test_thousands_of_values_are_decoded_as_they_were(value: Any) -> None:
    sent_arrives(value)


@pytest.mark.proof
@settings(max_examples=2_000, deadline=None, database=None, print_blob=True)
@given(foreign)
def test_thousands_of_texts_are_a_value_or_one_documented_error(payload: bytes) -> None:
    a_value_or_one_error(payload)
