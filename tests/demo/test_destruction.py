"""The demo's judge of destruction certificates believes a true one and nothing else."""

import cbor2
import pytest

from openbwv import recording as r
from openbwv.demo.destruction import SIGNATURE_WRONG, Said, objection, said_by
from tests.recording.factory import NOW_MS, Agency

AGENCY = Agency()
AT_S = NOW_MS // 1000 + 60
H, I16 = bytes(range(32)), bytes(range(16))
BODY = r.DestructionCertificate(
    I16, I16, 2, H, 12, H, 10**6, "policy 3", NOW_MS, 70, ("policy 3",), (r.ErasedObject("vault", H, 1, NOW_MS),),
    "kek-9", r.LeafIndexes(1, 2, 3, 4), NOW_MS, NOW_MS + 1,
)  # fmt: skip


def signed(body=BODY, use=r.USE_RECORDS):
    signer, chain = AGENCY.signer(use)
    return body.encode(signer, chain)


@pytest.fixture(scope="module")
def trust(tmp_path_factory):
    return AGENCY.write_trust(tmp_path_factory.mktemp("trust") / "trust.pem")


def test_a_true_one_is_believed_and_says_its_dates(trust):
    message = signed()
    assert objection(message, trust, at_s=AT_S) == ""
    assert said_by(message) == Said(I16.hex(), 2, NOW_MS, NOW_MS + 1)


@pytest.mark.parametrize("part", [2, 3], ids=["payload", "signature"])
def test_one_changed_bit_is_not_believed(trust, part):
    message = bytearray(signed())
    inside = cbor2.loads(bytes(message)).value[part]
    message[message.index(inside) + len(inside) // 2] ^= 0x01
    assert objection(bytes(message), trust, at_s=AT_S) == SIGNATURE_WRONG


def test_another_force_s_is_not_believed(tmp_path):
    stranger = Agency().write_trust(tmp_path / "trust.pem")
    assert "trust file" in objection(signed(), stranger, at_s=AT_S)


def test_a_camera_s_signature_under_one_is_not_believed(trust):
    assert "something else" in objection(signed(use=r.USE_CAMERA), trust, at_s=AT_S)


def test_another_records_key_s_chain_is_not_believed(trust):
    protected, _, payload, signature = cbor2.loads(signed()).value
    _, chain = AGENCY.signer(r.USE_RECORDS)
    message = cbor2.dumps(cbor2.CBORTag(18, [protected, {33: chain}, payload, signature]))
    assert "another signer" in objection(message, trust, at_s=AT_S)


def test_another_kind_of_message_and_no_message_are_not_believed(trust):
    receipt = signed(r.CustodyReceipt(I16, H, 12, H, NOW_MS, "Lewisham 2"))
    assert "not a destruction certificate" in objection(receipt, trust, at_s=AT_S)
    for data in (b"", b"\x00", signed()[:-1], cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"", b""]))):
        assert "no COSE_Sign1" in objection(data, trust, at_s=AT_S)
