"""The door's list of revoked certificates: what could not be read once is read the next time."""

from datetime import UTC, datetime

from cryptography import x509

from openbwv.server.ingest.tls import DoorTls
from openbwv.server.vault.folders import write_door
from openbwv.shared import agency
from openbwv.shared.durable import write_durably
from tests.server.vault.force_fixture import make_ring


def test_a_new_list_that_cannot_be_read_for_a_moment_counts_from_the_next_handshake_on(tmp_path, monkeypatch):
    """A door that is out of files just then would let a revoked device in until the list changes once more."""
    ring = make_ring(tmp_path)
    (tmp_path / "trust.pem").write_bytes(agency.to_pem([ring.agency_cert]))
    (tmp_path / "tls").mkdir()
    write_door(tmp_path, ring, None)
    door = DoorTls(tmp_path)
    revoked = x509.load_pem_x509_certificate((tmp_path / "tls" / "door.pem").read_bytes())  # any one will do
    assert not door._newest().names(revoked)
    pem = agency.make_crl(
        agency_key=ring.agency_key,
        agency=ring.agency_cert,
        revoked=[(revoked.serial_number, datetime.now(UTC))],
        number=1,
    )
    write_durably(tmp_path / "tls" / "crl.pem", pem, replace=True)

    def out_of_files(_self):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "read_bytes", out_of_files)
        assert not door._newest().names(revoked)
    assert door._newest().names(revoked)
