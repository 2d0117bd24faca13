"""Writes one recording by the document alone: no line of OpenBWV is imported, only cbor2 and cryptography.

    python tests/thirdparty/foreign_writer.py FOLDER

leaves FOLDER/rec (manifest.cbor, media.bin, key.cbor) and FOLDER/trust.pem, FOLDER/epoch.hex, FOLDER/plain.bin.
"""

import datetime
import hashlib
import hmac
import os
import struct
import sys
from pathlib import Path

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives import hmac as keyed
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ARC = "2.25.338029168601376529075508475928103131891"
NOW = datetime.datetime(2026, 11, 20, 14, 0, tzinfo=datetime.UTC)
START_NS = 7_000_000_000


def cbor(value):
    return cbor2.dumps(value, canonical=True)


def sha(data):
    return hashlib.sha256(data).digest()


def certificate(name, key, issuer, issuer_key, extensions):
    def named(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer)).public_key(key.public_key())
    )
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - datetime.timedelta(days=1))
    builder = builder.not_valid_after(NOW + datetime.timedelta(days=300))
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def usage(sign):
    flags = ["digital_signature", "key_cert_sign"]
    rest = ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"]
    rest += ["encipher_only", "decipher_only"]
    return x509.KeyUsage(**{flags[0]: sign, flags[1]: not sign}, **dict.fromkeys(rest, False))


def expand(dek, label, rec_id):
    code = keyed.HMAC(dek, hashes.SHA256())  # one block of HKDF-Expand is HMAC(key, info || 0x01)
    code.update(b"openbwv/v1/" + label + rec_id + b"\x01")
    return code.finalize()


def hpke_seal(public, plaintext, info):
    """RFC 9180, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode, first message, empty aad."""

    def extract(salt, suite, label, ikm):
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")

    def expand_label(prk, suite, label, text, length):
        return hmac.digest(prk, struct.pack(">H", length) + b"HPKE-v1" + suite + label + text + b"\x01", "sha256")[
            :length
        ]

    point = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    enc = ephemeral.public_key().public_bytes(*point)
    kem, suite = b"KEM\x00\x10", b"HPKE\x00\x10\x00\x01\x00\x02"
    eae = extract(b"", kem, b"eae_prk", ephemeral.exchange(ec.ECDH(), public))
    shared = expand_label(eae, kem, b"shared_secret", enc + public.public_bytes(*point), 32)
    context = b"\x00" + extract(b"", suite, b"psk_id_hash", b"") + extract(b"", suite, b"info_hash", info)
    secret = extract(shared, suite, b"secret", b"")
    key = expand_label(secret, suite, b"key", context, 32)
    return enc + AESGCM(key).encrypt(expand_label(secret, suite, b"base_nonce", context, 12), plaintext, b"")


class Writer:
    def __init__(self, key, chain):
        self.key, self.chain, self.seq, self.prev, self.entries = key, chain, 0, bytes(32), []
        spki = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.kid, self.rec_id = sha(spki), bytes.fromhex("0193485a7b007abc8def0123456789ab")

    def add(self, kind, body, at_ns):
        protected = cbor({1: -7, 4: self.kid, 16: "application/vnd.openbwv.entry+cbor"})
        payload = cbor({1: kind, 2: self.rec_id, 3: self.seq, 4: self.prev, 5: at_ns, 6: body})
        signed = cbor(["Signature1", protected, b"", payload])
        r, s = utils.decode_dss_signature(self.key.sign(signed, ec.ECDSA(hashes.SHA256())))
        headers = {33: self.chain} if self.seq == 0 else {}
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        self.entries.append(cbor(cbor2.CBORTag(18, [protected, headers, payload, signature])))
        self.prev, self.seq = sha(signed), self.seq + 1


def main(folder):
    root_key, key, epoch = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    ca = [(x509.BasicConstraints(True, 0), True), (usage(False), True)]
    camera = x509.ExtendedKeyUsage([x509.ObjectIdentifier(ARC + ".1.1")])
    root = certificate("Foreign Police", root_key, "Foreign Police", root_key, ca)
    leaf = certificate("a camera", key, "Foreign Police", root_key, [(usage(True), True), (camera, False)])
    writer = Writer(key, [c.public_bytes(serialization.Encoding.DER) for c in (leaf, root)])
    dek, rec_id = os.urandom(32), writer.rec_id
    media_key, commit_key = expand(dek, b"media", rec_id), expand(dek, b"commit", rec_id)
    dc, cc = sha(b"openbwv/dek/v1" + dek), sha(b"openbwv/ck/v1" + commit_key)

    clock = {1: int(NOW.timestamp() * 1000), 2: 20, 3: 2, 4: int(NOW.timestamp() * 1000)}
    writer.add(0, {
        1: 1, 2: 1, 3: dc, 4: cc, 5: 1, 8: 1, 9: bytes(32), 10: bytes(32), 12: clock, 13: START_NS, 14: 1, 15: 0,
        16: [[1, 1, 1, 1, 12800], [2, 2, 1, 16, 48000]],
    }, START_NS)  # fmt: skip
    plain, media = [b"ftyp and moov would stand here", *(os.urandom(500 + n) for n in range(4))], []
    for n, unit in enumerate(plain):
        aad = cbor(["openbwv/seal/v1", rec_id, writer.seq, 0])
        media.append(AESGCM(media_key).encrypt(struct.pack(">IQ", 0, writer.seq), unit, aad))
        times = [[1, 12800 * (n - 1), 12800], [2, 48000 * (n - 1), 48000]] if n else []
        body = {
            1: len(media[-1]), 2: sha(media[-1]), 3: hmac.digest(commit_key, unit, "sha256"),
            4: times, 5: 0 if n else 4, 70: "a key of another maker",
        }  # fmt: skip
        writer.add(1, body, START_NS + n * 10**9)
    writer.add(2, {1: 5, 2: {1: 3, 2: True}}, START_NS + 5 * 10**9)
    writer.add(3, {1: 1, 2: len(plain), 3: [[1, 4 * 12800], [2, 4 * 48000]]}, START_NS + 5 * 10**9)

    rec = folder / "rec"
    rec.mkdir(parents=True)
    info = cbor(["openbwv/wrap/v1", rec_id, writer.kid, dc])
    (rec / "key.cbor").write_bytes(cbor([{1: 1, 2: "their epoch", 3: hpke_seal(epoch.public_key(), dek, info)}]))
    (rec / "manifest.cbor").write_bytes(b"".join(writer.entries))
    (rec / "media.bin").write_bytes(b"".join(media))
    (folder / "trust.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "epoch.hex").write_text(format(epoch.private_numbers().private_value, "064x"))
    (folder / "plain.bin").write_bytes(b"".join(plain))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
