"""An event as a plain sentence: what was done, by which rule, with times as 0:10 and sizes as people write them.

What an event committed to stays as it is in `Event.details`; a page shows that too, behind "Details". A kind of event
that no sentence here is about gets the one of its type.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from openbwv.custody import EventType
from openbwv.recording import CATEGORIES
from openbwv.server.disclosure.models import MatchState
from openbwv.server.people.models import Person
from openbwv.server.people.templatetags.plain import day, moment_of, size
from openbwv.server.retention.models import HoldKind
from openbwv.server.trail.models import Event

Details = dict[str, Any]
WATCHED_FOR = {"watch": "", "check": " to check a copy for a request"}
WORK = {
    "index": "to look for its pictures and times",
    "thumbnail": "to make its still",
    "export": "to write a bundle",
    "release": "to make a copy for a request",
}
SCOPES = {
    "own": "It is their own recording.",
    "unit": "It was recorded in their unit.",
    "request": "A request assigned to them matches it.",
    "placed": "They had placed it.",
    "any": "Their role reaches every recording.",
    "yes": "It is part of their role.",
    "team": "It is restricted, and they are in its team.",
    "refused": "None of their roles allows it.",
    "restricted": "It is restricted to its team, and they are not in it.",
}
RULES = {
    "every fragment's signed hash was checked; stored durably": "Every part fits its signature, and all are on disk.",
    "watch-to-check": "They check a copy that shows it.",
    "watch-release-copy": "They made the copy or check it.",
    "hold-request": "A request holds what it matches.",
    "release-hold-closing": "The request was closed or narrowed.",
    "embargo-lifts-with-its-matter": "An embargo ends with its matter.",
    "write-off-lapses": "A camera that docks after all is not written off.",
    "release-copy": "Two people agree before a copy leaves.",
    "request-decision": "The officer of the request decides.",
    "reference, secret and one-time code": "They gave the reference, the secret and the one-time code.",
    "a flag, hold or open matter cancels a deletion": "A flag, a hold or an open matter cancels a deletion.",
    "two people, before its time": "Two people agreed to delete it before its time.",
    "two-people": "Two people have to agree.",
    "export": "Their role lets them download.",
    "manifest": "Its list of parts has arrived through a dock.",
    "journal": "The camera's journal says so.",
    "closed: left": "The page was left.",
    "closed: silence": "Nothing was heard from the page for a minute.",
    "closed: expired": "Ten minutes were over.",
    "closed: deleted": "The recording was being deleted.",
    "closed: no key": "The key was not given, so nothing was shown.",
    "least-after-ingest": "It was docked late and stays a week after that.",
    "after-last-reason": "What kept it has ended.",
    "wait-after-ingest": "It was docked late, and its deletion waits 72 hours.",
    "wait-after-proposal": "Its deletion was proposed late and waits 72 hours.",
}
BY_ITSELF = {
    "asker": "The person who asked",
    "door": "The server",
    "disclosure": "The server",
    "retention": "The deletion job",
    "request for footage": "A request for footage",
    "worker": "The server",
    "not signed in": "Somebody who was not signed in",
}


def what_was_done(event: Event) -> str:
    """Return the event in a sentence or two; the sentence of its type where nothing more is known."""
    tell = TELLERS.get(event.type)
    return (tell(event.details) if tell else "") or event.sentence


def by_which_rule(event: Event) -> str:
    """Return the rule in a sentence, empty where its sign says nothing to a reader; the sign is in the details."""
    rule = event.rule
    if rule in RULES:
        return RULES[rule]
    if rule.startswith("policy version "):
        return f"Retention policy, {rule.removeprefix('policy ')}."
    if rule.startswith("capture-") and rule.endswith("-days"):
        return f"The policy: {rule.split('-')[1]} days after recording."
    if event.type == EventType.DECISION and " " in rule:
        return f"Ground: {rule}"
    if event.type in ASKED_FOR and "-" in rule:
        return SCOPES.get(rule.rpartition("-")[2], "")
    return ""


def who_did_it(event: Event) -> str:
    """Return the person's name, or in words which part of the system acted."""
    label = event.actor_label
    if event.actor is None:
        if label.startswith("job "):
            return "The server"
        return BY_ITSELF.get(label, label[:1].upper() + label[1:]) or "The server"
    name = str(event.actor)
    return name if label in ("", event.actor.get_username()) else f"{name} ({label})"


def span(from_ms: int | None, to_ms: int | None) -> str:
    """Return a stretch of a recording as `0:05–0:20`; `from 0:05 on` when its end is open."""
    if to_ms is None:
        return f"from {moment_of(from_ms)} on"
    return f"{moment_of(from_ms)}–{moment_of(to_ms)}"


# ── one function for each type of event that says more than its type ─────────────────────────────────────────────
ASKED_FOR = frozenset(
    {
        EventType.ASSIGN, EventType.WRITE_OFF, EventType.CLASSIFY, EventType.HOLD, EventType.UNHOLD, EventType.VIEW,
        EventType.EXPORT, EventType.DECISION, EventType.REFUSED, EventType.DELETE_CANCELLED,
    }
)  # fmt: skip


def _ingest(details: Details) -> str:
    sentence = "The server has stored and checked the whole recording"
    return f"{sentence}: {size(details['media_length'])}." if "media_length" in details else ""


def _unclosed(details: Details) -> str:
    if "media_length" not in details:
        return ""
    return (
        f"The server has stored and checked the recording up to where it breaks off: {size(details['media_length'])}."
    )


def _inventory(details: Details) -> str:
    if details.get("deed") != "announced":
        return ""
    return f"Its list of parts has arrived; camera {details.get('camera')} may still hold the picture and sound."


def _assign(details: Details) -> str:
    if details.get("deed") != "claim":
        return ""
    return f"{_person(details.get('officer'))} was named as the one who had the camera."


def _write_off(details: Details) -> str:
    camera = f"camera {details.get('camera')}"
    first = f" {_person(details['first'])} had proposed it." if details.get("first") else ""
    return {
        "given-up": f"What of it is not here was given up: {camera} was written off by two people.",
        "wanted-again": f"What of it is not here is waited for again: the write-off of {camera} was taken back.",
        "proposed": f"It was proposed to write {camera} off; a records manager decides.",
        "confirmed": f"A second person wrote {camera} off; what it holds is given up.{first}",
        "refused": f"A second person refused to write {camera} off.{first}",
        "withdrawn": f"The proposal to write {camera} off was withdrawn.",
        "lapsed": f"The proposal to write {camera} off lapsed, since something of it came in.",
        "taken-back": f"The write-off of {camera} was taken back, since it turned up.",
    }.get(str(details.get("deed")), "")


def _classify(details: Details) -> str:
    tell = CLASSIFIED.get(str(details.get("deed")))
    return tell(details) if callable(tell) else tell or ""


def _category(details: Details) -> str:
    return f"Its category was set to “{_title(details.get('to'))}”; it was “{_title(details.get('from'))}”."


def _label(details: Details) -> str:
    also = ", and it was flagged as evidence there" if details.get("evidential") else ""
    return f"Its category was set on the camera to “{_title(details.get('category'))}”{also}."


def _flag(details: Details) -> str:
    sentence = "It was flagged as evidence"
    if details.get("media_ms") is not None:
        sentence += f" at {moment_of(details['media_ms'])}"
    if details.get("matter"):
        sentence += f" in the matter {details['matter']}"
    if details.get("review_date"):
        sentence += f", to be looked at again on {_day(details['review_date'])}"
    return f"{sentence}."


def _second(sentence: str) -> Callable[[Details], str]:
    """Return a teller that adds who asked first."""

    def tell(details: Details) -> str:
        return f"{sentence} {_person(details['first'])} had asked for it." if details.get("first") else sentence

    return tell


def _hold(details: Details) -> str:
    if details.get("request"):
        return f"It was put on hold by the request {details['request']}: it cannot be deleted until that is released."
    kind = details.get("kind")
    by = f" ({HoldKind(kind).label.lower()})" if kind in HoldKind.values else ""
    return f"It was put on hold{by}: it cannot be deleted until the hold is released."


def _view(details: Details) -> str:
    if details.get("copy"):
        return f"A person watched the copy made for the request {details.get('request')}."
    part = ""
    if details.get("from_ms") or details.get("to_ms") is not None:
        part = f", {span(details.get('from_ms'), details.get('to_ms'))} only"
    asked = f" for the request {details['request']}" if details.get("request") else ""
    return f"A person began to watch the recording{part}{asked}."


def _viewed(details: Details) -> str:
    spans = [span(*each) for each in details.get("spans_ms") or []]
    if not spans:
        return "Watching ended; nothing was shown."
    return f"Watching ended; it showed {_listed(spans)}."


def _key_release(details: Details) -> str:
    if details.get("purpose") not in WORK:
        return ""
    asked = f" {details['request']}" if details.get("request") else ""
    return f"The recording's key was given to a job {WORK[details['purpose']]}{asked}."


def _export(details: Details) -> str:
    if details.get("deed") == "fetched":
        return "The offline bundle was saved by who asked for it."
    if "sealed" not in details:
        return ""
    how = "sealed, without its key" if details["sealed"] else "as an offline bundle with the video"
    return f"It was downloaded {how}."


def _request(details: Details) -> str:
    if details.get("deed") != "embargo-lifted":
        return ""
    return f"Its embargo ended; the request {details.get('request')} is to decide it anew."


def _decision(details: Details) -> str:
    asked = details.get("request") or "of somebody"
    if "decision" in details:
        chosen = details["decision"]
        words = MatchState(chosen).label if chosen in MatchState.values else chosen
        return f"It was decided for the request {asked}: {words}."
    return {
        "planned": f"A copy of it was planned for the request {asked}{_plan(details)}.",
        "made": f"The copy for the request {asked} was made: {size(details.get('length'))}.",
        "checked": f"A second person checked the copy for the request {asked} and said it may leave.",
        "declined": f"A second person checked the copy for the request {asked} and said no.",
    }.get(str(details.get("deed")), "")


def _plan(details: Details) -> str:
    plan = details.get("plan") or {}
    words = f": {span(plan.get('from_ms'), plan.get('to_ms'))}" if plan else ""
    words += ", picture covered" if plan.get("fill") else ""
    words += ", no sound" if plan.get("drop_sound") else ", sound silenced" if plan.get("silence") else ""
    return words + (f", to be checked by {_person(details['checker'])}" if details.get("checker") else "")


def _release(details: Details) -> str:
    if "length" not in details:
        return ""
    asked, length = details.get("request"), size(details["length"])
    if details.get("deed") == "handed-over":
        return f"The copy was handed over in person to who made the request {asked}: {length}."
    return f"The person who made the request {asked} downloaded the copy: {length}."


def _authorised(details: Details) -> str:
    people = [_person(name) for name in details.get("approvals") or []]
    return f"Deletion was authorised, as {_listed(people)} had approved." if people else ""


def _erased(details: Details) -> str:
    if "bytes" not in details:
        return ""
    return f"The recording and its key were erased from the server: {size(details['bytes'])}."


def _refused(details: Details) -> str:
    return f"Refused; nothing was done. {details['what']}" if details.get("what") else ""


CLASSIFIED: dict[str, str | Callable[[Details], str]] = {
    "category": _category,
    "label": _label,
    "flag": _flag,
    "flag-removal-proposed": "Somebody asked to take a flag off; a records manager decides.",
    "flag-removal-declined": _second("A flag was to be taken off; a second person said no."),
    "flag-removed": _second("A flag was taken off by a second person."),
    "release-asked": "Somebody asked to release a hold; a second person decides.",
    "release-taken-back": "Whoever asked to release a hold took that back; the hold stays.",
    "release-declined": _second("A hold was to be released; a second person said no."),
    "restrict": "It was restricted to a team.",
    "unrestrict": "Its restriction was lifted.",
}
TELLERS: dict[int, Callable[[Details], str]] = {
    EventType.INVENTORY: _inventory,
    EventType.ASSIGN: _assign,
    EventType.WRITE_OFF: _write_off,
    EventType.INGEST: _ingest,
    EventType.INGEST_UNCLOSED: _unclosed,
    EventType.CLASSIFY: _classify,
    EventType.HOLD: _hold,
    EventType.UNHOLD: _second("A hold on the recording was released."),
    EventType.VIEW: _view,
    EventType.VIEWED: _viewed,
    EventType.KEY_RELEASE: _key_release,
    EventType.EXPORT: _export,
    EventType.REQUEST: _request,
    EventType.DECISION: _decision,
    EventType.RELEASE: _release,
    EventType.DELETE_AUTHORISED: _authorised,
    EventType.ERASED: _erased,
    EventType.REFUSED: _refused,
}


def _title(slug: Any) -> str:
    return CATEGORIES[slug].title if slug in CATEGORIES else str(slug or "No category yet")


def _person(username: Any) -> str:
    found = Person.objects.filter(username=username).first()
    return str(found or username)


def _day(iso: str) -> str:
    return day(date.fromisoformat(iso))


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
