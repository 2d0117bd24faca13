import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.shared import agency, enrolment
from openbwv.shared.clock import FixedClock


@pytest.fixture
def clock():
    return FixedClock(0)


@pytest.fixture
def book(clock):
    return enrolment.EnrolmentBook(dock_spki=b"dock key", random=os.urandom, mono_ns=clock.mono_ns)


def csr():
    return agency.make_csr(ec.generate_private_key(ec.SECP256R1()), "0417")


def test_both_sides_show_the_same_six_digits(book):
    request, nonce_c = csr(), os.urandom(32)
    session = book.commit(enrolment.commitment(request, nonce_c))
    book.open(session.session, csr_der=request, nonce_c=nonce_c, name="0417")
    assert session.code == enrolment.shown_code(request, b"dock key", nonce_c, session.nonce_d)
    assert len(session.code) == 6
    assert session.code.isdigit()
    assert [each.code for each in book.waiting()] == [session.code]
    assert book.take(session.session) is session
    with pytest.raises(enrolment.EnrolmentRefused):
        book.take(session.session)


def test_an_opening_that_does_not_match_ends_the_try(book):
    request, nonce_c = csr(), os.urandom(32)
    session = book.commit(enrolment.commitment(request, nonce_c))
    with pytest.raises(enrolment.EnrolmentRefused):
        book.open(session.session, csr_der=request, nonce_c=os.urandom(32), name="x")
    with pytest.raises(enrolment.EnrolmentRefused):
        book.open(session.session, csr_der=request, nonce_c=nonce_c, name="x")


def test_grinding_requests_after_the_opening_is_refused(book):
    """With only the nonce committed, another CSR could be tried until the digits fit; here none other opens."""
    request, nonce_c = csr(), os.urandom(32)
    session = book.commit(enrolment.commitment(request, nonce_c))
    with pytest.raises(enrolment.EnrolmentRefused):
        book.open(session.session, csr_der=csr(), nonce_c=nonce_c, name="x")


def test_a_try_lasts_two_minutes(book, clock):
    request, nonce_c = csr(), os.urandom(32)
    session = book.commit(enrolment.commitment(request, nonce_c))
    clock.advance(120_001)
    with pytest.raises(enrolment.EnrolmentRefused):
        book.open(session.session, csr_der=request, nonce_c=nonce_c, name="x")
    assert not book.has(session.session)


def test_an_opened_try_can_no_longer_be_confirmed_after_two_minutes(book, clock):
    request, nonce_c = csr(), os.urandom(32)
    session = book.commit(enrolment.commitment(request, nonce_c))
    book.open(session.session, csr_der=request, nonce_c=nonce_c, name="x")
    clock.advance(120_001)
    assert book.waiting() == []
    with pytest.raises(enrolment.EnrolmentRefused):
        book.take(session.session)


def test_open_tries_are_bounded(book):
    for _ in range(enrolment.MOST_SESSIONS):
        book.commit(os.urandom(32))
    with pytest.raises(enrolment.TooManyEnrolments):
        book.commit(os.urandom(32))


def test_a_damaged_request_ends_the_try(book):
    nonce_c = os.urandom(32)
    session = book.commit(enrolment.commitment(b"not a csr", nonce_c))
    with pytest.raises(agency.BadRequest):
        book.open(session.session, csr_der=b"not a csr", nonce_c=nonce_c, name="x")
    assert not book.has(session.session)
