"""A camera whose certificate was revoked: before the signed time nobody vouches; after it the answer stands."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from openbwv import recording as r
from openbwv.shared.agency import make_crl
from tests.recording.factory import NOW_MS, Agency, read_all
from tests.verify.bundle_factory import Force
from tests.verify.conftest import codes, unseen

SIGNED = datetime.fromtimestamp(NOW_MS / 1000, UTC)  # or some minutes later
DAY = timedelta(days=1)


@pytest.fixture
def force():
    return Force()


def crl(agency, *revoked, number=1):
    """Return a list by `agency` of (camera, since when)."""
    root = x509.load_der_x509_certificate(agency.root)
    rows = [(x509.load_der_x509_certificate(camera.chain[0]).serial_number, since) for camera, since in revoked]
    return make_crl(agency_key=agency.key, agency=root, revoked=rows, number=number, now_ms=NOW_MS)


def bundle_with(force, folder, pem):
    return force.bundle(folder, spoil=lambda data: (data / "revocations.pem").write_bytes(pem))


def test_revoked_before_the_signed_time_nobody_vouches(force, judge, tmp_path):
    since = SIGNED - DAY
    code, shown = judge(bundle_with(force, tmp_path / "b", crl(force.agency, (force.camera, since))), force.agency)
    assert (code, shown["verdict"], shown["signer"]) == (2, "cannot-tell", "unknown")
    (reason,) = shown["reasons"]
    assert reason["code"] == "signer-revoked"
    assert f"revoked on {since:%Y-%m-%d %H:%M} UTC" in reason["what"]
    assert f"before this recording's signed time, {SIGNED:%Y-%m-%d}" in reason["what"]
    assert "revocation" not in unseen(shown)


def test_the_second_of_the_revocation_itself_is_too_late(force, judge, tmp_path):
    rec = force.camera.record()
    rec.write(tmp_path / "one")
    opened = datetime.fromtimestamp(read_all(rec.manifest)[0].open_body.clock.utc_ms // 1000, UTC)
    for since, wanted in ((opened, 2), (opened + timedelta(seconds=1), 0)):
        pem = crl(force.agency, (force.camera, since))
        assert judge(tmp_path / "one", force.agency, revocations=pem)[0] == wanted


def test_revoked_after_the_signed_time_the_answer_stands_and_says_so(force, judge, tmp_path):
    pem = crl(force.agency, (force.camera, SIGNED + DAY))
    code, shown = judge(bundle_with(force, tmp_path / "b", pem), force.agency)
    assert (code, shown["verdict"], shown["signer"], shown["reasons"]) == (0, "genuine", "trusted", [])
    (note,) = [each for each in shown["not_checked"] if each["code"] == "revoked-later"]
    assert "after this recording's signed time" in note["what"]
    assert "revocation" not in unseen(shown)


def test_a_camera_that_is_not_on_the_list_was_not_revoked_by_its_date(force, judge, tmp_path):
    other = force.agency.camera("0418")
    pem = crl(force.agency, (other, SIGNED - DAY), number=7)
    code, shown = judge(bundle_with(force, tmp_path / "b", pem), force.agency)
    assert (code, shown["signer"]) == (0, "trusted")
    assert "revocation" not in unseen(shown)
    assert any("had not revoked" in line and "list 7" in line for line in shown["proves"])


def test_the_newest_list_counts_wherever_it_lies(force, judge, tmp_path):
    """The bundle's list is older than the revocation; the one beside the trust file knows of it, and the other way."""
    before = crl(force.agency, number=1)
    after = crl(force.agency, (force.camera, SIGNED - DAY), number=2)
    for number, (brought, beside, wanted) in enumerate([(before, after, 2), (after, before, 2), (before, before, 0)]):
        bundle = bundle_with(force, tmp_path / str(number), brought)
        assert judge(bundle, force.agency, revocations=beside)[0] == wanted


def test_a_list_that_the_agency_did_not_sign_counts_for_nothing(force, judge, tmp_path):
    forger = Agency()  # of the same name
    rows = crl(force.agency, (force.camera, SIGNED - DAY))
    damaged = rows.replace(b"\n", b"\nAAAA", 1)
    for number, pem in enumerate([crl(forger, (force.camera, SIGNED - DAY)), damaged, b"", b"no list"]):
        code, shown = judge(bundle_with(force, tmp_path / str(number), pem), force.agency)
        assert (code, shown["signer"]) == (0, "trusted")
        assert "revocation" in unseen(shown)


def test_without_a_trust_file_no_list_counts(force, judge, tmp_path):
    code, shown = judge(bundle_with(force, tmp_path / "b", crl(force.agency, (force.camera, SIGNED - DAY))))
    assert (code, codes(shown)) == (2, {"signer-not-checked"})
    assert "revocation" in unseen(shown)


def test_one_recording_and_a_store_are_judged_by_the_list_beside_the_trust_file(force, judge, tmp_path):
    pem = crl(force.agency, (force.camera, SIGNED - DAY))
    force.camera.record().write(tmp_path / "store" / "one")
    for path in (tmp_path / "store" / "one", tmp_path / "store"):
        code, shown = judge(path, force.agency, revocations=pem)
        assert (code, codes(shown), shown["signer"]) == (2, {"signer-revoked"}, "unknown")


def test_a_clock_that_was_not_set_cannot_say_that_it_was_before(force, judge, tmp_path):
    pem = crl(force.agency, (force.camera, SIGNED + DAY))
    clock = r.ClockState(NOW_MS, 0, r.ClockSource.NONE)
    force.camera.record(clock=clock).write(tmp_path / "one")
    code, shown = judge(tmp_path / "one", force.agency, revocations=pem)
    assert (code, shown["signer"]) == (2, "unknown")
    assert any("clock was not set" in reason["what"] for reason in shown["reasons"])


def test_what_was_changed_stays_changed(force, judge, tmp_path):
    force.camera.record().write(tmp_path / "one")
    media = tmp_path / "one" / "media.bin"
    media.write_bytes(media.read_bytes()[:-1] + b"x")
    pem = crl(force.agency, (force.camera, SIGNED - DAY))
    code, shown = judge(tmp_path / "one", force.agency, revocations=pem)
    assert (code, shown["verdict"]) == (1, "changed")
