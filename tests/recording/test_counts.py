"""Of two count statements the later one is told from the numbers alone; what cannot be ordered is a contradiction."""

from dataclasses import replace

import pytest

from openbwv import recording as r
from openbwv.recording import cbor
from tests.recording.factory import NOW_MS, Agency

AGENCY = Agency()
CLOCK = r.ClockState(NOW_MS, 40, r.ClockSource.DOCK, NOW_MS)
ONE = r.CountStatement(3, 13, CLOCK, b"j" * 16, 70, b"t" * 32)


@pytest.mark.parametrize(
    "changes",
    [
        {"next_rc": 14},
        {"journal_next_seq": 71, "journal_tail": b"u" * 32},
        {"starts": 4, "journal_next_seq": 75},
        {"starts": 4, "journal_id": b"k" * 16, "journal_next_seq": 2},
        {"clock": r.ClockState(1, 0, r.ClockSource.NONE)},
    ],
)
def test_what_counts_nothing_lower_was_made_later_and_the_older_one_changes_nothing(changes):
    later = replace(ONE, **changes)
    assert later.after(ONE)
    assert ONE.after(later) == (set(changes) == {"clock"})  # the time that a camera says decides nothing
    assert not later.contradicts(ONE)


@pytest.mark.parametrize(
    "changes",
    [
        {"starts": 4, "next_rc": 12, "journal_next_seq": 80},
        {"journal_next_seq": 71, "next_rc": 12},
        {"starts": 2, "next_rc": 14},
        {"journal_tail": b"u" * 32},
        {"starts": 4, "journal_next_seq": 69},
        {"journal_id": b"k" * 16, "journal_next_seq": 99},
    ],
)
def test_what_one_camera_cannot_have_counted_in_any_order_is_a_contradiction(changes):
    other = replace(ONE, **changes)
    assert other.contradicts(ONE)
    assert ONE.contradicts(other)


def test_lowering_everything_is_no_more_than_an_old_statement():
    old = replace(ONE, starts=1, next_rc=2, journal_next_seq=5, journal_tail=b"o" * 32)
    assert ONE.after(old)
    assert not old.after(ONE)
    assert not old.contradicts(ONE)


@pytest.mark.parametrize(
    "changes",
    [
        {3: b"short"},
        {8: [-1]},
        {8: [True]},
        {8: [2**63]},
        {8: [1] * 10_001},
        {9: [1]},
        {9: [1, 2, 99, 4]},
        {10: ["o", 1, b"r", b""]},
    ],
)
def test_a_statement_of_another_shape_is_refused(changes):
    signer, chain = AGENCY.signer(r.USE_CAMERA)
    payload = cbor.encode(ONE.to_map() | changes)
    data = r.sign1(payload, typ="application/vnd.openbwv.counts+cbor", signer=signer, x5chain=list(chain))
    with pytest.raises(r.FormatError):
        r.CountStatement.decode(data)


def test_a_dock_cannot_sign_one():
    signer, chain = AGENCY.signer(r.USE_DOCK)
    with pytest.raises(r.CertificateError):
        r.CountStatement.decode(ONE.encode(signer, chain))
