"""What an auditor watched is shown to the supervisor of its unit for seven days, with who, when and why (R3)."""

from datetime import timedelta

import pytest

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.people.models import Person, RoleHeld
from openbwv.server.people.rights import may
from openbwv.server.trail.actions import log_event
from tests.server import cast

WHY = "Dip sample 11/26 <of Lewisham>"
LIST = "/recordings/?audited=7&unit=lewisham"
WEEK_MS = 7 * 86_400_000


def watched(recording, person, clock, why=WHY):
    """Log what starting to watch logs, by the rule that the table of rights gives this person."""
    rule = may(person, "watch", recording).rule
    return log_event(EventType.VIEW, recording=recording, actor=person, why=why, rule=rule, clock=clock)


def told(client):
    return {line.words: line for line in client.get("/").context["todo"] if "auditor" in line.words}


@pytest.fixture
def recording(avery, clock):
    return cast.recording(officer=avery)


@pytest.fixture
def other_supervisor(units):
    """Return a supervisor of Camden."""
    made = Person.objects.create_user(username="other", display_name="Sgt Other", unit=units["camden"])
    RoleHeld.objects.create(person=made, role="supervisor")
    return made


def test_the_supervisor_of_the_unit_is_told_who_watched_when_and_why(as_person, blake, devi, recording, clock):
    watched(recording, devi, clock)
    client = as_person(blake)
    line = told(client)["recording of your unit was watched by an auditor in the last 7 days"]
    assert (line.count, line.address) == (1, LIST)
    assert 'href="/recordings/?audited=7&amp;unit=lewisham"' in client.get("/").content.decode()
    page = client.get(line.address).content.decode()
    assert "Devi, Fri 20 Nov 2026, 14:02<br>Reason: Dip sample 11/26 &lt;of Lewisham&gt;" in page
    trail = f"/recordings/{recording.reference}/trail"
    assert f'href="{trail}"' in page
    assert "Dip sample 11/26" in client.get(trail).content.decode()


def test_recordings_are_counted_once_and_the_newest_viewing_is_shown(as_person, blake, devi, avery, recording, clock):
    watched(recording, devi, clock, "the first time")
    watched(recording, devi, clock, "the second time")
    watched(cast.recording(officer=avery, number=2), devi, clock)
    cast.recording(officer=avery, number=3)
    client = as_person(blake)
    assert told(client)["recordings of your unit were watched by an auditor in the last 7 days"].count == 2
    answer = client.get(LIST)
    page = answer.content.decode()
    assert {row["recording"].reference for row in answer.context["rows"]} == {"BWV-2026-000001", "BWV-2026-000002"}
    assert "the second time" in page
    assert "the first time" not in page
    assert "All 2 times in the trail" in page


@pytest.mark.parametrize("name", ["avery", "noor", "gale", "devi", "indra", "frankie"])
def test_nobody_but_a_supervisor_is_told(as_person, units, devi, recording, clock, name):
    watched(recording, devi, clock)
    assert told(as_person(cast.person(name))) == {}


def test_another_units_supervisor_is_not_told_and_finds_nothing(as_person, other_supervisor, devi, recording, clock):
    watched(recording, devi, clock)
    client = as_person(other_supervisor)
    assert told(client) == {}
    page = client.get(LIST).content.decode()
    assert "No recordings match." in page
    assert "Dip sample" not in page


def test_frankie_cannot_open_the_list(as_person, frankie, devi, recording, clock):
    watched(recording, devi, clock)
    answer = as_person(frankie).get(LIST)
    assert answer.status_code == 403
    assert b"Dip sample" not in answer.content


def test_a_supervisor_who_may_see_all_is_told_of_their_unit_only(as_person, other_supervisor, devi, recording, clock):
    RoleHeld.objects.create(person=other_supervisor, role="records")
    watched(recording, devi, clock)
    assert told(as_person(other_supervisor)) == {}


def test_a_supervisor_without_a_unit_is_told_nothing(as_person, other_supervisor, devi, recording, clock):
    Person.objects.filter(pk=other_supervisor.pk).update(unit=None)
    watched(cast.recording(number=2), devi, clock)
    assert told(as_person(Person.objects.get(pk=other_supervisor.pk))) == {}


def test_after_seven_days_it_goes_by_itself(as_person, blake, devi, recording, clock):
    watched(recording, devi, clock)
    client = as_person(blake)
    clock.advance(WEEK_MS - 1)
    assert len(told(client)) == 1
    clock.advance(1)
    assert told(client) == {}
    assert "No recordings match." in client.get(LIST).content.decode()


def test_watching_by_others_and_other_deeds_of_an_auditor_are_not_told(
    as_person, blake, gale, avery, devi, recording, clock
):
    for person in (avery, blake, gale):
        watched(recording, person, clock)
    log_event(EventType.HOLD, recording=recording, actor=devi, why="keep it", rule="hold-any", clock=clock)
    refused = {"rule": "watch-any", "outcome": "refused"}
    log_event(EventType.VIEW, recording=recording, actor=devi, why="no", **refused, clock=clock)
    log_event(EventType.KEY_RELEASE, recording=recording, actor=devi, why="no", rule="watch-any", clock=clock)
    RoleHeld.objects.create(person=avery, role="auditor")
    watched(recording, Person.objects.get(pk=avery.pk), clock)  # their own, which needs no auditor's right
    client = as_person(blake)
    assert told(client) == {}
    assert "No recordings match." in client.get(LIST).content.decode()


def test_what_is_restricted_and_what_is_deleted_is_told_too(as_person, blake, devi, avery, recording, clock):
    watched(recording, devi, clock)
    recording.state = "erased"
    recording.save()
    second = cast.recording(officer=avery, number=2, restricted=True)
    log_event(EventType.VIEW, recording=second, actor=devi, why=WHY, rule="watch-team", clock=clock)
    assert [line.count for line in told(as_person(blake)).values()] == [2]


def test_the_list_has_pages_and_asks_as_much_for_25_rows_as_for_one(
    as_person, blake, devi, avery, clock, django_assert_max_num_queries
):
    for number in range(1, 28):
        started = utc(clock) - timedelta(hours=number)
        watched(cast.recording(officer=avery, number=number, started=started), devi, clock)
    client = as_person(blake)
    client.get(LIST)
    with django_assert_max_num_queries(14):
        first = client.get(LIST)
    assert len(first.context["rows"]) == 25
    assert "audited=7&amp;unit=lewisham&amp;page=2" in first.content.decode()
    assert len(client.get(f"{LIST}&page=2").context["rows"]) == 2


def test_the_column_stands_only_where_it_was_asked_for(as_person, blake, devi, recording, clock):
    watched(recording, devi, clock)
    client = as_person(blake)
    assert "Watched by an auditor" not in client.get("/recordings/").content.decode()
    assert "Watched by an auditor" not in client.get("/recordings/?audited=rubbish").content.decode()
