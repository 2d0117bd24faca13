"""The key service: no key without a fresh leaf that names the recording, and none after its drop."""

import dataclasses
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.custody import EventType, ProofRejected, parse_vkey
from openbwv.custody.errors import CustodyError
from openbwv.recording import USE_CAMERA, USE_RECEIPT, BwvError, check_chain, derived_key, verify_es256
from openbwv.server.vault.keyd.errors import (
    DropRefused,
    KeyDestroyed,
    KeyDoesNotOpen,
    KeyUnknown,
    ReleaseRefused,
    RequestWrong,
    RotationRefused,
)
from openbwv.shared import agency
from openbwv.shared.clock import FixedClock
from tests.server.vault.force_fixture import SmallForce


@pytest.fixture
def force(tmp_path, monkeypatch):
    monkeypatch.setenv("BWV_CHECKPOINT_PLACE", str(tmp_path / "outside"))
    state = tmp_path / "state"
    state.mkdir()
    return SmallForce(state)


def release(force, wrap, one, shown):
    return force.ask("release", kek_id=wrap["kek_id"], blob=wrap["blob"], rec_id=one.rec_id, **vars(shown))["key"]


@pytest.mark.parametrize("kind", [EventType.VIEW, EventType.KEY_RELEASE])
def test_a_fresh_leaf_opens_the_recording(force, kind):
    one = force.record()
    wrap = force.rewrap(one)
    assert release(force, wrap, one, force.write(kind, one)) == one.dek


def test_the_key_of_what_was_derived_opens_no_footage(force):
    one = force.record()
    wrap = force.rewrap(one)
    asked = {"kek_id": wrap["kek_id"], "rec_id": one.rec_id}
    assert force.ask("release_derived", blob=wrap["derived_blob"], **asked)["key"] == derived_key(one.dek, one.rec_id)
    with pytest.raises(KeyDoesNotOpen):
        force.ask("release_derived", blob=wrap["blob"], **asked)


@pytest.mark.parametrize("kind", [each for each in EventType if each not in (EventType.VIEW, EventType.KEY_RELEASE)])
def test_no_other_kind_of_leaf_opens_it(force, kind):
    one = force.record()
    wrap = force.rewrap(one)
    with pytest.raises(ReleaseRefused):
        release(force, wrap, one, force.write(kind, one))


@pytest.mark.parametrize(
    "change", [{"outcome": "refused"}, {"outcome": "failed"}, {"outcome": None}, {"type": int(EventType.VIEWED)}]
)
def test_a_leaf_that_says_that_nothing_was_done_opens_and_drops_nothing(force, change):
    one = force.record()
    wrap = force.rewrap(one)
    with pytest.raises(ReleaseRefused):
        release(force, wrap, one, force.write(EventType.VIEW, one, **change))
    force.write(EventType.DELETE_PROPOSED, one)
    with pytest.raises(ReleaseRefused):
        force.ask("drop", rec_id=one.rec_id, **vars(force.write(EventType.DELETE_AUTHORISED, one, **change)))
    assert release(force, wrap, one, force.write(EventType.VIEW, one)) == one.dek


def test_a_leaf_about_another_recording_opens_nothing(force):
    one, other = force.record(), force.record()
    wrap = force.rewrap(one)
    shown = force.write(EventType.VIEW, other)
    with pytest.raises(ReleaseRefused):
        release(force, wrap, one, shown)
    forged = dataclasses.replace(shown, event=shown.event | {"rec": one.rec_id})
    with pytest.raises(ReleaseRefused):
        release(force, wrap, one, forged)


def test_the_leaf_of_watching_a_release_copy_does_not_open_the_original(force):
    one = force.record()
    wrap = force.rewrap(one)
    with pytest.raises(ReleaseRefused):
        release(force, wrap, one, force.write(EventType.VIEW, one, details={"copy": True, "release": 7}))


def test_without_a_leaf_in_the_log_nothing_opens(force):
    one = force.record()
    wrap = force.rewrap(one)
    good = force.write(EventType.VIEW, one)
    never_logged = force.write(EventType.VIEW, one, why="something else")
    for shown in (
        dataclasses.replace(good, proof=b""),
        dataclasses.replace(good, proof=never_logged.proof),
        dataclasses.replace(never_logged, proof=good.proof),
    ):
        with pytest.raises((ProofRejected, CustodyError)):
            release(force, wrap, one, shown)


def test_a_proof_of_another_log_opens_nothing(force, tmp_path, monkeypatch):
    monkeypatch.setenv("BWV_CHECKPOINT_PLACE", str(tmp_path / "outside-2"))
    folder = tmp_path / "forged"
    folder.mkdir()
    one = force.record()
    wrap = force.rewrap(one)
    forged = SmallForce(folder).write(EventType.VIEW, one)
    with pytest.raises(CustodyError):
        release(force, wrap, one, forged)


@pytest.mark.parametrize(("age_ms", "opens"), [(0, True), (600_000, True), (602_000, False), (86_400_000, False)])
def test_a_leaf_opens_for_ten_minutes(force, age_ms, opens):
    one = force.record()
    wrap = force.rewrap(one)
    shown = force.write(EventType.VIEW, one)
    force.clock.advance(age_ms)
    if opens:
        assert release(force, wrap, one, shown) == one.dek
    else:
        with pytest.raises(ReleaseRefused):
            release(force, wrap, one, shown)


def test_a_wrap_of_another_recording_or_damaged_opens_nothing(force):
    one, other = force.record(), force.record()
    wrap, foreign = force.rewrap(one), force.rewrap(other)
    shown = force.write(EventType.VIEW, one)
    for blob in (foreign["blob"], wrap["blob"][:-1] + b"\x00\x00", b"", wrap["derived_blob"]):
        with pytest.raises(KeyDoesNotOpen):
            release(force, wrap | {"blob": blob}, one, shown)
    with pytest.raises(KeyUnknown):
        release(force, wrap | {"kek_id": "k0-00"}, one, shown)


@pytest.mark.parametrize("changed", ["key_cbor", "rec_id", "kid", "dc"])
def test_a_camera_wrap_that_is_not_this_recordings_is_refused(force, changed):
    one, other = force.record(), force.record()
    asked = {"key_cbor": one.key_cbor, "rec_id": one.rec_id, "kid": one.kid, "dc": one.dc}
    asked[changed] = getattr(other, changed)
    with pytest.raises(KeyDoesNotOpen):
        force.ask("rewrap", **asked)
    assert force.ask("public")["live"] == 0


def test_a_camera_wrap_of_an_older_epoch_opens(force):
    one = force.record()
    force.ask("new_epoch")
    wrap = force.rewrap(one)
    assert release(force, wrap, one, force.write(EventType.VIEW, one)) == one.dek


def test_a_destroyed_epoch_opens_nothing_and_the_current_one_stays(force):
    one = force.record()
    old = force.ask("public")["epoch"]["id"]
    with pytest.raises(RotationRefused):
        force.ask("destroy_epoch", epoch_id=old)
    force.ask("new_epoch")
    force.ask("destroy_epoch", epoch_id=old)
    with pytest.raises(KeyDestroyed):
        force.rewrap(one)


WAIT_MS = 72 * 3_600_000


def authorise(force, one, *before, wait_ms=WAIT_MS):
    force.write(EventType.DELETE_PROPOSED, one)
    for kind in before:
        force.write(kind, one)
    force.clock.advance(wait_ms)
    return force.write(EventType.DELETE_AUTHORISED, one)


def drop(force, one, shown):
    return force.ask("drop", rec_id=one.rec_id, **vars(shown))


def test_a_dropped_key_stays_dropped_after_a_restart_and_from_a_backup(force):
    one = force.record()
    wrap = force.rewrap(one)
    drop(force, one, authorise(force, one))
    view = force.write(EventType.VIEW, one)
    for _ in range(2):
        with pytest.raises(KeyDestroyed):
            release(force, wrap, one, view)
        with pytest.raises(KeyDestroyed):
            force.rewrap(one)
        with pytest.raises(KeyDestroyed):
            force.ask("release_derived", kek_id=wrap["kek_id"], blob=wrap["derived_blob"], rec_id=one.rec_id)
        with pytest.raises(KeyDestroyed):
            force.ask("wrap_anew", entries=[[one.rec_id, wrap["kek_id"], wrap["blob"], wrap["derived_blob"]]])
        force.restart()


def test_dropping_twice_is_harmless(force):
    one = force.record()
    force.rewrap(one)
    shown = authorise(force, one)
    assert drop(force, one, shown) == drop(force, one, shown)


def test_a_hold_between_proposal_and_authorisation_keeps_the_key(force):
    one = force.record()
    force.rewrap(one)
    with pytest.raises(DropRefused):
        drop(force, one, authorise(force, one, EventType.HOLD))
    with pytest.raises(DropRefused):
        drop(force, one, authorise(force, one, EventType.HOLD, EventType.UNHOLD))


def test_a_hold_after_the_authorisation_keeps_the_key(force):
    one = force.record()
    wrap = force.rewrap(one)
    shown = authorise(force, one)
    force.write(EventType.HOLD, one)
    with pytest.raises(DropRefused):
        drop(force, one, shown)
    assert release(force, wrap, one, force.write(EventType.VIEW, one)) == one.dek


def test_after_a_released_hold_a_new_proposal_is_needed(force):
    one = force.record()
    force.rewrap(one)
    old = authorise(force, one, EventType.HOLD, EventType.UNHOLD)
    with pytest.raises(DropRefused):
        drop(force, one, old)
    drop(force, one, authorise(force, one))


def test_a_cancelled_deletion_keeps_the_key(force):
    one = force.record()
    force.rewrap(one)
    shown = authorise(force, one)
    force.write(EventType.DELETE_CANCELLED, one)
    with pytest.raises(DropRefused):
        drop(force, one, shown)


def test_nothing_but_an_authorisation_after_a_proposal_drops_a_key(force):
    one = force.record()
    force.rewrap(one)
    with pytest.raises(DropRefused):
        drop(force, one, force.write(EventType.DELETE_AUTHORISED, one))
    with pytest.raises(ReleaseRefused):
        drop(force, one, force.write(EventType.DELETE_PROPOSED, one))
    old = authorise(force, one)
    force.write(EventType.DELETE_PROPOSED, one)
    force.clock.advance(WAIT_MS)
    with pytest.raises(DropRefused):
        drop(force, one, old)


def test_the_wait_of_72_hours_is_counted_by_the_key_service_itself(force):
    one = force.record()
    wrap = force.rewrap(one)
    early = authorise(force, one, wait_ms=WAIT_MS - 1000)
    with pytest.raises(DropRefused, match="72 hours"):
        drop(force, one, early)
    force.clock.advance(WAIT_MS)  # waiting afterwards does not make an early authorisation a good one
    force.restart()
    with pytest.raises(DropRefused, match="authorised before"):
        drop(force, one, early)
    assert release(force, wrap, one, force.write(EventType.VIEW, one)) == one.dek


def test_leaves_with_times_ahead_of_the_clock_drop_nothing(force):
    one = force.record()
    force.rewrap(one)
    shown = authorise(force, one)
    right = force.clock.utc_ms()
    for now_ms, problem in ((right - 1000, "by this clock"), (right, None)):
        force.clock = FixedClock(now_ms)
        force.restart()
        if problem:
            with pytest.raises(DropRefused, match=problem):
                drop(force, one, shown)
        else:
            drop(force, one, shown)


def test_holds_on_other_recordings_do_not_matter(force):
    one, other = force.record(), force.record()
    force.rewrap(one)
    shown = authorise(force, one)
    force.write(EventType.HOLD, other)
    assert "error" not in drop(force, one, shown)


def test_a_log_whose_hold_was_left_out_of_the_files_drops_nothing(force):
    """The files must lead to the signed root: leaving out or changing an entry is noticed, not believed."""
    one = force.record()
    force.rewrap(one)
    shown = authorise(force, one)
    force.write(EventType.HOLD, one)
    bundle = next((force.state / "log" / "tile" / "entries").rglob("000.p/3"))
    data = bundle.read_bytes()
    length = int.from_bytes(data[:2], "big")
    bundle.chmod(0o600)
    bundle.write_bytes(data[: 2 * (length + 2)] + data[: length + 2])  # the last entry replaced by the first
    with pytest.raises(BwvError):
        drop(force, one, shown)
    assert one.rec_id in force.operations._ledger.live


def row(one, wrap):
    return [one.rec_id, wrap["kek_id"], wrap["blob"], wrap["derived_blob"]]


def test_a_rotation_keeps_every_live_key_and_kills_the_old_one(force):
    kept, gone = [force.record() for _ in range(3)], force.record()
    wraps = [force.rewrap(each) for each in kept]
    gone_wrap = force.rewrap(gone)
    drop(force, gone, authorise(force, gone))
    old = wraps[0]["kek_id"]
    force.ask("new_kek")
    anew = force.ask("wrap_anew", entries=[row(*pair) for pair in zip(kept, wraps, strict=True)])["wraps"]
    force.ask("confirm", leaving=old, entries=[row(*pair) for pair in zip(kept, anew, strict=True)])
    force.ask("destroy_kek", kek_id=old)
    force.restart()
    for one, wrap in zip(kept, anew, strict=True):
        assert release(force, wrap, one, force.write(EventType.VIEW, one)) == one.dek
    for one, wrap in ((kept[0], wraps[0]), (gone, gone_wrap)):
        with pytest.raises(KeyDestroyed):
            release(force, wrap, one, force.write(EventType.VIEW, one))


def test_the_old_key_is_kept_while_one_recording_is_not_under_the_new_one(force):
    one, forgotten = force.record(), force.record()
    wrap, _ = force.rewrap(one), force.rewrap(forgotten)
    with pytest.raises(RotationRefused):
        force.ask("destroy_kek", kek_id=wrap["kek_id"])
    force.ask("new_kek")
    anew = force.ask("wrap_anew", entries=[row(one, wrap)])["wraps"][0]
    with pytest.raises(RotationRefused):
        force.ask("confirm", leaving=wrap["kek_id"], entries=[row(one, wrap)])
    force.ask("confirm", leaving=wrap["kek_id"], entries=[row(one, anew)])
    with pytest.raises(RotationRefused):
        force.ask("destroy_kek", kek_id=wrap["kek_id"])


def test_signatures_are_for_their_own_use(force):
    public = force.ask("public")
    for use in ("receipt", "records", "export", "fleet"):
        facts = check_chain(
            [public["certificates"][use], public["certificates"]["agency"]], use=agency.Profile[use.upper()].use
        )
        verify_es256(facts.public_key, force.ask("sign", key=use, message=b"message")["signature"], b"message")
    with pytest.raises(BwvError):
        check_chain([public["certificates"]["fleet"], public["certificates"]["agency"]], use=USE_RECEIPT)
    with pytest.raises(KeyUnknown):
        force.ask("sign", key="agency", message=b"message")


def test_the_log_key_signs_nothing_but_checkpoints(force):
    origin = parse_vkey(force.ring.vkey).name
    assert len(force.ask("sign", key="log", message=f"{origin}\n5\nroot\n".encode())["signature"]) == 64
    for message in (b"", b"other/log\n5\nroot\n", origin.encode()):
        with pytest.raises(ReleaseRefused):
            force.ask("sign", key="log", message=message)


def test_certificates_are_issued_to_cameras_and_docks_alone(force):
    key = ec.generate_private_key(ec.SECP256R1())
    csr = agency.make_csr(key, "anything")
    der = force.ask("issue", csr=csr, profile="camera", name="0417", hosts=[])["certificate"]
    facts = check_chain([der, force.ask("public")["certificates"]["agency"]], use=USE_CAMERA)
    assert facts.san_uri == "urn:bwv:camera:0417"
    for profile in ("receipt", "log", "door", "agency", ""):
        with pytest.raises(RequestWrong):
            force.ask("issue", csr=csr, profile=profile, name="x", hosts=[])


def test_nonsense_is_answered_and_not_obeyed(force):
    for request in ({}, {"op": "perform"}, {"op": "sign"}, {"op": "release", "kek_id": "k"}, {"op": "__init__"}):
        with pytest.raises(RequestWrong):
            force.operations.perform(dict(request))
    with pytest.raises(RequestWrong):
        force.ask("wrap_anew", entries=[[secrets.token_bytes(16)]] * 10_001)
