"""Messages: both ways, by the right key for the right use, under the right agency, and not one bit otherwise."""

import dataclasses

import cwt
import pytest
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import CoseMessage

from openbwv import recording as r
from openbwv.recording.messages import Message
from tests.recording.factory import NOW_MS, Agency, malleate, new_key, point

AGENCY = Agency()
H, I16 = bytes(range(32)), bytes(range(16))
ROW = r.InventoryRow(I16, 7, 12, H, True, False)
MESSAGES: dict[str, tuple[Message, object]] = {
    "inventory": (r.Inventory(H, "door-1", 3, 8, (ROW, ROW._replace(closed=False)), 77), r.USE_CAMERA),
    "inventory of a dock": (r.Inventory(H, "door-1", 3, 0), r.USE_DOCK),
    "receipt": (
        r.EvidenceReceipt(I16, H, 12, H, 10**12, H, NOW_MS, 1, "force-1", b"leaf", b"event", H, b"proof", 5, H),
        r.USE_RECEIPT,
    ),
    "custody receipt": (r.CustodyReceipt(I16, H, 12, H, NOW_MS, "Lewisham 2"), r.USE_DOCK),
    "assignment": (r.Assignment(I16, H, NOW_MS, NOW_MS + 1, r.Kind.UNIT), r.USE_FLEET),
    "epoch key": (r.EpochKey("2026-w47", point(new_key()), NOW_MS), r.USE_FLEET),
    "tombstone": (r.Wiped(I16, 7, 12, H, H, NOW_MS), r.USE_CAMERA),
    "destruction": (
        r.DestructionCertificate(
            I16, I16, 2, H, 12, H, 10**12, "policy 3", NOW_MS, 70, ("policy 3: Indra, Lou",),
            (r.ErasedObject("vault", H, 1, NOW_MS),), "kek-9", r.LeafIndexes(1, 2, 3, 4), NOW_MS, NOW_MS + 1,
            ("export 5",), ("copies of the keyring kept elsewhere",),
        ),
        r.USE_RECORDS,
    ),
    "counts": (
        r.CountStatement(
            3, 13, r.ClockState(NOW_MS, 40, r.ClockSource.DOCK, NOW_MS), I16, 70, H, I16, H, (12, 10**6),
            r.Anchor("force.example/log", 7, H, H),
        ),
        r.USE_CAMERA,
    ),
    "first counts": (r.CountStatement(1, 1, r.ClockState(NOW_MS, 0, r.ClockSource.NONE)), r.USE_CAMERA),
    "bundle": (r.BundleSeal(I16, H, H, NOW_MS, True, "Casey"), r.USE_EXPORT),
}  # fmt: skip


@pytest.fixture(params=MESSAGES)
def signed(request):
    message, use = MESSAGES[request.param]
    signer, chain = AGENCY.signer(use)
    return message, message.encode(signer, chain), signer


def test_a_message_reads_back(signed):
    message, data, signer = signed
    received = type(message).decode(data, trust=AGENCY.trust, at_utc_ms=NOW_MS + 1)
    assert received.body == message
    assert received.kid == signer.kid == received.chain.kid


def test_cwt_and_pycose_verify_it(signed):
    _, data, signer = signed
    numbers = r.load_public(signer.public_der).public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    message = CoseMessage.decode(data)
    message.key = EC2Key(crv=P256, x=x, y=y)
    assert message.verify_signature()
    key = cwt.COSEKey.new({1: 2, 2: signer.kid, 3: -7, -1: 1, -2: x, -3: y, 4: [2]})
    assert cwt.COSE.new().decode(data, key) == message.payload


def test_the_same_message_in_another_spelling_of_its_signature_is_the_same(signed):
    message, data, _ = signed
    assert type(message).decode(malleate(data)).signed.sha256 == type(message).decode(data).signed.sha256


def test_no_byte_of_a_message_can_be_changed(signed):
    message, data, _ = signed
    for position in range(0, len(data), 3):
        changed = data[:position] + bytes([data[position] ^ 0x04]) + data[position + 1 :]
        with pytest.raises(r.BwvError):
            type(message).decode(changed, trust=AGENCY.trust)


def test_a_message_of_one_kind_is_not_another(signed):
    message, data, _ = signed
    for other, _ in MESSAGES.values():
        if type(other) is not type(message):
            with pytest.raises(r.FormatError):
                type(other).decode(data)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_key_for_another_use_cannot_sign_it(name):
    message, _ = MESSAGES[name]
    for use in {use for _, use in MESSAGES.values()} - set(message.uses):
        signer, chain = AGENCY.signer(use)
        with pytest.raises(r.CertificateError):
            type(message).decode(message.encode(signer, chain))


@pytest.mark.parametrize("name", ["Thornbury Police", "Elsewhere Police"])
def test_another_agencys_message_is_refused_where_trust_is_asked_for(name, signed):
    message = signed[0]
    signer, chain = Agency(name).signer(message.uses[0])
    data = message.encode(signer, chain)
    type(message).decode(data)
    with pytest.raises(r.SignerNotTrusted):
        type(message).decode(data, trust=AGENCY.trust)


def test_a_chain_of_another_key_is_refused(signed):
    message = signed[0]
    signer, _ = AGENCY.signer(message.uses[0])
    with pytest.raises(r.WrongKey):
        type(message).decode(message.encode(signer, AGENCY.signer(message.uses[0])[1]))


def test_an_expired_signer_is_refused_when_the_time_is_known(signed):
    message, data, _ = signed
    with pytest.raises(r.CertificateError) as caught:
        type(message).decode(data, at_utc_ms=NOW_MS + 500 * 86_400_000)
    assert caught.value.code == "certificate-dates"


def test_unknown_keys_from_64_up_are_ignored_and_others_refused(signed):
    message, _, _ = signed
    signer, chain = AGENCY.signer(message.uses[0])
    for key, fine in ((64, True), (63, False)):
        payload = r.cbor.encode(message.to_map() | {key: "more"})
        data = r.sign1(payload, typ=f"application/vnd.openbwv.{message.typ}", signer=signer, x5chain=chain)
        if fine:
            assert type(message).decode(data).body == message
        else:
            with pytest.raises(r.FormatError):
                type(message).decode(data)


def test_every_field_is_needed_and_typed(signed):
    message, _, _ = signed
    signer, chain = AGENCY.signer(message.uses[0])
    for key in message.to_map():
        for spoilt in ({k: v for k, v in message.to_map().items() if k != key}, message.to_map() | {key: {1: 1}}):
            data = r.sign1(
                r.cbor.encode(spoilt), typ=f"application/vnd.openbwv.{message.typ}", signer=signer, x5chain=chain
            )
            with pytest.raises(r.FormatError):
                type(message).decode(data)


def test_every_field_is_carried(signed):
    """Changing any field changes the bytes that are signed."""
    message = signed[0]
    seen = {r.cbor.encode(message.to_map())}
    for field in dataclasses.fields(message):
        value = getattr(message, field.name)
        other = {int: lambda v: v + 1, str: lambda v: v + "x", bytes: lambda v: v + b"x", bool: lambda v: not v}
        change = other.get(type(value), lambda v: v[:-1] if isinstance(v, tuple) and v else r.Kind.PERSON)
        if hasattr(value, "_replace"):
            change = _other_row
        if value in ((), None):
            continue
        seen.add(r.cbor.encode(dataclasses.replace(message, **{field.name: change(value)}).to_map()))
    assert len(seen) == 1 + sum(getattr(message, field.name) not in ((), None) for field in dataclasses.fields(message))


def _other_row(row):
    """Change the first number or text of a clock or checkpoint."""
    name, value = next((name, value) for name, value in row._asdict().items())
    return row._replace(**{name: value + 1 if isinstance(value, int) else value + "x"})
