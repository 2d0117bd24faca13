"""Small things pages are made of: rights in words, the second person in words, long lists, times that are not clear."""

from datetime import UTC, datetime

import pytest

from openbwv.server.people.deed_words import DEEDS, rights_in_words
from openbwv.server.people.models import Person, Role
from openbwv.server.people.rules import TABLE
from openbwv.server.people.second_person import second_person_in_words
from openbwv.server.people.templatetags.plain import (
    browser_name,
    clock_time,
    day_and_second,
    day_and_time,
    moment_of,
    time_of_day,
)


def test_every_deed_of_the_table_has_words():
    assert DEEDS.keys() == TABLE.keys()


@pytest.mark.parametrize(
    ("role", "line"),
    [
        ("officer", "watch recordings: your own"),
        ("supervisor", "watch recordings: those of your unit"),
        ("investigator", "watch recordings, after giving a reason"),
        ("records", "see recordings, with their facts and their trail"),
        ("disclosure", "watch recordings: those that match a request assigned to you"),
    ],
)
def test_rights_say_how_far_they_reach(role, line):
    assert line in rights_in_words({role})


def test_two_roles_reach_as_far_as_the_wider():
    assert "watch recordings: your own and those of your unit" in rights_in_words({"officer", "supervisor"})
    assert "watch recordings, after giving a reason" in rights_in_words({"officer", "investigator"})


@pytest.mark.parametrize("role", Role.values)
def test_the_account_page_shows_no_sign_of_a_right(as_person, units, clock, role):
    person = Person.objects.create_user(username="x", password="x", display_name="X")
    person.roles_held.create(role=role)
    page = as_person(person).get("/account/me").content.decode()
    assert not [deed for deed in TABLE if "-" in deed and f">{deed}<" in page]
    assert "<li>" in page.split("You may")[1].split("</dd>")[0]


def test_the_second_person_is_named_without_the_first(casey, kim, blake, indra):
    said = second_person_in_words("second-check", indra)
    assert said == (
        "It takes another person who is a supervisor, disclosure officer or records manager: "
        "Casey, Kim, Sgt Blake. They see it on their home page."
    )


def test_many_of_them_are_not_all_listed_and_closed_accounts_are_not_named(units, indra):
    for number in range(7):
        person = Person.objects.create_user(username=f"x{number}", password="x", display_name=f"X{number}")
        person.roles_held.create(role="supervisor")
    Person.objects.filter(username="x0").update(is_active=False)
    said = second_person_in_words("second-check", indra)
    assert "X1, X2, X3, X4, X5 and others" in said
    assert "X0" not in said


def test_when_there_is_nobody_it_says_so(indra):
    said = second_person_in_words("remove-flag-confirm", indra)
    assert said == "It takes another person who is a records manager, and there is none. Ask an administrator."


def test_people_and_matters_and_cameras_come_a_page_at_a_time_and_can_be_sought(
    as_person, lou, gale, harper, units, clock
):
    from openbwv.server.cases.models import Matter
    from openbwv.server.clock import utc
    from openbwv.server.fleet.models import Camera

    Person.objects.bulk_create(Person(username=f"p{n}", display_name=f"Person {n:02}") for n in range(60))
    Camera.objects.bulk_create(
        Camera(name=f"{n:04}", kid=f"{n:064}", certificate="-", serial=str(n), enrolled_utc=utc(clock))
        for n in range(60)
    )
    Matter.objects.bulk_create(
        Matter(reference=f"M-{n:02}", title="t", opened_by=gale, opened_utc=utc(clock)) for n in range(60)
    )
    for person, address, counted in ((lou, "/people/", "accounts"), (harper, "/fleet/", "cameras")):
        first = as_person(person).get(address).content.decode()
        assert counted in first
        assert first.count('<th scope="row">') == 50
        assert 'href="?page=2"' in first
        assert "Page 2 of 2" in as_person(person).get(f"{address}?page=2").content.decode()
    assert "Page 1 of 2" in as_person(gale).get("/matters/").content.decode()
    found = as_person(lou).get("/people/?text=person+07").content.decode()
    assert "1 account with" in found
    assert "Nobody is called so." in as_person(lou).get("/people/?text=zzz").content.decode()
    assert "1 camera with" in as_person(harper).get("/fleet/?text=0042").content.decode()
    more = as_person(lou).get("/people/?text=person&page=2").content.decode()
    assert 'href="?text=person&amp;page=1"' in more


def test_an_hour_that_comes_twice_says_which_one(db):
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert day_and_time(first) == "Sun 25 Oct 2026, 01:30 BST"
    assert day_and_time(second) == "Sun 25 Oct 2026, 01:30 GMT"
    assert day_and_second(first).endswith("01:30:00 BST")
    assert clock_time(second) == "01:30:00 GMT"
    assert time_of_day(first) == "01:30 BST"
    assert day_and_time(datetime(2026, 10, 25, 2, 30, tzinfo=UTC)) == "Sun 25 Oct 2026, 02:30"
    assert day_and_time(datetime(2026, 3, 29, 1, 30, tzinfo=UTC)) == "Sun 29 Mar 2026, 02:30"


@pytest.mark.parametrize(("ms", "said"), [(None, "0:00"), (9_999, "0:09"), (61_000, "1:01"), (3_723_000, "1:02:03")])
def test_a_moment_of_a_recording(ms, said):
    assert moment_of(ms) == said


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36 Edg/156.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.0", "curl/8.0"),
        ("", "Unknown"),
    ],
)
def test_a_browser_is_called_as_people_call_it(agent, said):
    assert browser_name(agent) == said
