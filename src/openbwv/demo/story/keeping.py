"""A month passes, and the deletion of what nobody flagged is proposed."""

from datetime import UTC, datetime

from openbwv.demo import judges
from openbwv.demo.force import DAY_MS, HEARTBEAT_SLACK_MS
from openbwv.demo.processes import StepFailed
from openbwv.demo.story.forging import begin_forging
from openbwv.demo.story.telling import Story, step
from openbwv.demo.story.watching import trail

WAIT_H = 72
BEHIND = "SELECT job, clock_utc, outcome FROM trail_jobheartbeat WHERE outcome <> 'done' OR clock_utc < ?"
RUNNING = """SELECT recording_id, state, round(24 * (julianday(opens_utc) - julianday(proposed_utc)), 2)
             FROM retention_deletion WHERE state <> 'cancelled'"""


@step("A month passes, and deletion is proposed")
def a_month_passes(story: Story) -> None:
    """The clock goes to B's end + 30 × 24 h in small steps; every job runs after each."""
    force = story.force
    begin_forging(story)
    steps = force.move_clock(story.captured_ms["B"] + 30 * DAY_MS, told=lambda day: story.told(f"      day {day:.1f}"))
    behind = judges.rows(force.database, BEHIND, as_stored(force.now_ms() - HEARTBEAT_SLACK_MS))
    story.must(not behind, f"In {steps} steps of at most 12 hours, every job kept up", "SQLite", behind)
    proposed = deletions(story)
    story.must(
        {name: state for name, (state, _) in proposed.items()} == {"B": "proposed", "C": "proposed"},
        "The deletion of B and C is proposed, and A's is not", "SQLite", proposed,
    )  # fmt: skip
    waits_h = min(hours for _, hours in proposed.values())
    story.must(waits_h >= WAIT_H, f"It waits {WAIT_H} hours, in which somebody may object", "SQLite", proposed)
    plan = plan_of_deletion(story)
    if (plan.get("B"), plan.get("C")) != ("wait", "wait") or plan.get("A", "keep") != "keep":
        raise StepFailed("The dry run says otherwise.", str(plan))
    events = trail(force.visitor("devi"), story.references["B"])
    story.must("delete-proposed" in events, "B's trail has the proposal", "HTTP", events)


def deletions(story: Story) -> dict[str, tuple[str, float]]:
    """Return, of each recording whose deletion is proposed or under way: its state, and for how many hours it waits."""
    names = {folder.name: name for name, folder in story.recordings.items()}
    return {names[rec_id]: (state, hours) for rec_id, state, hours in judges.rows(story.force.database, RUNNING)}


def as_stored(utc_ms: int) -> str:
    """Return a time as the database writes it, for a comparison of texts."""
    return f"{datetime.fromtimestamp(utc_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def plan_of_deletion(story: Story) -> dict[str, str]:
    """Return what a run of the deletion job would do with each of the three recordings."""
    lines = story.force.runner.run("retention", "--json", "--state", story.force.state).json()["lines"]
    deeds = {line["reference"]: line["deed"] for line in lines}
    return {name: deeds[reference] for name, reference in story.references.items() if reference in deeds}
