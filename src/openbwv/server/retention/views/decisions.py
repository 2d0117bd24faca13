"""What waits for a second person: flags to take off, holds to release, deletions before their time."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from openbwv.server.clock import clock, utc
from openbwv.server.evidence.models import Recording
from openbwv.server.people.pages import page_for
from openbwv.server.people.rights import may, require
from openbwv.server.retention import actions, queries
from openbwv.server.retention.actions.early import approve_early, decline_early, propose_early
from openbwv.server.retention.errors import NotDeletable
from openbwv.server.retention.forms import EarlyForm, KeepForm, ReasonForm
from openbwv.server.retention.models import Deletion, DeletionCause, DeletionState, FlagRemoval, Hold
from openbwv.server.retention.second import note_opened, session_of

WAITING_EARLY = {"cause": DeletionCause.EARLY, "state": DeletionState.PROPOSED, "approved_by": None}


@page_for("remove-flag-confirm", "second-check", "approve-policy-second")
@require_GET
def decisions(request: HttpRequest) -> HttpResponse:
    """List what the reader may decide as the second person, and what they asked for themselves."""
    now = utc(clock())
    removals = may(request.user, "remove-flag-confirm").allowed
    releases = queries.releases_waiting()
    second = may(request.user, "second-check").allowed
    early = may(request.user, "approve-policy-second").allowed
    waiting = Deletion.objects.filter(**WAITING_EARLY).select_related("recording")
    return render(
        request,
        "retention/decisions.html",
        {
            "removals": queries.removals_waiting().exclude(proposed_by=request.user) if removals else (),
            "releases": releases.exclude(release_asked_by=request.user) if second else (),
            "early": waiting.exclude(proposed_by=request.user) if early else (),
            "own_removals": queries.removals_waiting().filter(proposed_by=request.user),
            "own_releases": releases.filter(release_asked_by=request.user),
            "own_early": waiting.filter(proposed_by=request.user),
            "reviews": queries.reviews_overdue(now).select_related("recording") if removals else (),
            "hold_reviews": queries.hold_reviews_overdue(now).select_related("recording") if removals else (),
            "may_propose_early": may(request.user, "approve-policy-first").allowed,
        },
    )


@page_for("remove-flag-confirm")
@require_http_methods(["GET", "POST"])
def flag_removal(request: HttpRequest, removal_id: int) -> HttpResponse:
    """Read why a flag should go, and decide."""
    removal = get_object_or_404(FlagRemoval.objects.select_related("flag__recording", "proposed_by"), pk=removal_id)
    session = session_of(request)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        confirmed = request.POST.get("decision") == "confirm"
        act = actions.confirm_flag_removal if confirmed else actions.decline_flag_removal
        act(removal=removal, reason=form.cleaned_data["reason"], actor=request.user, session=session, clock=clock())
        messages.success(request, "The flag is off." if confirmed else "The flag stays.")
        return redirect("decisions")
    note_opened(what=f"flag-removal:{removal.pk}", person=request.user, session=session, clock=clock())
    return render(
        request,
        "retention/decide.html",
        {
            "heading": "Take a flag off",
            "recording": removal.flag.recording,
            "first": removal.proposed_by,
            "at": removal.proposed_utc,
            "reason": removal.reason,
            "about": removal.flag.matter or "flagged without a matter",
            "form": form,
            "choices": (("confirm", "Take the flag off", "danger"), ("decline", "Leave it on", "")),
            "over": removal.confirmed_utc is not None,
        },
    )


@page_for("second-check")
@require_http_methods(["GET", "POST"])
def hold_release(request: HttpRequest, hold_id: int) -> HttpResponse:
    """Read why somebody else's hold should end, and confirm it or say no; whoever asked may take it back."""
    hold = get_object_or_404(Hold.objects.select_related("recording", "release_asked_by"), pk=hold_id)
    session = session_of(request)
    form = KeepForm(request.POST or None)
    if request.method == "POST" and request.POST.get("decision") != "decline":
        actions.confirm_hold_release(hold=hold, actor=request.user, session=session, clock=clock())
        messages.success(request, "The hold is released.")
        return redirect("decisions")
    if request.method == "POST" and form.is_valid():
        actions.keep_hold(hold=hold, reason=form.cleaned_data["reason"], actor=request.user, clock=clock())
        messages.success(request, "The hold stays.")
        return redirect("decisions")
    note_opened(what=f"hold-release:{hold.pk}", person=request.user, session=session, clock=clock())
    return render(
        request,
        "retention/decide.html",
        {
            "heading": "Release a hold",
            "recording": hold.recording,
            "first": hold.release_asked_by,
            "at": hold.release_asked_utc,
            "reason": hold.released_reason,
            "about": hold.reason,
            "form": form,
            "choices": (
                (("decline", "Take it back: the hold stays", ""),)
                if hold.release_asked_by == request.user
                else (("confirm", "Release the hold", "danger"), ("decline", "Leave it on", ""))
            ),
            "over": hold.released_utc is not None or hold.release_asked_by is None,
        },
    )


@page_for("approve-policy-first")
@require_http_methods(["GET", "POST"])
def early(request: HttpRequest) -> HttpResponse:
    """Propose to delete a recording before its time."""
    form = EarlyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        recording = Recording.objects.filter(reference__iexact=form.cleaned_data["reference"].strip()).first()
        if recording is None:
            form.add_error("reference", "There is no recording of this reference.")
        else:
            require(request.user, "see", recording)
            try:
                deletion = propose_early(
                    recording=recording,
                    reason=form.cleaned_data["reason"],
                    actor=request.user,
                    session=session_of(request),
                    clock=clock(),
                )
            except NotDeletable as problem:
                form.add_error("reference", problem.what)
            else:
                messages.success(request, "Proposed. A second person must agree, and it waits 72 hours.")
                return redirect("early_deletion", deletion_id=deletion.pk)
    context = {"form": form, "heading": "Delete before its time", "button": "Propose"}
    return render(request, "people/form.html", context)


@page_for("approve-policy-second")
@require_http_methods(["GET", "POST"])
def early_deletion(request: HttpRequest, deletion_id: int) -> HttpResponse:
    """Read why a recording should go early, and agree or say no; whoever proposed it may take it back."""
    deletion = get_object_or_404(
        Deletion.objects.select_related("recording", "proposed_by"), pk=deletion_id, cause=DeletionCause.EARLY
    )
    session = session_of(request)
    form = KeepForm(request.POST or None)
    if request.method == "POST" and request.POST.get("decision") != "decline":
        approve_early(deletion=deletion, actor=request.user, session=session, clock=clock())
        messages.success(request, "Agreed. It is deleted when the wait is over, unless something keeps it.")
        return redirect("decisions")
    if request.method == "POST" and form.is_valid():
        decline_early(deletion=deletion, reason=form.cleaned_data["reason"], actor=request.user, clock=clock())
        messages.success(request, "It keeps its date.")
        return redirect("decisions")
    note_opened(what=f"deletion:{deletion.pk}", person=request.user, session=session, clock=clock())
    return render(
        request,
        "retention/decide.html",
        {
            "heading": "Delete before its time",
            "recording": deletion.recording,
            "first": deletion.proposed_by,
            "at": deletion.proposed_utc,
            "reason": deletion.reason,
            "about": deletion.get_state_display(),
            "form": form,
            "choices": (
                (("decline", "Take it back: it keeps its date", ""),)
                if deletion.proposed_by == request.user
                else (("confirm", "Agree to delete it", "danger"), ("decline", "No, it keeps its date", ""))
            ),
            "over": deletion.state != DeletionState.PROPOSED or deletion.approved_by_id is not None,
        },
    )
