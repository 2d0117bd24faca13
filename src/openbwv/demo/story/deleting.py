"""C is deleted between day 30.5 and 31, and its certificate has both dates by day 32."""

from openbwv.demo.force import DAY_MS, HOUR_MS
from openbwv.demo.story.telling import Story, step
from openbwv.demo.story.watching import address, trail, watch

MINUTE_MS = 60_000


@step("C is deleted with a certificate; A and B are still there")
def c_is_deleted(story: Story) -> None:
    """C goes between day 30.5 and 31 after its end; by day 32 the key that wrapped it is gone too."""
    force, end_ms = story.force, story.captured_ms["C"]
    devi = force.visitor("devi")
    force.move_clock(end_ms + 30 * DAY_MS + 12 * HOUR_MS - 10 * MINUTE_MS)
    page = devi.get(address(story, "C"))
    story.must("has been deleted" not in page.text, "Ten minutes before day 30.5 C is still there", "HTTP", page.text)
    force.move_clock(end_ms + 31 * DAY_MS)
    page = devi.get(address(story, "C"))
    story.must("has been deleted" in page.text, "On day 31 C is gone: a tombstone says when and why", "HTTP", page.text)
    events = trail(devi, story.references["C"])
    story.must("erased" in events, "C's trail says that it was erased", "HTTP", events)
    force.move_clock(end_ms + 32 * DAY_MS)
    page = devi.get(f"/retention/certificates/{story.references['C']}")
    story.must(
        "Irrecoverable" in page.text,
        "Its certificate has both dates by day 32: erased, irrecoverable",
        "HTTP",
        page.text,
    )
    for phase in (1, 2):
        file = story.folder / f"certificate-phase{phase}.cbor"
        force.runner.run(
            "retention", "--certificate", story.references["C"], "--phase", phase, "--to", file, "--as", "devi",
            "--reason", "the demo", "--state", force.state, "--json",
        )  # fmt: skip
        story.must(file.stat().st_size > 100, f"Phase {phase} of it is a signed file anybody can keep", "bwv retention")
    for name, officer in (("A", "avery"), ("B", "avery")):
        film = watch(story, force.visitor(officer), name)
        story.must(film.stat().st_size > 100_000, f"{name} is still there and plays", "HTTP")
    answer = force.runner.run("check", "--json", "--state", force.state, expect=None).json()
    story.must(answer["ok"], "Database, files, log and keys agree", "bwv check", answer["disagreements"])
