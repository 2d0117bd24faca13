"""A member of the public asks for what B shows, and it is held at once."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from openbwv.demo.pages import Page, Visitor
from openbwv.demo.processes import StepFailed
from openbwv.demo.story.keeping import deletions, plan_of_deletion
from openbwv.demo.story.telling import Story, step
from openbwv.demo.story.watching import address, trail

LONDON = ZoneInfo("Europe/London")
AROUND = timedelta(minutes=20)
QUESTIONS = 12  # more than there are


@step("Ellis asks for the footage, and B is held at once")
def ellis_asks(story: Story) -> None:
    """Thirty days after B was filmed, when its deletion is proposed already."""
    ellis = story.force.stranger()
    page = _answer_questions(story, ellis)
    page = ellis.submit(page, "send my request")
    reference, secret = _marked(page, "reference"), _marked(page, "secret")
    story.request = {"reference": reference, "secret": secret}
    story.must(secret, f"Ellis has a reference, {reference}, and a secret, shown once", "HTTP", page.text)
    page = story.force.visitor("devi").get(address(story, "B"))
    story.must(
        reference in page.text and "Kept" in page.text,
        "B's page says: kept, because of this request",
        "HTTP",
        page.text,
    )
    events = trail(story.force.visitor("devi"), story.references["B"])
    story.must(
        {"hold", "delete-cancelled"} <= set(events), "The proposed deletion was cancelled by the hold", "HTTP", events
    )
    running = deletions(story)
    story.must("B" not in running, "No deletion of B is under way any more", "SQLite", running)
    story.must("C" in running, "C, filmed elsewhere and later, still waits for its own", "SQLite", running)
    plan = plan_of_deletion(story)
    if plan.get("B") in ("wait", "delete") or plan.get("C") != "wait":
        raise StepFailed("The dry run of the deletion job says otherwise.", str(plan))
    page = ellis.get(f"/ask/open/{reference}/{secret}")
    story.must(
        "BWV-" not in page.text, "Ellis sees how the request stands, not whether there is footage", "HTTP", page.text
    )
    other = story.force.stranger()
    wrong = other.submit(other.get("/ask/follow"), "open", expect=None, reference=reference, secret="A" * len(secret))
    story.must(wrong.status >= 400, "With a wrong secret nobody sees anything", "HTTP", wrong.text)


def _answer_questions(story: Story, ellis: Visitor) -> Page:
    """Go through the questions; return the page that shows all answers."""
    middle = datetime.fromtimestamp(story.captured_ms["B"] / 1000, LONDON)
    answers = {
        "kind": "subject", "day": f"{middle - AROUND:%Y-%m-%d}", "from_time": f"{middle - AROUND:%H:%M}",
        "to_time": f"{middle + AROUND:%H:%M}", "unit": "lewisham", "place": "High Street", "description": "A red coat",
        "name": "Ellis Example", "email": "ellis@example.com",
    }  # fmt: skip
    page = ellis.get(ellis.get("/ask/").link("start"))
    for _ in range(QUESTIONS):
        form = next((form for form in page.forms if form.says("continue")), None)
        if form is None:
            return page
        asked = {name: answers[name] for name in answers if f'name="{name}"' in page.html}
        page = ellis.submit(page, "continue", **asked)
    raise StepFailed("The questions do not end.", page.text[:600])


def _marked(page: Page, name: str) -> str:
    """Return the text of the element with this id."""
    found = re.search(rf'id="{name}"[^>]*>(?:<[^>]*>)*([^<]+)<', page.html)
    return found[1].strip() if found else ""
