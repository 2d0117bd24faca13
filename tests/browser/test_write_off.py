"""The pages on which a camera is written off, in each state: no axe violation, nothing wider than the screen."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from openbwv.server.clock import utc
from openbwv.server.fleet.models import Camera
from openbwv.server.fleet.write_offs import confirm_write_off, propose_write_off, what_is_opened
from openbwv.server.retention.second import note_opened
from openbwv.server.vault import epochs
from openbwv.server.vault.keyd.errors import KeydUnavailable
from openbwv.server.vault.models import KeyWrap, Part, StoredObject
from tests.server import cast

VIEWS = ("light", "dark", "phone")
KEYS = [f"e{1_792_500_000_000 + week * 604_800_000}-0a1b2c3d" for week in range(4)]


class Service:
    """Stands for the key service: it has these epoch keys, or does not answer."""

    def __init__(self):
        self.epochs = list(KEYS)

    def public(self):
        if not self.epochs:
            raise KeydUnavailable(what="The key service does not answer (refused).", remedy="Start it: ./bwv keyd.")
        return {"epochs": self.epochs}


@pytest.fixture
def service(monkeypatch):
    made = Service()
    for module in ("vault.epochs", "fleet.write_offs"):
        monkeypatch.setattr(f"openbwv.server.{module}.key_client", lambda: made)
    assert epochs.key_client() is made
    return made


@pytest.fixture
def camera(cast_people, clock):
    """Return a camera with numbers that never came, an announced recording, and one of which a part is here."""
    avery, now = cast_people("avery"), utc(clock)
    made = Camera.objects.create(
        name="0417",
        kid="a" * 64,
        serial="1",
        certificate="-",
        unit=avery.unit,
        enrolled_utc=now - timedelta(days=90),
        last_docked_utc=now - timedelta(days=21),
        epoch_id=KEYS[0],
        next_rc=9,
    )
    before = {"camera": made, "officer": avery, "started": now - timedelta(days=22)}
    coming = before | {"ingest_utc": None, "retain_until_utc": None}
    cast.recording(number=1, rc=1, **before)
    cast.recording(number=2, rc=2, state="announced", **coming)
    part = cast.recording(number=3, rc=5, state="arriving", **coming)
    stored = StoredObject.objects.create(key="0" * 64, kind="media", length=12_000_000, recording=part)
    Part.objects.create(recording=part, first_seq=1, last_seq=24, length=12_000_000, object=stored, offsets=[])
    KeyWrap.objects.create(recording=part, kek_id="k", blob=b"-", derived_blob=b"-")
    return made


def written_off(camera, cast_people, clock):
    harper, indra = cast_people("harper"), cast_people("indra")
    made = proposed(camera, harper, clock)
    note_opened(what=what_is_opened(made), person=indra, session="second", clock=clock)
    why = {"reason": "the garage and the officer were asked", "session": "second", "clock": clock}
    return confirm_write_off(write_off=made, actor=indra, **why)


def proposed(camera, harper, clock):
    reason = "taken from a van in Rushey Green, crime 4402/26; the garage looked twice"
    made = propose_write_off(camera=camera, cause="stolen", reason=reason, actor=harper, session="first", clock=clock)
    clock.advance(1000)
    return made


def look(open_page, check_accessible, name, path, view, title):
    page = open_page(name, path, view)
    for details in page.locator("details.card, .card details:not(.fold)").all():
        details.evaluate("box => { box.open = true; }")
    check_accessible(page, f"{title}-{view}")
    return page


@pytest.mark.parametrize("view", VIEWS)
def test_before_and_while_it_waits(open_page, camera, cast_people, check_accessible, clock, service, view):
    path = f"/fleet/cameras/{camera.kid}/write-off"
    Camera.objects.create(
        name="0418", kid="b" * 64, serial="2", certificate="-", enrolled_utc=utc(clock), epoch_id=KEYS[3]
    )
    page = look(open_page, check_accessible, "harper", path, view, "write-off-none")
    expect(page.get_by_role("button", name="Propose to write it off")).to_be_visible()
    proposed(camera, cast_people("harper"), clock)
    page = look(open_page, check_accessible, "harper", path, view, "write-off-own")
    expect(page.get_by_role("button", name="Withdraw")).to_be_visible()
    page = look(open_page, check_accessible, "indra", path, view, "write-off-decide")
    expect(page.get_by_role("button", name="Write it off")).to_be_visible()
    look(open_page, check_accessible, "indra", "/fleet/write-offs", view, "write-offs")
    service.epochs = []
    look(open_page, check_accessible, "indra", path, view, "write-off-no-keyd")


@pytest.mark.parametrize("view", VIEWS)
def test_after_it(open_page, camera, cast_people, check_accessible, clock, service, view):
    path = f"/fleet/cameras/{camera.kid}/write-off"
    written_off(camera, cast_people, clock)
    page = look(open_page, check_accessible, "harper", path, view, "written-off")
    expect(page.get_by_role("button", name="Take it back")).to_be_visible()
    look(open_page, check_accessible, "harper", "/fleet/", view, "written-off-fleet")
    look(open_page, check_accessible, "avery", "/recordings/", view, "given-up-library")
    look(open_page, check_accessible, "avery", "/recordings/BWV-2026-000003", view, "given-up-recording")
    service.epochs = KEYS[2:]
    look(open_page, check_accessible, "harper", path, view, "written-off-keys-gone")


def test_two_people_do_it_in_two_browsers(open_page, camera, cast_people, check_accessible, service):
    path = f"/fleet/cameras/{camera.kid}/write-off"
    page = open_page("harper", path)
    page.get_by_label("Stolen").check()
    page.get_by_label("What is known of it").fill("taken from a van, 4402/26")
    page.get_by_role("button", name="Propose to write it off").click()
    expect(page.get_by_role("status")).to_contain_text("Until a records manager has decided")
    second = open_page("indra", "/")
    second.get_by_role("link", name="Camera 0417 to be written off or not").click()
    second.get_by_role("button", name="Write it off").click()
    expect(second.locator(".errorlist")).to_be_visible()
    check_accessible(second, "write-off-without-reason")
    second.get_by_label("Reason").fill("agreed")
    second.get_by_role("button", name="Write it off").click()
    expect(second.get_by_role("heading", name="Camera 0417 is written off")).to_be_visible()
    assert Camera.objects.get(pk=camera.pk).written_off_utc is not None
