"""Signatures, judged by python-cwt, pycose and the OpenSSL command line; and what must not verify."""

import hashlib
import subprocess

import cwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import CoseMessage

from openbwv import recording as r
from tests.recording.factory import Agency, malleate, new_key


@pytest.fixture(scope="module")
def camera():
    return Agency().camera()


@pytest.fixture(scope="module")
def entries(camera):
    return camera.record().entries


def coordinates(camera):
    numbers = camera.key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")


def test_pycose_verifies_every_entry_and_refuses_an_altered_one(camera, entries):
    x, y = coordinates(camera)
    for entry in entries:
        message = CoseMessage.decode(entry)
        message.key = EC2Key(crv=P256, x=x, y=y)
        assert message.verify_signature()
        message.payload = message.payload[:-1] + bytes([message.payload[-1] ^ 1])
        assert not message.verify_signature()


def test_cwt_verifies_every_entry_and_refuses_an_altered_one(camera, entries):
    x, y = coordinates(camera)
    key = cwt.COSEKey.new({1: 2, 2: camera.signer.kid, 3: -7, -1: 1, -2: x, -3: y, 4: [2]})
    for entry in entries:
        assert cwt.COSE.new().decode(entry, key) == r.parse_entry(entry).signed.payload
        with pytest.raises(cwt.VerifyError):
            cwt.COSE.new().decode(entry[:-1] + bytes([entry[-1] ^ 1]), key)


def test_openssl_verifies_the_rebuilt_sig_structure(camera, entries, tmp_path):
    public = tmp_path / "key.pem"
    public.write_bytes(camera.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for entry in entries:
        signed = r.parse_entry(entry).signed
        halves = int.from_bytes(signed.signature[:32], "big"), int.from_bytes(signed.signature[32:], "big")
        (tmp_path / "sig").write_bytes(encode_dss_signature(*halves))
        for data, says in (
            (signed.sig_structure, "Verified OK"),
            (signed.sig_structure + b"x", "Verification failure"),
        ):
            (tmp_path / "data").write_bytes(data)
            command = [
                "openssl",
                "dgst",
                "-sha256",
                "-verify",
                public,
                "-signature",
                tmp_path / "sig",
                tmp_path / "data",
            ]
            assert says in subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_openssl_finds_the_kid_we_put_in(camera):
    spki = camera.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=spki, capture_output=True, check=True)
    assert digest.stdout == camera.signer.kid


def test_openssl_verifies_the_certificate_chain(camera, tmp_path):
    names = []
    for name, der in zip(("leaf", "root"), camera.chain, strict=True):
        (tmp_path / f"{name}.pem").write_bytes(r.to_pem([der]))
        names.append(tmp_path / f"{name}.pem")
    command = ["openssl", "verify", "-no_check_time", "-x509_strict", "-CAfile", names[1], names[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("OK"), done.stderr


def test_a_malleated_entry_is_the_same_entry(camera, entries):
    for entry in entries:
        twin = malleate(entry)
        assert twin != entry
        one, other = r.parse_entry(entry), r.parse_entry(twin)
        key = camera.key.public_key()
        assert r.open1(twin, typ=one.signed.typ, public_key=key).sha256 == one.sig_structure_sha256
        assert hashlib.sha256(twin).digest() != hashlib.sha256(entry).digest()
        assert not r.is_equivocation(one, other)


@pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64, bytes(63), b"\x00" * 32 + b"\x01" * 32])
def test_degenerate_signatures_do_not_hold(camera, signature):
    with pytest.raises(r.SignatureWrong):
        r.verify_es256(camera.key.public_key(), signature, b"data")


def test_a_message_of_one_kind_is_not_one_of_another(camera):
    message = r.sign1(b"\xa0", typ="application/vnd.openbwv.a+cbor", signer=camera.signer)
    with pytest.raises(r.FormatError) as caught:
        r.open1(message, typ="application/vnd.openbwv.b+cbor", public_key=camera.signer.public_der)
    assert caught.value.code == "wrong-type"


def test_another_key_is_named_as_such(camera):
    message = r.sign1(b"\xa0", typ="t", signer=camera.signer)
    with pytest.raises(r.WrongKey):
        r.open1(message, typ="t", public_key=new_key().public_key())


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_keys_on_other_curves_are_refused(curve):
    spki = ec.generate_private_key(curve).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(r.WrongKey):
        r.load_public(spki)


def envelope(camera, *, protected=None, unprotected=None, payload=b"\xa0", signature=None, extra=()):
    head = r.cbor.encode({1: -7, 4: camera.signer.kid, 16: "t"}) if protected is None else protected
    signature = camera.signer.sign(r.sig_structure(head, payload)) if signature is None else signature
    return b"\xd2" + r.cbor.encode([head, {} if unprotected is None else unprotected, payload, signature, *extra])


@pytest.mark.parametrize(
    "change",
    [
        {"protected": r.cbor.encode({1: -7, 4: bytes(32), 16: "t", 17: 1})},
        {"protected": r.cbor.encode({1: -8, 4: bytes(32), 16: "t"})},
        {"protected": r.cbor.encode({1: -7, 4: bytes(8), 16: "t"})},
        {"protected": bytes.fromhex("a30126045820") + bytes(32) + bytes.fromhex("106174")},
        {"protected": bytes.fromhex("a3045820") + bytes(32) + bytes.fromhex("0126106174")},
        {"protected": b""},
        {"unprotected": {4: b"kid"}},
        {"unprotected": {33: b"one certificate"}},
        {"unprotected": {33: [b"one"]}},
        {"unprotected": {33: [b"a", b"b"], 34: 1}},
        {"unprotected": {33: [b"x"] * 7}},
        {"unprotected": {33: ["text", b"b"]}},
        {"signature": bytes(63)},
        {"signature": "text"},
        {"extra": (1,)},
    ],
)
def test_any_other_envelope_is_refused(camera, change):
    with pytest.raises(r.FormatError):
        r.open1(envelope(camera, **change), typ="t", public_key=camera.key.public_key())


def test_the_envelope_is_deterministic_too(camera):
    good = envelope(camera)
    assert r.open1(good, typ="t", public_key=camera.key.public_key()).payload == b"\xa0"
    for bad in (b"\xd8\x12" + good[1:], b"\xd2\x98\x04" + good[2:], good + b"\x00", good[1:], b"\xd3" + good[1:]):
        with pytest.raises(r.FormatError):
            r.open1(bad, typ="t", public_key=camera.key.public_key())
