"""The pages and the command on which a camera is written off: the list above the button, and who may press it."""

import json

import pytest

from openbwv.server.commands import fleet as command
from openbwv.server.fleet.models import Camera, WriteOff
from openbwv.server.people.actions import NotPermitted
from openbwv.server.retention.errors import SecondPersonNeeded
from openbwv.server.trail.models import Event
from openbwv.server.vault.epochs import begin_epoch_if_due
from tests.server.fleet.writing_off import camera, epochs, propose, write_off

__all__ = ["camera"]
WHY = {"reason": "agreed"}


@pytest.fixture
def address(camera):
    """Return the address of the camera's page of its write-off."""
    return f"/fleet/cameras/{camera.kid}/write-off"


def text(answer):
    assert answer.status_code == 200, answer.content
    return " ".join(answer.content.decode().split())


def test_the_list_stands_above_the_button_of_either_person(door, camera, address, harper, indra, as_person):
    Camera.objects.filter(pk=camera.pk).update(next_rc=3)
    page = text(as_person(harper).get(address))
    for words in (
        "Last docked",
        "Recordings 1 to 2",
        "Nobody can count them",
        epochs()[0],
        "can be opened by nobody",
    ):
        assert page.index(words) < page.index("Propose to write it off"), words
    assert "It takes another person who is a records manager: Indra." in page
    answer = as_person(harper).post(f"{address}/propose", {"cause": "stolen", "reason": "from a van, 4402/26"})
    assert answer.headers["Location"] == address
    made = WriteOff.objects.get()
    assert (made.cause, made.reason, made.proposed_by) == ("stolen", "from a van, 4402/26", harper)
    page = text(as_person(indra).get(address))
    for words in ("Recordings 1 to 2", epochs()[0], "can be opened by nobody", "from a van, 4402/26"):
        assert words in page
    assert page.index("can be opened by nobody") < page.index(">Write it off<")
    answer = as_person(indra).post(f"/fleet/write-offs/{made.pk}/decide", {**WHY, "decision": "confirm"})
    assert answer.headers["Location"] == address
    page = text(as_person(indra).get(address))
    assert "Camera 0417 is written off" in page
    assert "Take the write-off back" not in page
    assert "Take the write-off back" in text(as_person(harper).get(address))
    assert "Written off" in text(as_person(harper).get("/fleet/"))
    assert "Written off" in text(as_person(harper).get("/fleet/write-offs"))
    assert "Written off, " in text(as_person(harper).get(f"/fleet/cameras/{camera.kid}"))


def test_who_has_not_opened_the_list_is_refused_and_it_is_on_record(door, camera, harper, indra, as_person):
    made = propose(camera, harper, door.clock)
    answer = as_person(indra).post(f"/fleet/write-offs/{made.pk}/decide", {**WHY, "decision": "confirm"})
    assert (answer.status_code, b"second-person-needed" in answer.content) == (403, True)
    assert Event.objects.filter(actor=indra, outcome="refused").exists()
    assert Camera.objects.get().written_off_utc is None


def test_without_a_reason_the_form_comes_back(door, camera, address, harper, indra, as_person):
    assert as_person(harper).post(f"{address}/propose", {"cause": "stolen"}).status_code == 400
    assert as_person(harper).post(f"{address}/propose", {"reason": "x"}).status_code == 400
    made = propose(camera, harper, door.clock)
    as_person(indra).get(address)
    assert as_person(indra).post(f"/fleet/write-offs/{made.pk}/decide", {"decision": "confirm"}).status_code == 400
    assert as_person(harper).post(f"/fleet/write-offs/{made.pk}/withdraw").status_code == 400
    made.refresh_from_db()
    assert made.state == "proposed"


def test_refused_withdrawn_and_taken_back_on_the_pages(door, camera, address, harper, indra, as_person):
    made = propose(camera, harper, door.clock)
    as_person(indra).get(address)
    as_person(indra).post(f"/fleet/write-offs/{made.pk}/decide", {"reason": "ask the garage", "decision": "refuse"})
    assert "Refused by Indra: ask the garage" in text(as_person(harper).get(address))
    made = propose(camera, harper, door.clock)
    as_person(harper).post(f"/fleet/write-offs/{made.pk}/withdraw", {"reason": "found in a locker"})
    assert "by Harper: found in a locker" in text(as_person(harper).get(address))
    made = write_off(camera, harper, indra, door.clock)
    as_person(harper).post(f"/fleet/write-offs/{made.pk}/take-back", {"reason": "in a drawer"})
    assert Camera.objects.get().state == "lost"
    assert "by Harper: in a drawer" in text(as_person(harper).get(address))


def test_when_the_keys_are_gone_the_page_says_so_and_what_is_left_to_do(
    door, camera, address, harper, indra, as_person
):
    made = write_off(camera, harper, indra, door.clock)
    begin_epoch_if_due(door.clock)
    page = text(as_person(harper).get(address))
    assert "The keys that it sealed to were destroyed." in page
    assert "kept aside, sealed, without a receipt" in page
    assert "./bwv verify" in page
    assert "Take the write-off back" not in page
    answer = as_person(harper).post(f"/fleet/write-offs/{made.pk}/take-back", {"reason": "in a drawer"})
    assert (answer.status_code, b"write-off-keys-gone" in answer.content) == (410, True)


def test_a_proposal_that_lapsed_is_seen_at_once(door, camera, address, harper, indra, as_person):
    made = propose(camera, harper, door.clock)
    assert door.hello(door.camera.key, door.camera.chain)[0] == 200
    page = text(as_person(indra).get(address))
    assert "Over: something of the camera came in" in page
    assert ">Write it off<" not in page
    as_person(indra).get(address)
    answer = as_person(indra).post(f"/fleet/write-offs/{made.pk}/decide", {**WHY, "decision": "confirm"})
    assert (answer.status_code, b"write-off-over" in answer.content) == (409, True)


def test_without_the_key_service_the_page_says_what_nobody_can_say(door, camera, address, harper, as_person):
    from openbwv.server.vault.keys import key_client

    door.keyd.server.shutdown()
    door.keyd.server.server_close()
    key_client()._forget()
    page = text(as_person(harper).get(address))
    assert "The key service does not answer" in page
    assert "nothing can be proposed or decided here" in page
    assert "Propose to write it off" not in page


def test_others_are_refused_on_each_route(door, camera, address, harper, as_person, frankie, avery, gale, casey, lou):
    made = propose(camera, harper, door.clock)
    for person in (frankie, avery, gale, casey, lou):
        client = as_person(person)
        for path in (address, "/fleet/write-offs"):
            assert client.get(path).status_code == 403, (person, path)
        assert client.post(f"{address}/propose", {"cause": "stolen", **WHY}).status_code == 403, person
        for deed in ("decide", "withdraw", "take-back"):
            path = f"/fleet/write-offs/{made.pk}/{deed}"
            assert client.post(path, {**WHY, "decision": "confirm"}).status_code == 403, (person, path)
    made.refresh_from_db()
    assert made.state == "proposed"


def test_the_auditor_reads_it_and_is_offered_nothing(door, camera, address, harper, devi, as_person):
    assert "Propose to write it off" not in text(as_person(devi).get(address))
    propose(camera, harper, door.clock)
    page = text(as_person(devi).get(address))
    assert "It waits." in page
    assert ">Write it off<" not in page


def run(capsys, *words):
    from django.conf import settings

    assert command.main([*words, "--state", str(settings.STATE), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_does_the_same_with_the_rights_of_who_is_named(door, camera, harper, indra, capsys, monkeypatch):
    monkeypatch.setattr(command, "boot", lambda _state: None)
    as_harper, as_indra = ("--as", "harper", "--reason", "taken from a van"), ("--as", "indra", "--reason", "agreed")
    said = run(capsys, "write-off", "propose", "0417", "--because", "stolen", *as_harper)
    assert (said["write_off"], said["given_up"]["epochs_to_go"]) == ("proposed", epochs()[:3])
    with pytest.raises(SecondPersonNeeded, match="opened"):
        run(capsys, "write-off", "confirm", "0417", *as_indra)
    with pytest.raises(NotPermitted):
        run(capsys, "write-off", "confirm", "0417", *as_harper)
    shown = run(capsys, "write-off", "show", "0417", *as_indra)
    assert shown["given_up"] == said["given_up"]
    assert run(capsys, "write-off", "confirm", "0417", *as_indra)["write_off"] == "confirmed"
    listed = run(capsys, "list")["cameras"][0]
    assert (listed["state"], bool(listed["written_off"])) == ("revoked", True)
    assert run(capsys, "write-off", "take-back", "0417", *as_harper)["write_off"] == "taken-back"
    run(capsys, "write-off", "propose", "0417", "--because", "lost", *as_harper)
    assert run(capsys, "write-off", "withdraw", "0417", *as_harper)["write_off"] == "withdrawn"
    run(capsys, "write-off", "propose", "0417", "--because", "lost", *as_harper)
    run(capsys, "write-off", "show", "0417", *as_indra)
    assert run(capsys, "write-off", "refuse", "0417", *as_indra)["write_off"] == "refused"
    assert Event.objects.filter(outcome="refused", details__deed__startswith="fleet write-off").count() == 2
