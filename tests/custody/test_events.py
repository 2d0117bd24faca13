"""A leaf says kind, second and pseudonym, and commits to the rest; nothing in it is about a person."""

import hashlib
import hmac

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbwv.custody import EventType, LeafRejected, commit_event, decode_leaf, event_matches, leaf
from openbwv.custody.events import SENTENCES

SUBJ, SALT = bytes(range(16)), bytes(range(32))
EVENT = {
    "v": 1,
    "type": 30,
    "actor": "avery",
    "why": "complaint 12",
    "rec": SUBJ,
    "details": {"from_ms": 0, "all": True},
}

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def test_a_leaf_is_the_five_values_of_the_format_and_cbor2_reads_it():
    entry = leaf(EventType.VIEW, 1_795_000_000, SUBJ, commit_event(EVENT, SALT))
    assert cbor2.loads(entry) == [1, 30, 1_795_000_000, SUBJ, commit_event(EVENT, SALT)]
    assert len(entry) <= 64
    read = decode_leaf(entry)
    assert (read.type, read.t_s, read.subj, read.name) == (30, 1_795_000_000, SUBJ, "view")


def test_the_commitment_is_hmac_sha256_of_the_deterministic_event():
    spelled = cbor2.dumps(EVENT, canonical=True)
    assert commit_event(EVENT, SALT) == hmac.new(SALT, spelled, hashlib.sha256).digest()


@given(event=st.dictionaries(st.text(max_size=8), values, max_size=6))
def test_any_event_commits_to_itself_whatever_the_order_of_its_keys(event):
    turned = dict(reversed(event.items()))
    assert commit_event(event, SALT) == commit_event(turned, SALT)
    assert event_matches(leaf(1, 0, SUBJ, commit_event(event, SALT)), event, SALT)


@pytest.mark.parametrize("key", list(EVENT))
def test_every_part_of_the_event_is_committed_to(key):
    entry = leaf(EventType.VIEW, 5, SUBJ, commit_event(EVENT, SALT))
    assert event_matches(entry, EVENT, SALT)
    assert not event_matches(entry, {**EVENT, key: "other"}, SALT)
    assert not event_matches(entry, {each: value for each, value in EVENT.items() if each != key}, SALT)
    assert not event_matches(entry, EVENT, bytes(32))


def test_no_text_of_the_event_is_in_the_leaf():
    entry = leaf(EventType.VIEW, 5, SUBJ, commit_event(EVENT, SALT))
    for text in (b"avery", b"complaint", b"12"):
        assert text not in entry


@pytest.mark.parametrize("bad", [1.5, {1: 2}, {"a": 1.0}, [object()], {1, 2}, 2**63, [{"x": {b"k": 1}}]])
def test_what_an_event_cannot_hold_is_refused(bad):
    with pytest.raises(LeafRejected):
        commit_event({"details": bad}, SALT)


@pytest.mark.parametrize(
    "arguments",
    [
        (-1, 0, SUBJ, SALT), (70_000, 0, SUBJ, SALT), (1, -1, SUBJ, SALT), (1, 1 << 60, SUBJ, SALT),
        (1, 0, SUBJ[:15], SALT), (1, 0, SUBJ, SALT[:31]),
    ],
)  # fmt: skip
def test_a_leaf_with_wrong_values_is_refused(arguments):
    with pytest.raises(LeafRejected):
        leaf(*arguments)


def test_a_salt_has_32_bytes():
    with pytest.raises(LeafRejected):
        commit_event(EVENT, bytes(16))


@pytest.mark.parametrize(
    "entry",
    [
        b"", b"\xff", cbor2.dumps("text"), cbor2.dumps([1, 2, 3]), cbor2.dumps([2, 30, 5, SUBJ, SALT]),
        cbor2.dumps([True, 30, 5, SUBJ, SALT]), cbor2.dumps([1, 30, 5, SUBJ, SALT, 0]),
        cbor2.dumps([1, 30, 5.0, SUBJ, SALT]),
        cbor2.dumps([1, 30, 5, "x" * 16, SALT]), cbor2.dumps([1, True, 5, SUBJ, SALT]),
        b"\x85\x18\x01\x18\x1e\x05\x50" + SUBJ + b"\x58\x20" + SALT,
        b"\x9f\x01\x18\x1e\x05\x50" + SUBJ + b"\x58\x20" + SALT + b"\xff",
        leaf(30, 5, SUBJ, SALT) + b"\0",
    ],
)  # fmt: skip
def test_what_is_no_leaf_is_rejected(entry):
    with pytest.raises(LeafRejected):
        decode_leaf(entry)


@given(st.binary(max_size=120))
def test_random_bytes_end_in_our_error_or_are_a_leaf(data):
    try:
        read = decode_leaf(data)
    except LeafRejected:
        return
    assert leaf(read.type, read.t_s, read.subj, read.com) == data


def test_a_leaf_of_a_kind_that_this_release_does_not_know_is_still_a_leaf():
    assert decode_leaf(leaf(999, 5, SUBJ, SALT)).name == "type-999"


def test_every_kind_has_a_sentence_and_a_number_of_its_own():
    assert set(SENTENCES) == set(EventType)
    assert len({kind.sentence for kind in EventType}) == len(EventType)
    assert all(kind.sentence.endswith(".") and kind.slug.replace("-", "").isalpha() for kind in EventType)
