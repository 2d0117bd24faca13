"""What an asker gets, what is left out of it and on which ground: for the answer, and for the page that shows it.

A copy gives in full what was asked for when it holds all of the recording that lies in the time asked for, with its
picture and its sound. Of what is withheld altogether the asker reads the ground and no time: that police were with
somebody else, and when, may be the very thing to protect. The officer's own words in the answer may say more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from openbwv.server.disclosure.models import Match, MatchState, Outcome, Release, ReleaseState, Request
from openbwv.server.redaction.plan import Plan, Span

GIVING = (MatchState.RELEASED, MatchState.PART)
WITHHOLDING = (MatchState.REFUSED, MatchState.EMBARGOED)
CHECKED = (ReleaseState.CHECKED, ReleaseState.HANDED_OUT)


@dataclass(frozen=True)
class Given:
    """One copy as its asker may know it. The times are None where the camera's clock was not set."""

    release: Release
    from_utc: datetime | None
    to_utc: datetime | None
    left_out: tuple[str, ...]
    ground: str

    @property
    def left_out_words(self) -> str:
        """Return what is left out as one line: `the picture, its end`."""
        return ", ".join(self.left_out)


def copies_given(request: Request) -> list[Given]:
    """Return the checked copies of an answered request, in the order in which they were planned."""
    ready = {"match__state__in": GIVING, "state__in": CHECKED, "object__isnull": False}
    found = Release.objects.filter(match__request=request, **ready).select_related("match__recording")
    return [_given(release) for release in found]


def withheld_grounds(request: Request) -> list[str]:
    """Return the grounds on which recordings are withheld altogether, when the answer is that a part is given."""
    if request.outcome != Outcome.PART:
        return []
    grounds = request.matches.filter(state__in=WITHHOLDING).order_by("ground").values_list("ground", flat=True)
    return list(grounds.distinct())


def copies_that_leave_out(request: Request) -> Iterator[tuple[Match, tuple[str, ...]]]:
    """Yield each match that is to be released in full by a checked copy that is not all of it, and what is missing."""
    for match in request.matches.filter(state=MatchState.RELEASED).select_related("recording", "request"):
        release = match.releases.filter(state__in=CHECKED).last()
        missing = left_out_of(release, match) if release else ()
        if missing:
            yield match, missing


def left_out_of(release: Release, match: Match) -> tuple[str, ...]:
    """Return in words what a copy leaves out of what was asked for; nothing when it gives all of it."""
    plan = Plan.from_json(release.plan, duration_ms=match.recording.duration_ms)
    asked = _asked(match)
    words = []
    if hidden := _share("the picture", plan.fill, plan.cut):
        words.append(hidden)
    if plan.drop_sound:
        words.append("the sound")
    elif silent := _share("the sound", plan.silence, plan.cut):
        words.append(silent)
    if asked is not None and plan.from_ms > asked.from_ms:
        words.append("its beginning")
    if asked is not None and plan.to_ms < asked.to_ms:
        words.append("its end")
    return tuple(words)


def _given(release: Release) -> Given:
    match = release.match
    recording, plan = match.recording, Plan.from_json(release.plan, duration_ms=match.recording.duration_ms)
    known = recording.clock_sync and recording.started_utc is not None
    return Given(
        release=release,
        from_utc=recording.started_utc + timedelta(milliseconds=plan.from_ms) if known else None,
        to_utc=recording.started_utc + timedelta(milliseconds=plan.to_ms) if known else None,
        left_out=left_out_of(release, match),
        ground=match.ground if match.state == MatchState.PART else "",
    )


def _asked(match: Match) -> Span | None:
    """Return the stretch of a recording that lies in the time asked for; all of it when its clock was not set."""
    recording, request = match.recording, match.request
    if not recording.clock_sync:
        return Span(0, recording.duration_ms)
    first_ms = (request.window_from_utc - recording.started_utc) // timedelta(milliseconds=1)
    last_ms = (request.window_to_utc - recording.started_utc) // timedelta(milliseconds=1)
    first_ms, last_ms = max(0, first_ms), min(recording.duration_ms, last_ms)
    return Span(first_ms, last_ms) if first_ms < last_ms else None


def _share(what: str, spans: tuple[Span, ...], cut: Span) -> str:
    """Return `what` when the spans cover all of the cut, `some of` it when they touch it, else nothing."""
    inside = [span for span in spans if span.from_ms < cut.to_ms and span.to_ms > cut.from_ms]
    if not inside:
        return ""
    whole = any(span.from_ms <= cut.from_ms and span.to_ms >= cut.to_ms for span in inside)
    return what if whole else f"some of {what}"
