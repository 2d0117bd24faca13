"""A month passes, and the deletion of what nobody flagged is proposed."""

from openbwv.demo.force import DAY_MS
from openbwv.demo.story.forging import begin_forging
from openbwv.demo.story.telling import Story, step
from openbwv.demo.story.watching import trail


@step("A month passes, and deletion is proposed")
def a_month_passes(story: Story) -> None:
    """The clock goes to B's end + 30 × 24 h in small steps; every job runs after each."""
    force = story.force
    begin_forging(story)
    steps = force.move_clock(story.captured_ms["B"] + 30 * DAY_MS, told=lambda day: story.told(f"      day {day:.1f}"))
    story.shows(f"In {steps} steps of at most 12 hours, every job kept up", "bwv check")
    plan = plan_of_deletion(story)
    waiting = {name for name in ("B", "C") if plan.get(name) == "wait"}
    story.must(
        waiting == {"B", "C"}, "The deletion of B and C is proposed, and waits its 72 hours", "bwv retention", plan
    )
    story.must("A" not in plan or plan["A"] == "keep", "A's is not", "bwv retention", plan)
    events = trail(force.visitor("devi"), story.references["B"])
    story.must("delete-proposed" in events, "B's trail has the proposal", "HTTP", events)


def plan_of_deletion(story: Story) -> dict[str, str]:
    """Return what a run of the deletion job would do with each of the three recordings."""
    lines = story.force.runner.run("retention", "--json", "--state", story.force.state).json()["lines"]
    deeds = {line["reference"]: line["deed"] for line in lines}
    return {name: deeds[reference] for name, reference in story.references.items() if reference in deeds}
