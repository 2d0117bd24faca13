"""The wrapped key: opens for its recording and camera only; pyhpke is the judge, in both directions."""

import secrets

import pytest
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from openbwv import recording as r
from tests.recording.factory import new_key, point

SUITE = CipherSuite.new(KEMId.DHKEM_P256_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
REC, KID, DEK = bytes(range(16)), bytes(range(32)), bytes(range(32, 64))


def info(rec_id=REC, kid=KID, dek=DEK):
    return r.cbor.encode(["openbwv/wrap/v1", rec_id, kid, r.dek_commitment(dek)])


@pytest.fixture
def epoch():
    return new_key()


def wrapped(epoch, dek=DEK):
    return r.wrap_dek(dek, epoch_id="2026-w47", epoch_public=point(epoch), rec_id=REC, kid=KID)


def unwrap(data, epoch, *, rec_id=REC, kid=KID, dek=DEK):
    return r.unwrap_dek(data, epoch_private=epoch, rec_id=rec_id, kid=kid, dc=r.dek_commitment(dek))


def test_pyhpke_opens_what_we_seal(epoch):
    sealed = r.read_key_cbor(wrapped(epoch))[0].sealed
    assert len(sealed) == 65 + 32 + 16
    context = SUITE.create_recipient_context(sealed[:65], KEMKey.from_pyca_cryptography_key(epoch), info=info())
    assert context.open(sealed[65:]) == DEK


def test_we_open_what_pyhpke_seals(epoch):
    public = KEMKey.from_pyca_cryptography_key(epoch.public_key())
    enc, context = SUITE.create_sender_context(public, info=info())
    assert unwrap(r.cbor.encode([{1: 1, 2: "2026-w47", 3: enc + context.seal(DEK)}]), epoch) == DEK


def test_a_wrap_moved_to_another_recording_or_camera_does_not_open(epoch):
    data = wrapped(epoch)
    for moved in ({"rec_id": bytes(16)}, {"kid": bytes(32)}, {"dek": bytes(32)}):
        with pytest.raises(r.WrapError):
            unwrap(data, epoch, **moved)
    with pytest.raises(r.WrapError):
        unwrap(data, new_key())


def test_a_wrap_of_another_key_than_open_commits_to_is_refused(epoch):
    enc, context = SUITE.create_sender_context(KEMKey.from_pyca_cryptography_key(epoch.public_key()), info=info())
    data = r.cbor.encode([{1: 1, 2: "e", 3: enc + context.seal(bytes(32))}])
    with pytest.raises(r.KeyMismatch):
        unwrap(data, epoch)


def test_another_suite_or_another_copy_before_ours_is_passed_over(epoch):
    ours = r.cbor.decode(wrapped(epoch))[0]
    data = r.cbor.encode([{1: 2, 2: "later", 3: b"x" * 1168}, {1: 1, 2: "other", 3: b"y" * 113}, ours | {64: "kept"}])
    assert unwrap(data, epoch) == DEK


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\xa0", b"\x81\xa0", r.cbor.encode([{1: 1, 2: "e", 3: b"", 9: 1}]), b"\x81"]
)
def test_a_damaged_key_file_is_one_kind_of_error(data):
    with pytest.raises(r.FormatError):
        r.read_key_cbor(data)


def test_every_bit_of_a_wrap_counts(epoch):
    data = bytearray(wrapped(epoch))
    for position in range(len(data)):
        data[position] ^= 1 << secrets.randbelow(8)
        try:
            unwrap(bytes(data), epoch)
        except r.BwvError:
            data = bytearray(wrapped(epoch))
            continue
        assert r.read_key_cbor(bytes(data))[0].epoch_id != "2026-w47", "only the epoch's name is a mere label"
        data = bytearray(wrapped(epoch))


def test_an_epoch_key_off_the_curve_is_refused(epoch):
    for bad in (b"", point(epoch)[:-1], b"\x04" + bytes(64), b"\x02" + point(epoch)[1:33]):
        with pytest.raises(r.WrongKey):
            r.wrap_dek(DEK, epoch_id="e", epoch_public=bad, rec_id=REC, kid=KID)
