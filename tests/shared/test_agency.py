import subprocess
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from openbwv.recording import certificates
from openbwv.recording.problems import CertificateUse
from openbwv.shared import agency, clock, revocation

USES = [profile for profile in agency.Profile if profile is not agency.Profile.LOG]


@pytest.fixture(scope="module")
def force():
    key, certificate = agency.make_agency("Met Pretend", pretend=True)
    return key, certificate


def leaf(force, profile, **more):
    key = ec.generate_private_key(ec.SECP256R1())
    return agency.issue(
        agency_key=force[0], agency=force[1], public_key=key.public_key(), profile=profile, name="0417", **more
    )


@pytest.mark.parametrize("profile", USES, ids=lambda p: p.name)
def test_a_leaf_is_good_for_its_one_use_and_no_other(force, profile):
    chain = [agency.to_der(leaf(force, profile)), agency.to_der(force[1])]
    facts = certificates.check_chain(chain, use=profile.use)
    assert facts.san_uri == profile.urn("0417")
    assert facts.pretend
    for other in USES:
        if other is not profile:
            with pytest.raises(CertificateUse):
                certificates.check_chain(chain, use=other.use)


def test_openssl_accepts_leaf_and_crl_and_sees_397_days(force, tmp_path):
    certificate = leaf(force, agency.Profile.DOCK, hosts=["127.0.0.1", "dock.local"])
    (tmp_path / "ca.pem").write_bytes(agency.to_pem([force[1]]))
    (tmp_path / "leaf.pem").write_bytes(agency.to_pem([certificate]))

    def judge(*more):
        return subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", *more, "leaf.pem"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert judge("-purpose", "sslserver").returncode == 0
    assert judge("-purpose", "sslclient").returncode == 0
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 397
    crl = agency.make_crl(
        agency_key=force[0], agency=force[1], revoked=[(certificate.serial_number, datetime.now(UTC))], number=1
    )
    (tmp_path / "crl.pem").write_bytes(crl)
    revoked = judge("-crl_check", "-CRLfile", "crl.pem")
    assert revoked.returncode != 0
    assert "revoked" in revoked.stderr


def test_a_revocation_list_counts_only_when_our_ca_signed_it_and_never_goes_back(force, tmp_path):
    certificate = leaf(force, agency.Profile.CAMERA)
    trust = agency.to_pem([force[1]])
    lists = [
        agency.make_crl(agency_key=force[0], agency=force[1], revoked=revoked, number=number)
        for number, revoked in ((1, []), (2, [(certificate.serial_number, datetime.now(UTC))]))
    ]
    path = tmp_path / "crl.pem"
    assert revocation.keep_newer(path, lists[1], trust_pem=trust)
    assert not revocation.keep_newer(path, lists[0], trust_pem=trust)
    assert revocation.Revocations.load(path, trust_pem=trust).names(certificate)
    stranger = agency.make_agency("Met Pretend")
    forged = agency.make_crl(agency_key=stranger[0], agency=stranger[1], revoked=[], number=3)
    with pytest.raises(revocation.BadRevocationList):
        revocation.keep_newer(path, forged, trust_pem=trust)
    with pytest.raises(revocation.BadRevocationList):
        revocation.Revocations.read(b"nonsense", trust_pem=trust)


def test_pretend_is_in_the_ca_from_the_start_or_never(force):
    assert clock.is_pretend_ca(agency.to_pem([force[1]]))
    _, plain = agency.make_agency("Real")
    assert not clock.is_pretend_ca(agency.to_pem([plain]))
    with pytest.raises(clock.ClockRefused):
        clock.open_clock(agency.to_pem([plain]), "/somewhere/clock.sock")
    assert isinstance(clock.open_clock(agency.to_pem([force[1]]), "/x"), clock.PretendClock)


def test_the_logs_ed25519_key_can_be_certified(force):
    key = ed25519.Ed25519PrivateKey.generate()
    request = agency.read_csr(agency.make_csr(key, "log"))
    certificate = agency.issue(
        agency_key=force[0], agency=force[1], public_key=request.public_key(), profile=agency.Profile.LOG, name="log"
    )
    certificate.verify_directly_issued_by(force[1])


@pytest.mark.parametrize("name", ["", "a" * 65, "0417\n", "Zoë", "a/b", "a b"])
def test_names_that_cannot_stand_in_a_certificate_are_refused(force, name):
    key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(agency.BadRequest):
        agency.issue(
            agency_key=force[0], agency=force[1], public_key=key.public_key(), profile=agency.Profile.CAMERA, name=name
        )


def test_requests_that_are_damaged_or_of_another_kind_are_refused():
    good = agency.make_csr(ec.generate_private_key(ec.SECP256R1()), "0417")
    for bad in (b"", b"x", good[:-1], good[:-1] + bytes([good[-1] ^ 1])):
        with pytest.raises(agency.BadRequest):
            agency.read_csr(bad)
    other_key = rsa.generate_private_key(65537, 2048)
    from cryptography.hazmat.primitives import hashes, serialization

    other = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(other_key, hashes.SHA256())
    with pytest.raises(agency.BadRequest):
        agency.read_csr(other.public_bytes(serialization.Encoding.DER))
