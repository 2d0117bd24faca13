"""The dock's page: what people see and do there, and what it refuses."""

import re

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv import recording as r
from openbwv.camera.enrol import Meeting
from openbwv.shared.door import SetAside
from tests.dock.devices import Camera, DockProcess, make_dock_store, page, wait_for
from tests.dock.fake_door import error
from tests.dock.force import Force, make_recording
from tests.dock.test_turned_away import knock
from tests.shared.fake_clock import FakeClockService

AVERY = {"username": "avery", "password": "officer-secret", "hours": "12"}


@pytest.fixture
def docked(dock, camera):
    """The camera stands in the dock."""
    with camera.client(dock.camera_url) as client:
        client.greet()
        yield client


def test_an_officer_takes_a_camera_and_it_hears_of_it(force, server, dock, camera, docked):
    answer = page(dock, "/take", camera=camera.party.kid.hex(), **AVERY)
    assert answer.status_code == 200
    assert "Camera 0417 is yours to take, PC Avery" in answer.text
    assignment = r.Assignment.decode(docked.assignment(), trust=force.trust).body
    assert assignment.camera_kid == camera.party.kid
    assert server.assigned[0]["hours"] == 12
    assert "officer-secret" not in (dock.store / "log.txt").read_text()


def test_a_wrong_password_gives_no_camera(server, dock, camera, docked):
    answer = page(dock, "/take", camera=camera.party.kid.hex(), **(AVERY | {"password": "guess"}))
    assert answer.status_code == 403
    assert docked.assignment() is None
    assert server.assigned == []


def test_a_camera_that_is_not_here_cannot_be_taken(server, dock, camera, docked):
    answer = page(dock, "/take", camera="00" * 32, **AVERY)
    assert answer.status_code == 400
    assert "no longer in the dock" in answer.text
    assert server.assigned == []


def test_an_assignment_of_another_agency_is_not_passed_on(force, server, dock, camera, docked):
    other = Force()
    force_fleet, server.force.fleet = server.force.fleet, other.fleet
    try:
        assert page(dock, "/take", camera=camera.party.kid.hex(), **AVERY).status_code == 400
    finally:
        server.force.fleet = force_fleet
    assert docked.assignment() is None


def test_no_camera_available_is_recorded_with_a_reason(server, dock):
    answer = page(dock, "/none", reason="none-charged", note="both empty", username="avery", password="officer-secret")
    assert "Recorded" in answer.text
    assert (server.none[0]["reason"], server.none[0]["note"]) == ("none-charged", "both empty")
    assert page(dock, "/none", reason="because", username="avery", password="officer-secret").status_code == 400
    assert len(server.none) == 1


def test_with_the_server_away_the_page_says_what_still_works(lone_dock, camera):
    with camera.client(lone_dock.camera_url) as client:
        client.greet()
        answer = page(lone_dock, "/take", camera=camera.party.kid.hex(), **AVERY)
    assert answer.status_code == 503
    assert "Copying goes on" in answer.text


def test_without_the_forms_own_token_nothing_is_done(server, dock, camera, docked):
    form = {"camera": camera.party.kid.hex(), **AVERY}
    for csrf, cookies in (("", {}), ("x" * 64, {}), ("x" * 64, {"dock_csrf": "y" * 64}), ("", {"dock_csrf": ""})):
        with httpx.Client(trust_env=False, cookies=cookies) as client:
            answer = client.post(dock.page_url + "/take", data={"csrf": csrf, **form})
        assert answer.status_code == 400
    assert server.assigned == []


def test_another_host_name_is_not_answered(dock):
    answer = httpx.get(dock.page_url + "/", headers={"Host": "evil.example"}, trust_env=False)
    assert answer.status_code == 421


@pytest.mark.parametrize("path", ["/", "/take", "/none", "/enrol/unknown"])
def test_every_page_is_plain_html_under_a_strict_policy(dock, path):
    answer = page(dock, path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script|style=|<style|\bon\w+=", answer.text)
    assert '<html lang="en-GB">' in answer.text


def test_a_device_of_another_force_is_named_on_the_page_and_the_server_is_told(force, server, dock, camera):
    """Behind a good TLS certificate, somebody else's signature."""
    stranger = Force("Elsewhere").camera("0999")
    own = camera.party
    with camera.client(dock.camera_url) as client:
        camera.party = stranger
        with pytest.raises(SetAside, match="not of this force"):
            client.greet()
        camera.party = own
        text = page(dock).text
        assert "1 device said hello that is not of this force" in text
        assert f"0999, key {stranger.kid.hex()[:16]}" in text
        wait_for(lambda: server.strangers, "the server to be told")
        assert server.strangers[0].kid == stranger.kid
        wait_for(lambda: "the fleet manager was told" in page(dock).text, "the page to say so")


def test_what_others_say_is_shown_as_text(force, server, tmp_path):
    server.not_ready = 0
    real = server.route

    def route(http, path, query, body):
        if path == ["fleet", "cameras"]:
            odd = {"name": "0417", "person": "<b>x</b>\u202e", "state": "&out"}
            return 200, {}, {"cameras": [odd, {"name": "0418", "person": "PC Noor", "state": "enrolled"}]}
        return real(http, path, query, body)

    server.route = route
    make_dock_store(force, tmp_path / "dock", door_url=server.url)
    dock = DockProcess(tmp_path / "dock").start()
    try:
        text = wait_for(lambda: "0417" in (t := page(dock).text) and t, "the list of cameras")
        assert "&lt;b&gt;x&lt;/b&gt;" in text
        assert "&amp;out" in text
        assert ">In use<" in text
        assert ">enrolled<" not in text
    finally:
        dock.stop()


def test_a_pretend_force_says_so_on_every_page_and_listens_here_only(tmp_path):
    force = Force("Pretend", pretend=True)
    make_dock_store(force, tmp_path / "dock", door_url="https://127.0.0.1:9")
    dock = DockProcess(tmp_path / "dock").start()
    try:
        for path in ("/", "/take", "/none", "/enrol/unknown"):
            assert "PRETEND FORCE" in page(dock, path).text
    finally:
        dock.stop()
    wide = DockProcess(tmp_path / "dock", "--host", "0.0.0.0")
    with pytest.raises(AssertionError, match="listens on this machine only"):
        wide.start()


def test_a_pretend_forces_dock_takes_its_time_from_the_clock_service(tmp_path):
    force = Force("Pretend", pretend=True)
    service = FakeClockService(tmp_path / "clock.sock", 1_900_000_000_000)
    make_dock_store(force, tmp_path / "dock", door_url="https://127.0.0.1:9")
    dock = DockProcess(tmp_path / "dock", "--clock-socket", service.path).start()
    try:
        camera = Camera(force, tmp_path / "cameras")
        camera.recordings = [make_recording(force, camera.party)]
        [receipt] = camera.offload(dock.camera_url)
        assert r.CustodyReceipt.decode(receipt).body.held_at_ms == 1_900_000_000_000
    finally:
        dock.stop()
        service.close()


def test_a_real_force_refuses_a_movable_clock_with_exit_64(force, tmp_path):
    make_dock_store(force, tmp_path / "dock")
    dock = DockProcess(tmp_path / "dock", "--clock-socket", str(tmp_path / "clock.sock"))
    with pytest.raises(AssertionError, match="not a pretend force"):
        dock.start()
    assert dock.process.wait(5) == 64


def test_a_store_without_an_identity_says_how_to_get_one(tmp_path):
    (tmp_path / "dock").mkdir()
    dock = DockProcess(tmp_path / "dock")
    with pytest.raises(AssertionError, match="dock enrol"):
        dock.start()
    assert dock.process.wait(5) == 78


def accessible(view, width):
    """No axe violation, and nothing wider than the screen."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(view).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert view.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_have_no_axe_violations_and_fit_390_pixels(browser, force, server, dock, camera, docked, scheme):
    held_up = make_recording(force, camera.party, evidential=True)
    server.refuse = lambda method, path: error(409, "key-refused") if held_up.rec_id.hex() in path else None
    camera.recordings = [held_up]
    camera.offload(dock.camera_url)
    knock(dock)
    words = ("held up", "goes first", "it showed no certificate", "The server is reached")
    wait_for(lambda: all(each in page(dock).text for each in words), "the page to show all of it")
    for width in (390, 1280):
        view = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
        for path in ("/", "/take", "/none", "/enrol/unknown"):
            view.goto(dock.page_url + path)
            accessible(view, width)
        view.close()


@pytest.mark.browser
def test_a_pretend_forces_page_and_the_digits_have_no_axe_violations(browser, tmp_path):
    make_dock_store(Force("Pretend", pretend=True), tmp_path / "dock", door_url="https://127.0.0.1:9")
    dock = DockProcess(tmp_path / "dock").start()
    try:
        client, session, code = Meeting(dock.enrol_url, ec.generate_private_key(ec.SECP256R1()), "0555").open()
        client.close()
        view = browser.new_page(viewport={"width": 390, "height": 800}, bypass_csp=True)
        for path in ("/", f"/enrol/{session}"):
            view.goto(dock.page_url + path)
            accessible(view, 390)
        assert f"{code[:3]} {code[3:]}" in view.content()
        view.close()
    finally:
        dock.stop()
