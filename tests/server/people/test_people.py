"""Accounts: what an administrator does, and what nobody may."""

import pytest

from openbwv.custody import EventType
from openbwv.server.people import actions
from openbwv.server.people.models import Person, Unit
from openbwv.server.trail.models import Event
from tests.server.cast import PASSWORD


def test_there_are_32_boroughs_and_making_them_twice_changes_nothing(units):
    assert Unit.objects.filter(kind="borough").count() == 32
    assert actions.ensure_units() == 0


def test_lou_adds_somebody_from_the_page_and_it_is_logged(as_person, lou, clock):
    data = {
        "username": "quinn",
        "display_name": "PC Quinn",
        "unit": "brent",
        "roles": ["officer"],
        "password": "a very long password",
    }
    answer = as_person(lou).post("/people/add", data, follow=True)
    assert b"PC Quinn has an account." in answer.content
    assert Person.objects.get(username="quinn").role_codes == {"officer"}
    assert Event.objects.get(type=EventType.ACCOUNT).details["person"] == "quinn"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"password": "short"}, "too short"),
        ({"username": "lou"}, "already an account"),
        ({"username": "two words"}, "valid"),
        ({"display_name": ""}, "required"),
    ],
)
def test_a_bad_account_comes_back_with_what_is_wrong(as_person, lou, clock, changed, message):
    data = {"username": "quinn", "display_name": "PC Quinn", "password": "a very long password"} | changed
    answer = as_person(lou).post("/people/add", data)
    assert message in answer.content.decode()
    assert not Person.objects.filter(username="quinn").exists()


def test_ones_own_line_leads_to_ones_own_account_not_to_a_form_that_is_refused(as_person, lou, clock):
    answer = as_person(lou).get("/people/lou", follow=True)
    assert answer.redirect_chain == [("/account/me", 302)]
    assert b"changed by another administrator" in answer.content


def test_nobody_changes_their_own_roles(as_person, lou, clock):
    answer = as_person(lou).post("/people/lou", {"roles": ["administrator", "records"], "active": "on"})
    assert answer.status_code == 403
    assert Person.objects.get(username="lou").role_codes == {"administrator"}
    assert Event.objects.filter(type=EventType.REFUSED, actor=lou).exists()


def test_roles_are_set_and_an_account_is_closed(as_person, lou, avery, clock):
    as_person(lou).post("/people/avery", {"roles": ["officer", "supervisor"], "unit": "camden", "active": "on"})
    changed = Person.objects.get(username="avery")
    assert changed.role_codes == {"officer", "supervisor"}
    assert changed.unit.code == "camden"
    as_person(lou).post("/people/avery", {"roles": ["officer"], "unit": "camden"})
    assert Person.objects.get(username="avery").role_codes == frozenset()


def test_a_new_password_works_and_the_old_one_does_not(as_person, lou, avery, clock):
    as_person(lou).post("/people/avery/password", {"password": "another long password"})
    avery.refresh_from_db()
    assert avery.check_password("another long password")
    assert not avery.check_password(PASSWORD)


def test_home_is_empty_without_a_role_and_says_whom_to_ask(as_person, frankie, clock):
    page = as_person(frankie).get("/").content.decode()
    assert "Ask an administrator" in page
    assert "/recordings/" not in page


def test_home_counts_what_needs_doing_and_links_to_it(as_person, avery, clock):
    from tests.server import cast

    cast.recording(officer=avery, number=1)
    page = as_person(avery).get("/").content.decode()
    assert 'href="/recordings/?category=none"' in page
    assert "recording needs a category" in page


def test_an_administrator_sets_the_address_that_a_link_for_a_new_password_goes_to(as_person, lou, avery, clock):
    browser = as_person(lou)
    browser.post("/people/avery", {"roles": ["officer"], "active": "on", "email": "avery@example.org"})
    avery.refresh_from_db()
    assert avery.email == "avery@example.org"
    details = Event.objects.filter(type=EventType.ACCOUNT).latest("id").details
    assert details["email_changed"] is True
    assert "avery@example.org" not in str(details)
    page = browser.get("/people/avery").content.decode()
    assert 'value="avery@example.org"' in page
    assert "(optional)" not in page.split("May sign in")[1]
