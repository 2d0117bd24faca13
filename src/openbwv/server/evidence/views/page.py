"""One recording's page, and its still."""

from typing import Any

from csp.decorators import csp_update

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from openbwv.recording import CATEGORIES
from openbwv.recording.errors import BwvError
from openbwv.server.clock import clock
from openbwv.server.evidence import forms
from openbwv.server.evidence.arrival import minutes_left
from openbwv.server.evidence.models import DownloadState, MarkKind, Recording, State
from openbwv.server.evidence.queries import flags_in_force, thumbnail_shown
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.pages import page_for
from openbwv.server.people.rights import may, may_each, require
from openbwv.server.retention.models import FlagRemoval
from openbwv.server.retention.queries import explain
from openbwv.server.vault import door
from openbwv.server.vault.models import KeyWrap, ViewingSession, WatchGrant

DEEDS = ("see", "watch", "flag", "hold", "restrict", "export", "claim", "remove-flag-propose")


def seen_recording(request: HttpRequest, reference: str) -> Recording:
    """Return the recording of this reference that the person may see.

    Somebody who may not see it learns nothing about whether it exists: both cases raise the same NotPermitted, which
    the page's guard logs.
    """
    recording = Recording.objects.select_related("officer", "unit", "camera").filter(reference=reference).first()
    decision = may(request.user, "see", recording) if recording else None
    if recording is None or not decision.allowed:
        raise NotPermitted(
            what="You may not see this recording, or there is none of this name.",
            remedy="Check the reference. If your work needs it, ask your supervisor.",
            rule=decision.rule if decision else "see-nothing",
        )
    return recording


@page_for("see")
@require_GET
@csp_update({"require-trusted-types-for": ["'script'"]})
def recording_page(request: HttpRequest, reference: str) -> HttpResponse:
    """Show one recording."""
    return show(request, seen_recording(request, reference))


def show(
    request: HttpRequest,
    recording: Recording,
    *,
    problem: BwvError | None = None,
    bound: dict[str, Any] | None = None,
) -> HttpResponse:
    """Render the page; `problem` is shown on top with its status, `bound` are forms that came back with errors."""
    if recording.state == State.ERASED:
        return render(request, "evidence/tombstone.html", _tombstone(request, recording))
    decisions = may_each(request.user, DEEDS, recording)
    context = {
        "recording": recording,
        "category": CATEGORIES[recording.category],
        "can": {deed.replace("-", "_"): decision for deed, decision in decisions.items()},
        "see": decisions["see"],
        "explanation": explain(recording),
        "flags": flags_in_force(recording),
        "holds": _holds(request, recording),
        "restriction": recording.restrictions.filter(lifted_utc=None).first(),
        "marks": recording.marks.all(),
        "minutes_left": minutes_left(recording),
        "something_here": recording.state != State.ANNOUNCED and KeyWrap.objects.filter(recording=recording).exists(),
        "viewing": _viewing(request, recording),
        "downloads": recording.downloads.filter(person=request.user, state__in=UNFETCHED),
        "facts": _facts(recording),
        "problem": problem,
        "forms": _forms(recording) | (bound or {}),
        "removals": FlagRemoval.objects.filter(flag__recording=recording, confirmed_utc=None).values_list(
            "flag_id", flat=True
        ),
    }
    return render(request, "evidence/recording.html", context, status=problem.http_status if problem else 200)


UNFETCHED = (DownloadState.WAITING, DownloadState.READY)


def _forms(recording: Recording) -> dict[str, Any]:
    started = {"category": recording.category if recording.category != "none" else ""}
    return {
        "watch": forms.WatchForm(prefix=None, auto_id="watch_%s"),
        "category": forms.CategoryForm(initial=started, auto_id="category_%s"),
        "flag": forms.FlagForm(initial=started, auto_id="flag_%s"),
        "hold": forms.HoldForm(auto_id="hold_%s"),
        "restrict": forms.ReasonForm(auto_id="restrict_%s"),
        "export": forms.ReasonForm(auto_id="export_%s"),
        "claim": forms.ClaimForm(auto_id="claim_%s"),
        "remove_flag": forms.ReasonForm(auto_id="remove_%s"),
    }


def _holds(request: HttpRequest, recording: Recording) -> list[dict[str, Any]]:
    holds = recording.holds.filter(released_utc=None).select_related("placed_by", "release_asked_by")
    return [
        {
            "hold": hold,
            "release": may(request.user, "release-hold", hold),
            "form": forms.ReasonForm(auto_id=f"h{hold.pk}_%s"),
            "decides": may(request.user, "second-check").allowed,
            "needs_second": hold.placed_by_id != request.user.pk or hold.request_id is not None,
        }
        for hold in holds
    ]


def _viewing(request: HttpRequest, recording: Recording) -> ViewingSession | None:
    """Return the viewing named in the address when it is this person's, of this recording, and still open."""
    return ViewingSession.objects.filter(
        pk=request.GET.get("viewing", ""), person=request.user, recording=recording, closed_utc=None
    ).first()


def _facts(recording: Recording) -> dict[str, list]:
    """Return what the player draws on its tracks, milliseconds from the first picture."""
    flags = [
        {"ms": f.media_ms, "words": "Flagged as evidence"} for f in flags_in_force(recording) if f.media_ms is not None
    ]
    flags += [
        {"ms": mark.from_ms, "words": mark.get_kind_display()}
        for mark in recording.marks.filter(kind__in=(MarkKind.MARKER, MarkKind.TOLD))
    ]
    muted = [
        {"from": m.from_ms, "to": m.to_ms if m.to_ms is not None else recording.duration_ms, "words": m.reason}
        for m in recording.marks.filter(kind=MarkKind.MUTE)
    ]
    watched = [
        {"from": from_ms, "to": to_ms}
        for from_ms, to_ms in WatchGrant.objects.filter(session__recording=recording)
        .order_by("from_ms")
        .values_list("from_ms", "to_ms")
        .distinct()
    ]
    return {"flags": sorted(flags, key=lambda flag: flag["ms"]), "muted": muted, "watched": watched}


def _tombstone(request: HttpRequest, recording: Recording) -> dict[str, Any]:
    return {"recording": recording, "explanation": explain(recording), "see": may(request.user, "see", recording)}


@page_for("see")
@require_GET
def thumbnail(request: HttpRequest, reference: str) -> HttpResponse:
    """Send the still of a recording through the vault's door."""
    recording = seen_recording(request, reference)
    require(request.user, "see", recording)
    if not thumbnail_shown(recording):
        raise Http404
    picture = door.read_thumbnail(recording, request.user, clock())
    kind = "image/webp" if picture[:4] == b"RIFF" else "image/jpeg"
    return HttpResponse(picture, content_type=kind, headers={"Cache-Control": "no-store"})
