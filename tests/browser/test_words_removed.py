"""What is left of a recording whose trail's words are gone, and the page that says how many would go."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from openbwv.server.forgetting import forget
from tests.server.forgetting.conftest import SECRET, SIX_YEARS_AGO, make_gone
from tests.server.log_fixture import begin
from tests.server.retention.steps import approve


@pytest.mark.parametrize("view", ["light", "phone"])
def test_a_trail_without_words_says_why(open_page, cast_people, check_accessible, clock, state, view):
    people = {name: cast_people(name) for name in ("avery", "gale", "indra", "lou")}
    approve(people["indra"], people["lou"], clock)
    sequencer = begin(state)
    ended = SIX_YEARS_AGO - timedelta(days=1)
    for number in (1, 2):
        make_gone(ended, number=number, people=(people["avery"], people["gale"]))
        sequencer.drain()
        if number == 1:
            assert forget(clock)["recordings"] == 1
    page = open_page("indra", "/retention/", view)
    expect(page.get_by_text("At the next run 6 events lose the text")).to_be_visible()
    check_accessible(page, f"deletion-words-{view}")
    for address in ("recordings/BWV-2026-000001", "recordings/BWV-2026-000001/trail"):
        page = open_page("devi", f"/{address}", view)
        expect(page.get_by_text("under the rule of 6 years").first).to_be_visible()
        assert SECRET not in page.content()
        check_accessible(page, f"{address.replace('/', '-')}-without-words-{view}")
    page = open_page("devi", "/retention/certificates/BWV-2026-000001", view)
    expect(page.get_by_role("heading", name="The signed certificate was removed")).to_be_visible()
    check_accessible(page, f"certificate-removed-{view}")
