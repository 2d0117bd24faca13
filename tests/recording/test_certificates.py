"""Chains: what holds in itself, what each use allows, and how a root stands to the trusted ones."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from openbwv import recording as r
from openbwv.recording.certificates import USES
from openbwv.recording.problems import CertificateDates, CertificateUse
from tests.recording.factory import NOW_MS, Agency, new_key

START = datetime.fromtimestamp(NOW_MS // 1000, UTC)


@pytest.fixture(scope="module")
def agency():
    return Agency()


def test_a_chain_that_holds_says_who_signed(agency):
    camera = agency.camera("0417")
    facts = r.check_chain(camera.chain, use=r.USE_CAMERA, at_utc_ms=NOW_MS + 1)
    assert (facts.kid, facts.san_uri, facts.pretend) == (camera.signer.kid, "urn:bwv:camera:0417", False)
    assert "Thornbury Police" in facts.root_name
    assert r.check_chain(Agency(pretend=True).camera().chain, use=r.USE_CAMERA).pretend


@pytest.mark.parametrize("given", USES)
@pytest.mark.parametrize("asked", USES)
def test_a_certificate_is_for_one_use_alone(agency, given, asked):
    key = ed25519.Ed25519PrivateKey.generate() if given == r.USE_LOG else new_key()
    chain = agency.certify(key.public_key(), given)
    if given == asked:
        r.check_chain(chain, use=asked)
    else:
        with pytest.raises(CertificateUse):
            r.check_chain(chain, use=asked)


def test_foreign_uses_beside_ours_are_fine_but_two_of_ours_are_not(agency):
    both = agency.certify(new_key().public_key(), r.USE_DOCK, also=[ExtendedKeyUsageOID.CLIENT_AUTH])
    r.check_chain(both, use=r.USE_DOCK)
    greedy = agency.certify(new_key().public_key(), r.USE_DOCK, also=[r.USE_RECEIPT])
    for use in (r.USE_DOCK, r.USE_RECEIPT):
        with pytest.raises(CertificateUse):
            r.check_chain(greedy, use=use)


def test_the_log_is_ed25519_and_everything_else_is_not(agency):
    for use, key in ((r.USE_LOG, new_key()), (r.USE_RECEIPT, ed25519.Ed25519PrivateKey.generate())):
        with pytest.raises(r.CertificateError):
            r.check_chain(agency.certify(key.public_key(), use), use=use)


@pytest.mark.parametrize("days_later", [-1, 400, 4000])
def test_a_certificate_outside_its_dates_is_told_apart(agency, days_later):
    facts = r.check_chain(agency.camera().chain, use=r.USE_CAMERA)
    with pytest.raises(CertificateDates):
        r.check_dates(facts, NOW_MS + days_later * 86_400_000)


def test_an_uncertain_clock_gets_the_benefit_of_its_uncertainty(agency):
    facts = r.check_chain(agency.camera().chain, use=r.USE_CAMERA)
    r.check_dates(facts, NOW_MS - 5_000, 6_000)
    with pytest.raises(CertificateDates):
        r.check_dates(facts, NOW_MS - 7_000, 6_000)


def build(subject, issuer, key, issuer_key, *, extensions, days=30, digest=None):
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(secrets.randbits(64))
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=days))
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(issuer_key, digest or hashes.SHA256()).public_bytes(Encoding.DER)


def usage(*, sign=False, certify=False):
    return x509.KeyUsage(sign, False, False, False, False, certify, False, False, False)


CA = [(x509.BasicConstraints(True, None), True), (usage(certify=True), True)]
LEAF = [
    (x509.BasicConstraints(False, None), True),
    (usage(sign=True), True),
    (x509.ExtendedKeyUsage([r.USE_CAMERA]), False),
]


def chain_of(*, leaf=LEAF, root=CA, leaf_key=None, root_key=None, leaf_issuer="root", digest=None, wrong_issuer=False):
    root_key, leaf_key = root_key or new_key(), leaf_key or new_key()
    signer = new_key() if wrong_issuer else root_key
    return [
        build("leaf", leaf_issuer, leaf_key, signer, extensions=leaf, digest=digest),
        build("root", "root", root_key, root_key, extensions=root),
    ]


def test_the_bare_chain_of_these_tests_holds():
    r.check_chain(chain_of(), use=r.USE_CAMERA)


@pytest.mark.parametrize(
    "change",
    [
        {"leaf": LEAF[1:] + CA[:1]},
        {"leaf": [LEAF[0], (usage(certify=True), True), LEAF[2]]},
        {"leaf": LEAF[:2]},
        {"leaf": [LEAF[0], LEAF[2]]},
        {"leaf": [*LEAF, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]},
        {"root": LEAF[:2]},
        {"root": [CA[0], (usage(sign=True), True)]},
        {"root": CA[1:]},
        {"leaf_issuer": "someone else"},
        {"wrong_issuer": True},
        {"leaf_key": ec.generate_private_key(ec.SECP384R1())},
        {"leaf_key": rsa.generate_private_key(65537, 2048)},
        {"root_key": ec.generate_private_key(ec.SECP384R1())},
        {"digest": hashes.SHA512()},
    ],
)
def test_chains_that_do_not_hold(change):
    with pytest.raises(r.CertificateError):
        r.check_chain(chain_of(**change), use=r.USE_CAMERA)


def test_a_key_has_one_spelling_because_its_hash_is_the_kid():
    leaf_key, root_key = new_key(), new_key()
    chain = chain_of(leaf_key=leaf_key, root_key=root_key)
    long = leaf_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    short = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    short += leaf_key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    signed = x509.load_der_x509_certificate(chain[0]).tbs_certificate_bytes
    body = signed[der_head(signed) :].replace(long, short)
    signed = der(0x30, body)
    signature = der(0x03, b"\x00" + root_key.sign(signed, ec.ECDSA(hashes.SHA256())))
    leaf = der(0x30, signed + bytes.fromhex("300a06082a8648ce3d040302") + signature)
    assert x509.load_der_x509_certificate(leaf).public_key() == leaf_key.public_key()
    with pytest.raises(r.CertificateError, match="uncompressed"):
        r.check_chain([leaf, chain[1]], use=r.USE_CAMERA)


def der(tag, content):
    size = len(content).to_bytes(2, "big").lstrip(b"\x00")
    return bytes([tag, *([0x80 | len(size)] if len(content) > 127 else []), *size]) + content


def der_head(data):
    return 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)


def test_chains_of_the_wrong_shape(agency):
    leaf, root = agency.camera().chain
    for chain in ([], [leaf], [leaf, leaf], [root, leaf], [leaf, Agency().root], [b"", root], [leaf + b"\x00", root]):
        with pytest.raises(r.CertificateError):
            r.check_chain(chain, use=r.USE_CAMERA)


def test_a_chain_through_an_intermediate_obeys_path_lengths():
    root_key, middle_key, leaf_key = new_key(), new_key(), new_key()
    for longest, holds in ((None, True), (1, True), (0, False)):
        root = build(
            "root", "root", root_key, root_key, extensions=[(x509.BasicConstraints(True, longest), True), CA[1]]
        )
        middle = build("middle", "root", middle_key, root_key, extensions=CA)
        leaf = build("leaf", "middle", leaf_key, middle_key, extensions=LEAF)
        if holds:
            r.check_chain([leaf, middle, root], use=r.USE_CAMERA)
        else:
            with pytest.raises(r.CertificateError):
                r.check_chain([leaf, middle, root], use=r.USE_CAMERA)
        with pytest.raises(r.CertificateError):
            r.check_chain([leaf, root], use=r.USE_CAMERA)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_every_bit_of_the_chain_counts(agency):
    chain = agency.camera().chain
    for which in (0, 1):
        for bit in range(8 * len(chain[which])):
            changed = bytearray(chain[which])
            changed[bit // 8] ^= 1 << bit % 8
            with pytest.raises(r.CertificateError):
                r.check_chain([bytes(changed) if n == which else der for n, der in enumerate(chain)], use=r.USE_CAMERA)


def test_how_a_root_stands_to_the_trust_file(agency):
    def judged(other):
        return agency.trust.judge(r.check_chain(other.camera().chain, use=r.USE_CAMERA))

    assert judged(agency) == "trusted"
    assert judged(Agency()) == "same-name"
    assert judged(Agency("Elsewhere Police")) == "unknown"


@pytest.mark.parametrize(
    "pem", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_trust_file_without_a_certificate_is_refused(pem):
    with pytest.raises(r.CertificateError):
        r.Trust.load(pem)
    with pytest.raises(r.CertificateError):
        r.from_pem(pem)


def test_a_leaf_never_outlives_its_root(agency):
    leaf = agency.certify(new_key().public_key(), r.USE_CAMERA, days=99_999)[0]
    root = x509.load_der_x509_certificate(agency.root)
    assert x509.load_der_x509_certificate(leaf).not_valid_after_utc == root.not_valid_after_utc
