"""An officer finds and watches what they filmed, and A is flagged as evidence."""

from pathlib import Path
from typing import Any

from openbwv.demo import judges
from openbwv.demo.pages import Page, Visitor
from openbwv.demo.processes import StepFailed
from openbwv.demo.story.filming import MUTED
from openbwv.demo.story.telling import Story, step

PICTURES_PER_S = 25
EDGE_S = 0.3  # a mute begins and ends with a sound frame


@step("An officer finds and watches what they filmed")
def an_officer_finds_and_watches(story: Story) -> None:
    """Library, refusal of somebody without rights, one GET a fragment, and the film that comes of it."""
    avery, noor = story.force.visitor("avery"), story.force.visitor("noor")
    marked = references(avery.get("/recordings/?flag=marked"))
    every = references(avery.get("/recordings/"))
    story.must(len(every) == 2 and len(marked) == 1, "PC Avery finds A and B and nothing else", "HTTP", every)
    story.references = {"A": marked[0], "B": next(each for each in every if each not in marked)}
    story.references["C"] = references(noor.get("/recordings/"))[0]
    page = story.force.visitor("frankie").get(f"/recordings/{marked[0]}", expect=403)
    story.must(
        "BWV-" not in page.text.replace(marked[0], ""), "Frankie, who has no rights, sees nothing", "HTTP", page.text
    )
    film = watch(story, avery, "A")
    streams = judges.streams(film)
    length = streams["video"]["duration_s"]
    if not Path(story.source).is_file():
        story.has_sound = "audio" in streams  # of a device nobody knew before
    heard = " and sound" if story.has_sound else "; what was filmed has no sound"
    story.must(story.plays(streams), f"Avery watches A: {length:.1f} s of picture{heard}", "ffprobe", streams)
    if story.has_sound:
        silent = _muted_span(story, film)
        story.must(
            silent, "While A was muted there is no sound at all, and before and after there is", "ffmpeg", silent
        )
    events = trail(avery, story.references["A"])
    story.must("view" in events, "A's page lists that it was watched", "HTTP", events)


@step("A is flagged as evidence")
def a_is_flagged(story: Story) -> None:
    """An investigator opens a matter; the officer flags A with it."""
    gale, avery = story.force.visitor("gale"), story.force.visitor("avery")
    opened = gale.get("/matters/open")
    gale.submit(opened, "open", reference="3001234/26", title="Robbery in the High Street")
    page = avery.get(address(story, "A"))
    matter = page.form("/flag").option("matter", "3001234/26")
    page = avery.submit(page, "/flag", category="arrest", matter=matter, note="Shows the arrest")
    story.must(
        "Kept" in page.text and "3001234/26" in page.text, "A's page says it is kept, and for which matter", "HTTP"
    )
    other = avery.get(address(story, "B"))
    story.must("Deletes on" in other.text, "B's page says when it will be deleted, and why", "HTTP", other.text)
    frankie = story.force.visitor("frankie")
    frankie.get(address(story, "A"), expect=403)
    events = trail(story.force.visitor("devi"), story.references["A"])
    story.must("classify" in events, "The flag is in A's trail, which the auditor reads", "HTTP", events)


def address(story: Story, name: str) -> str:
    """Return the address of a recording's page."""
    return f"/recordings/{story.references[name]}"


def references(page: Page) -> list[str]:
    """Return the references of the recordings that a page links to, in its order."""
    found = [link.rpartition("/")[2] for link, _ in page.links if link.startswith("/recordings/BWV-")]
    return list(dict.fromkeys(found))


def trail(visitor: Visitor, reference: str) -> list[str]:
    """Return the kinds of the events in a recording's trail, as names of docs/ref/events.md."""
    answer = visitor.download(f"/recordings/{reference}/trail.json").json()
    lines: list[dict[str, Any]] = answer["lines"]
    return [str(line["slug"]) for line in lines]


def watch(story: Story, visitor: Visitor, name: str) -> Path:
    """Watch a recording as the player does: one GET a fragment; returns the film they make."""
    page = visitor.get(address(story, name))
    page = visitor.submit(page, "/watch", reason="the demo watches")
    start = page.html.find('data-media="')
    if start < 0:
        raise StepFailed(f"{visitor.name} may not watch {name}.", page.text[:800])
    media = page.html[start:].split('"')[1]
    index = visitor.download(media + "index.json").json()
    film = story.folder / f"watched-{name}.mp4"
    with film.open("wb") as file:
        file.write(visitor.download(media + "init").content)
        for part in index["parts"]:
            file.write(visitor.download(f"{media}{part['seq']}").content)
    visitor.submit(page, "/leave", expect=None)
    return film


def _muted_span(story: Story, film: Path) -> list[tuple[float, float]]:
    """Return the silent spans if the muted seconds, counted from the press, are among them; else nothing."""
    spans = judges.silent_spans(film)
    wanted = MUTED[1] - MUTED[0] - 2 * EDGE_S
    return spans if any(end - start >= wanted for start, end in spans if start > EDGE_S) else []
