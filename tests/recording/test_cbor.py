"""Our CBOR against cbor2, in both directions, and against every spelling we refuse."""

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbwv.recording import BwvError, NotDeterministic, Truncated, cbor

leaves = st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=40) | st.booleans() | st.none()
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.integers(0, 2**64 - 1), inner, max_size=5)
        | st.dictionaries(st.text(max_size=9), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(values)
def test_cbor2_reads_what_we_write_and_we_read_what_it_writes(value):
    ours = cbor.encode(value)
    assert ours == cbor2.dumps(value, canonical=True)
    assert cbor2.loads(ours) == value
    assert cbor.decode(ours) == value


@given(st.binary(max_size=64))
def test_any_bytes_either_read_back_to_themselves_or_are_refused(data):
    try:
        value = cbor.decode(data)
    except BwvError:
        return
    assert cbor.encode(value) == data


@pytest.mark.parametrize(
    ("spelling", "why"),
    [
        ("1817", "17 in two bytes"),
        ("190017", "23 in three bytes"),
        ("1a0000ffff", "65535 in five bytes"),
        ("1b00000000ffffffff", "2^32-1 in nine bytes"),
        ("5801aa", "a length spelled too long"),
        ("9f01ff", "an array of indefinite length"),
        ("bf0102ff", "a map of indefinite length"),
        ("5f41aaff", "bytes of indefinite length"),
        ("a201020102", "one key twice"),
        ("a202010101", "keys out of order"),
        ("a2616201616101", "text keys out of order"),
        ("a218180101 02".replace(" ", ""), "a long key before a short one"),
    ],
)
def test_a_second_spelling_of_the_same_thing_is_refused(spelling, why):
    with pytest.raises(NotDeterministic):
        cbor.decode(bytes.fromhex(spelling))


@pytest.mark.parametrize(
    "spelling",
    (
        "a12001 a20101616101 a1f501 a1410101 f93c00 fb3ff0000000000000 f7 f8ff c11a514b67b0 "
        "c249010000000000000000 d9d9f701 ff 1c 61ff 0000 " + "81" * 20 + "01"
    ).split(),
)
def test_negative_and_mixed_keys_floats_tags_and_left_over_bytes_are_refused(spelling):
    with pytest.raises(BwvError):
        cbor.decode(bytes.fromhex(spelling))


@pytest.mark.parametrize(
    "value", [1.5, {-1: 1}, {1: 1, "a": 1}, {True: 1}, {b"a": 1}, object(), 2**64, "\ud800", {1.0: 2}]
)
def test_what_has_no_spelling_is_not_written(value):
    with pytest.raises(cbor.NotEncodable):
        cbor.encode(value)


@given(values, st.data())
def test_a_cut_is_always_recognised_as_one(value, data):
    whole = cbor.encode(value)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(Truncated):
        cbor.decode(whole[:cut])


@given(st.lists(values, max_size=5))
def test_a_sequence_reads_back(items):
    assert list(cbor.decode_sequence(b"".join(map(cbor.encode, items)))) == items
