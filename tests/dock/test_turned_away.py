"""Devices that fail the TLS handshake: the page says why and from where; nothing of them is let in or stored."""

import logging
import subprocess
import time

import pytest

from openbwv.dock.turned_away import MOST_KEPT, QUIET_NS, TurnedAwayBook, listener_log
from openbwv.shared.agency import Profile
from openbwv.shared.clock import FixedClock
from openbwv.shared.door import DoorUnreachable
from tests.dock.devices import Camera, DockProcess, make_dock_store, page, wait_for
from tests.dock.force import Force

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def force():
    return Force()


@pytest.fixture(scope="module")
def gone(force, tmp_path_factory):
    return Camera(force, tmp_path_factory.mktemp("gone"), "0666")


@pytest.fixture(scope="module")
def dock(force, gone, tmp_path_factory):
    store = tmp_path_factory.mktemp("dock")
    make_dock_store(force, store, crl=force.crl(gone.party))
    dock = DockProcess(store).start()
    yield dock
    dock.stop()


def knock(dock, folder=None, *more):
    """A client that takes any server and shows what it was given."""
    shown = ["--cert", folder / "chain.pem", "--key", folder / "key.pem"] if folder else []
    command = ["curl", "--silent", "--insecure", "--max-time", "5", *shown, *more, dock.camera_url + "/hello"]
    return subprocess.run(command, capture_output=True, check=False)


def aged(days):
    def party(force, _gone):
        return force.camera(now_ms=time.time_ns() // 1_000_000 + days * DAY_MS)

    return party


CASES = {
    "of another agency": (lambda force, gone: Force("Elsewhere").camera("0999"), "of another agency or of nobody"),
    "ran out": (aged(-500), "its certificate ran out on "),
    "not valid yet": (aged(500), "its certificate is not valid yet"),
    "revoked": (lambda force, gone: gone.party, "its certificate was revoked"),
    "for another use": (lambda force, gone: force.party("receipt", Profile.RECEIPT), "for another use than a camera"),
    "none": (None, "it showed no certificate"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_page_says_why_somebody_was_turned_away(force, gone, dock, tmp_path, case):
    make, words = CASES[case]
    folder = make(force, gone).write(tmp_path / "device") if make else None
    before = sorted((dock.store / "spool").rglob("*"))
    assert knock(dock, folder).returncode != 0
    text = wait_for(lambda: words in (t := page(dock).text) and t, "the page to say so")
    assert "From 127.0.0.1: " in text
    assert "Turned away" in text
    assert sorted((dock.store / "spool").rglob("*")) == before


def test_a_camera_of_another_agency_ends_the_handshake_itself_and_the_page_says_so(dock, tmp_path):
    stranger = Camera(Force("Elsewhere"), tmp_path, "0999")
    with stranger.client(dock.camera_url) as client, pytest.raises(DoorUnreachable):
        client.greet()
    wait_for(lambda: "it does not know this force: a camera of another agency" in page(dock).text, "the page to say so")


def test_one_line_in_the_log_however_often_it_tries(dock, gone):
    for _ in range(5):
        knock(dock, gone.folder)
    wait_for(lambda: "its certificate was revoked. 5 times" in page(dock).text or
             "its certificate was revoked. 6 times" in page(dock).text, "all tries to be counted")  # fmt: skip
    said = [line for line in (dock.store / "log.txt").read_text().splitlines() if "certificate was revoked" in line]
    assert len(said) == 1
    assert "a device at 127.0.0.1 was turned away" in said[0]


def test_a_good_camera_is_no_note(force, dock, tmp_path):
    camera = Camera(force, tmp_path, "0420")
    before = page(dock).text.count("From 127.0.0.1")
    with camera.client(dock.camera_url) as client:
        client.greet()
    assert page(dock).text.count("From 127.0.0.1") == before


def test_the_notes_are_bounded_and_the_log_hears_of_each_once_an_hour(caplog):
    clock = FixedClock(0)
    book = TurnedAwayBook(mono_ns=clock.mono_ns)
    for number in range(MOST_KEPT + 10):
        for _ in range(3):
            book.note(f"192.0.2.{number}", "it showed no certificate")
    assert len(book.all()) == MOST_KEPT
    assert book.beyond == 30
    assert len(caplog.records) == MOST_KEPT
    clock.advance(QUIET_NS // 1_000_000)
    book.note("192.0.2.0", "it showed no certificate")
    assert len(caplog.records) == MOST_KEPT + 1
    assert book.all()[0].times == 4


def test_what_is_no_failed_handshake_is_only_passed_on_as_a_warning(caplog):
    book = TurnedAwayBook(mono_ns=lambda: 0)
    for level, message in ((logging.DEBUG, "chatter"), (logging.INFO, "Listening"), (logging.ERROR, "worker died")):
        book.emit(logging.LogRecord("_granian", level, "", 0, message, (), None))
    cut = "TCP handshake failed with error: TlsAcceptError { error: Kind(UnexpectedEof), peer_addr: 192.0.2.1:5 }"
    book.emit(logging.LogRecord("_granian", logging.DEBUG, "", 0, cut, (), None))
    assert [record.message for record in caplog.records] == ["worker died"]
    assert book.all() == []
    assert listener_log(book)["handlers"]["turned-away"]["()"]() is book
