"""Pages and commands of deletion."""

import json
import re
from datetime import timedelta

import pytest

from openbwv.recording import DestructionCertificate
from openbwv.recording.registry import Trigger
from openbwv.server.clock import utc
from openbwv.server.commands import policy as policy_command
from openbwv.server.commands import retention as retention_command
from openbwv.server.people.todo import todo_for
from openbwv.server.retention import actions
from openbwv.server.retention.models import FlagRemoval, PolicyVersion
from openbwv.server.trail.models import Event
from tests.server import cast
from tests.server.retention.steps import HOUR_MS

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def sign_in(clock):
    """Return a function that gives a browser of its own to each person."""
    from django.test import Client

    def signed(person):
        browser = Client()
        browser.force_login(person, backend=BACKEND)
        return browser

    return signed


@pytest.fixture
def command(settings, capsys, monkeypatch):
    """Return a function that runs a command in this process and gives its JSON."""
    for module in (policy_command, retention_command):
        monkeypatch.setattr(module, "boot", lambda state: None)

    def run(module, *arguments):
        assert module.main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_a_policy_goes_through_two_browsers(sign_in, units, indra, lou, clock):
    first, second = sign_in(indra), sign_in(lou)
    proposal = {"days": 31, "least_days": 7, "log_years": 6, "reason": "rule"}
    answer = first.post("/retention/policy/propose", proposal, follow=True)
    assert b"It takes another person who is a records manager or administrator: Lou." in answer.content
    assert second.post("/retention/policy/1/approve", {"reason": "blind"}).status_code == 403
    assert b"Bring it into force" in second.get("/retention/policy/1").content
    assert b"Bring it into force" not in first.get("/retention/policy/1").content
    assert first.post("/retention/policy/1/approve", {"reason": "me too"}).status_code == 403
    answer = second.post("/retention/policy/1/approve", {"reason": "read"}, follow=True)
    assert b"is in force" in answer.content
    assert PolicyVersion.objects.get().approved_by == lou
    assert Event.objects.filter(outcome="refused").count() == 2


def test_the_dry_run_page_says_what_would_happen(sign_in, indra, avery, gale, clock):
    made = cast.recording(officer=avery, ingest_utc=utc(clock))
    actions.recording_ingested(made, clock)
    browser = sign_in(indra)
    assert b"Nothing is due" in browser.get("/retention/").content
    clock.advance(28 * 24 * HOUR_MS)
    assert b"Deletion is proposed" in browser.get("/retention/").content
    assert b"No policy is in force" in browser.get("/retention/").content


def test_a_flag_is_taken_off_on_the_page_of_decisions(sign_in, avery, blake, indra, gale, clock):
    from openbwv.server.cases.actions import open_matter
    from openbwv.server.evidence.actions import place_flag

    made = cast.recording(officer=avery, ingest_utc=utc(clock))
    actions.recording_ingested(made, clock)
    matter = open_matter(reference="1/26", title="t", actor=gale, clock=clock)
    flag = place_flag(recording=made, category="arrest", matter=matter, actor=avery, clock=clock)
    actions.propose_flag_removal(flag=flag, reason="wrong one", actor=blake, session="b", clock=clock)
    removal = FlagRemoval.objects.get()
    browser = sign_in(indra)
    assert b"Flags to take off" in browser.get("/retention/decisions").content
    page = f"/retention/flags/{removal.pk}"
    assert b"wrong one" in browser.get(page).content
    assert b"The flag is off" in browser.post(page, {"reason": "agreed", "decision": "confirm"}, follow=True).content
    assert b"This has been decided" in browser.get(page).content


def test_the_certificate_page_shows_both_dates_and_gives_the_files(sign_in, force, indra, frankie):
    from openbwv.server.vault.actions import rotate_retention_key

    recording = force.dock()
    browser = sign_in(indra)
    address = f"/retention/certificates/{recording.reference}"
    assert browser.get(address).status_code == 404
    force.wait(days=31)
    page = browser.get(address).content
    assert b"Not yet: with the next change of the retention key" in page
    assert b"What it cannot prove" in page
    data = browser.get(f"{address}/phase1.cbor").content
    assert DestructionCertificate.decode(data, trust=None).body.rec_id == recording.rec_id
    assert browser.get(f"{address}/phase2.cbor").status_code == 404
    rotate_retention_key(clock=force.clock)
    force.log.drain()
    force.wait(hours=1)
    assert b"Not yet" not in browser.get(address).content
    assert browser.get(f"{address}/phase2.cbor").status_code == 200
    tombstone = browser.get(recording.get_absolute_url()).content
    assert b"Destruction certificate" in tombstone
    assert b"Deleted on" in tombstone
    assert sign_in(frankie).get(address).status_code == 403


def test_what_is_deleted_soon_is_listed_for_its_officer_alone(sign_in, avery, noor, clock):
    made = cast.recording(officer=avery, ingest_utc=utc(clock))
    actions.recording_ingested(made, clock)
    clock.advance(26 * 24 * HOUR_MS)
    assert b"BWV-2026-000001" in sign_in(avery).get("/retention/soon").content
    assert b"BWV-2026-000001" not in sign_in(noor).get("/retention/soon").content


def test_owner_and_supervisor_are_warned_at_home_and_marked_or_signal_started_ones_come_first(
    sign_in, avery, blake, noor, gale, clock
):
    due = utc(clock) + timedelta(days=7)
    pressed = {"trigger": int(Trigger.BUTTON)}
    for number, facts in enumerate(({}, {"marker_count": 1}, {"trigger": int(Trigger.SIGNAL)}, {"held_count": 1}), 1):
        ahead = due - timedelta(minutes=5 - number)
        cast.recording(officer=avery, number=number, retain_until_utc=ahead, **(pressed | facts))
    cast.recording(officer=avery, number=9, retain_until_utc=due + timedelta(seconds=1))
    for person in (avery, blake):
        line = next(line for line in todo_for(person, clock) if line.words == "recordings delete in the next 7 days")
        assert line.count == 3
        page = sign_in(person).get(line.address).content.decode()
        assert re.findall(r"/recordings/BWV-2026-(\d+)", page) == ["000002", "000003", "000001"]
    for person in (noor, gale):
        assert not any("7 days" in line.words for line in todo_for(person, clock))


@pytest.mark.parametrize(("day", "counted"), [(23, 0), (25, 1), (40, 1)])
def test_home_counts_for_the_records_manager_what_stays_only_because_it_came_late(force, indra, avery, day, counted):
    recording = force.dock(seconds_ago=day * 86_400)
    words = "recording stays beyond 31 days only because it came late"

    def count(person):
        return sum(line.count for line in todo_for(person, force.clock) if line.words == words)

    assert (count(indra), count(avery)) == (counted, 0)
    actions.place_hold(recording=recording, kind="person", reason="asked for", actor=indra, clock=force.clock)
    assert count(indra) == 0  # now it stays because somebody asked


def test_home_tells_the_records_manager_that_no_policy_is_in_force(units, indra, avery, clock):
    assert any("policy is missing" in line.words for line in todo_for(indra, clock))
    assert not todo_for(avery, clock)


def test_commands_propose_show_and_approve(command, units, indra, lou, clock):
    made = command(policy_command, "propose", "--days", "31", "--as", "indra", "--reason", "rule")
    assert (made["number"], made["state"]) == (1, "waits for a second person")
    assert command(policy_command, "show", "1", "--as", "lou", "--reason", "asked")["earlier"] == []
    assert command(policy_command, "approve", "1", "--as", "lou", "--reason", "read")["state"] == "approved"
    assert [row["number"] for row in command(policy_command, "list")["versions"]] == [1]


def test_approving_unread_is_refused_on_the_command_line_too_and_logged(command, units, indra, lou, clock):
    from openbwv.server.retention.errors import SecondPersonNeeded

    command(policy_command, "propose", "--as", "indra", "--reason", "rule")
    with pytest.raises(SecondPersonNeeded):
        policy_command.main(["approve", "1", "--as", "lou", "--reason", "blind"])
    assert Event.objects.get(outcome="refused").actor == lou


def test_the_dry_run_command_changes_nothing_and_execute_does_it(command, force, tmp_path, indra):
    recording = force.dock()
    force.wait(days=27)
    force.clock.advance(13 * HOUR_MS)
    before = Event.objects.count()
    answer = command(retention_command)
    assert [(line["reference"], line["deed"]) for line in answer["lines"]] == [(recording.reference, "propose")]
    assert Event.objects.count() == before
    assert command(retention_command, "--execute")["proposed"] == 1
    force.wait(days=4)
    target = tmp_path / "certificate.cbor"
    command(
        retention_command, "--certificate", recording.reference, "--to", str(target), "--as", "indra", "--reason", "x"
    )
    assert DestructionCertificate.decode(target.read_bytes(), trust=None).body.phase == 1


@pytest.fixture
def asked(avery, gale, indra, clock):
    """Return Gale's hold, which Indra has asked to release."""
    made = cast.recording(officer=avery, ingest_utc=utc(clock))
    actions.recording_ingested(made, clock)
    hold = actions.place_hold(recording=made, kind="person", reason="a complaint", actor=gale, clock=clock)
    return actions.release_hold(hold=hold, reason="none came", actor=indra, session="i", clock=clock)


def test_who_may_release_a_hold_is_named_before_and_after_it_was_asked_for(
    sign_in, asked, gale, indra, blake, casey, clock
):
    page = asked.recording.get_absolute_url()
    words = "supervisor, disclosure officer or records manager: Casey, Sgt Blake. They see it on their home page."
    browser = sign_in(indra)
    assert (
        f"Indra has asked to release it. It takes another person who is a {words}" in browser.get(page).content.decode()
    )
    assert words in browser.get("/retention/decisions").content.decode()
    second = actions.place_hold(recording=asked.recording, kind="person", reason="x", actor=gale, clock=clock)
    assert words in browser.get(page).content.decode().split("Release this hold")[1]
    told = browser.post(f"{page}/holds/{second.pk}/release", {"reason": "over"}, follow=True).content.decode()
    assert f"Asked for. It takes another person who is a {words}" in told
    for person in (blake, casey):
        assert any(line.words == "releases of holds to decide" and line.count == 2 for line in todo_for(person, clock))


def test_the_second_person_may_say_no_and_then_nothing_waits(sign_in, asked, blake, indra):
    browser, page = sign_in(blake), f"/retention/holds/{asked.pk}"
    assert browser.get(page).status_code == 200
    assert "This field is required" in browser.post(page, {"decision": "decline"}).content.decode()
    assert b"The hold stays" in browser.post(page, {"decision": "decline", "reason": "not yet"}, follow=True).content
    asked.refresh_from_db()
    assert (asked.released_utc, asked.release_asked_by) == (None, None)
    assert b"Nothing waits for you" in browser.get("/retention/decisions").content
    event = Event.objects.filter(details__deed="release-declined").get()
    assert (event.actor, event.details["first"], event.why) == (blake, "indra", "not yet")


def test_whoever_asked_may_take_it_back_but_not_confirm_it(sign_in, asked, indra):
    browser, page = sign_in(indra), f"/retention/holds/{asked.pk}"
    text = browser.get(page).content.decode()
    assert "Take it back" in text
    assert "Release the hold" not in text
    assert browser.post(page, {"decision": "confirm"}).status_code == 403
    assert b"The hold stays" in browser.post(page, {"decision": "decline", "reason": "my mistake"}, follow=True).content
    assert Event.objects.filter(details__deed="release-taken-back").get().actor == indra
    assert browser.post(page, {"decision": "decline", "reason": "again"}).status_code == 409


def test_whoever_may_neither_release_nor_check_cannot_keep_it_either(asked, devi, clock):
    from openbwv.server.people.actions import NotPermitted

    with pytest.raises(NotPermitted):
        actions.keep_hold(hold=asked, reason="x", actor=devi, clock=clock)


def test_an_early_deletion_can_be_declined_and_taken_back_on_its_page(sign_in, force, indra, lou):
    from openbwv.server.retention.actions.early import propose_early

    recording = force.dock()
    deletion = propose_early(recording=recording, reason="a mistake", actor=indra, session="i", clock=force.clock)
    page = f"/retention/early/{deletion.pk}"
    text = sign_in(indra).get(page).content.decode()
    assert "Take it back" in text
    assert "Agree to delete it" not in text
    browser = sign_in(lou)
    assert "No, it keeps its date" in browser.get(page).content.decode()
    assert b"This field is required" in browser.post(page, {"decision": "decline"}).content
    assert b"It keeps its date." in browser.post(page, {"decision": "decline", "reason": "no"}, follow=True).content
    assert b"This has been decided" in browser.get(page).content
