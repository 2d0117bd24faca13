"""A certificate with under 90 days left is renewed at a dock; the key stays."""

import json
import ssl
import time

import pytest
from cryptography import x509

from openbwv import recording as r
from openbwv.shared.agency import Profile
from tests.dock.devices import DockProcess, make_dock_store, wait_for
from tests.dock.force import Force, make_recording
from tests.dock.test_offload import folder, left, put, visit  # noqa: F401  fixtures

DAY_S = 86_400


@pytest.fixture
def party(force):
    """A camera whose certificate has 60 days left."""
    return force.camera(days=60)


def days_left(identity):
    leaf = x509.load_pem_x509_certificate((identity / "chain.pem").read_bytes())
    return (leaf.not_valid_after_utc.timestamp() - time.time()) / DAY_S


def asked(server):
    return [path for method, path in server.requests if path == "/renewals"]


def test_a_camera_is_renewed_through_the_dock_and_stays_who_it_is(force, server, dock, party, folder):  # noqa: F811
    assert days_left(folder / "identity") < 61
    assert visit(folder, dock.camera_url)["alarms"] == []
    assert days_left(folder / "identity") > 390
    facts = r.check_chain(r.from_pem((folder / "identity" / "chain.pem").read_bytes()), use=r.USE_CAMERA)
    assert (facts.kid, facts.san_uri) == (party.kid, "urn:bwv:camera:0417")
    put(folder, make_recording(force, party))
    visit(folder, dock.camera_url, wait_receipts_s=30)
    assert left(folder) == []
    assert len(asked(server)) == 1  # no longer due


@pytest.mark.parametrize("forged", ["another agency", "another key"])
def test_a_certificate_that_is_not_ours_is_not_taken(force, server, party, folder, forged):  # noqa: F811
    before = (folder / "identity" / "chain.pem").read_bytes()
    real = server.renew
    if forged == "another agency":
        server.renew = lambda csr: real(csr, force=Force())
    else:
        server.renew = lambda _csr: force.camera().chain
    assert any("certificate that this dock gave is refused" in each for each in visit(folder, server.url)["alarms"])
    assert (folder / "identity" / "chain.pem").read_bytes() == before


def test_without_a_server_the_camera_keeps_its_certificate_and_is_emptied(force, lone_dock, party, folder):  # noqa: F811
    put(folder, make_recording(force, party))
    result = visit(folder, lone_dock.camera_url)
    assert (result["alarms"], len(result["copied"])) == ([], 1)
    assert days_left(folder / "identity") < 61


def test_a_dock_renews_itself_and_shows_the_new_certificate_without_a_restart(force, server, tmp_path):
    party = force.party("Lewisham-1", Profile.DOCK, hosts=["127.0.0.1", "localhost"], days=60)
    make_dock_store(force, tmp_path / "dock", door_url=server.url, party=party)
    dock = DockProcess(tmp_path / "dock").start()
    try:
        wait_for(lambda: days_left(dock.store / "identity") > 390, "the dock to renew its certificate")
        wanted = x509.load_pem_x509_certificate((dock.store / "identity" / "chain.pem").read_bytes()).serial_number

        def shown():
            try:
                pem = ssl.get_server_certificate(("127.0.0.1", dock.ports[1]))
            except OSError:  # the moment in which the port begins again
                return False
            return x509.load_pem_x509_certificate(pem.encode()).serial_number == wanted

        wait_for(shown, "the enrolment port to show it")
        assert json.loads((dock.store / "identity" / "dock.json").read_text())["name"] == "Lewisham-1"
    finally:
        dock.stop()
