"""What deletion would do, its alarms, and what is deleted soon."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from openbwv.server.clock import clock, utc
from openbwv.server.evidence.queries import visible_to
from openbwv.server.forgetting.due import cutoff_at, waiting
from openbwv.server.people.pages import page_for
from openbwv.server.people.rights import may
from openbwv.server.retention import queries
from openbwv.server.retention.actions.confirm_clock import confirm_clock as confirm
from openbwv.server.retention.dates import policy_in_force
from openbwv.server.retention.forms import ReasonForm
from openbwv.server.retention.models import AlarmKind
from openbwv.server.retention.notices import about_to_go

PAGE_ROWS = 50
REMOVALS = 10


@page_for("see-retention")
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show the dry run: what a run of the job would do now."""
    now = utc(clock())
    page = Paginator(queries.dry_run(now), PAGE_ROWS).get_page(request.GET.get("page"))
    cutoff = cutoff_at(now)
    alarms = list(queries.alarms_open())
    return render(
        request,
        "retention/overview.html",
        {
            "now": now,
            "page": page,
            "alarms": alarms,
            "clock_leapt": any(alarm.kind == AlarmKind.CLOCK_LEAPT for alarm in alarms),
            "form": ReasonForm(),
            "policy": policy_in_force(),
            "words": waiting(cutoff) if cutoff else None,
            "removals": queries.removals()[:REMOVALS],
            "late_count": queries.kept_because_late().count(),
            "may_confirm": may(request.user, "approve-policy-first").allowed,
            "may_open": may(request.user, "see", None).allowed,
        },
    )


@page_for("approve-policy-first")
@require_POST
def confirm_clock(request: HttpRequest) -> HttpResponse:
    """Say that the clock is right although it leapt."""
    form = ReasonForm(request.POST)
    if form.is_valid():
        confirm(reason=form.cleaned_data["reason"], actor=request.user, clock=clock())
        messages.success(request, "Confirmed. Deletion goes on from now.")
    else:
        messages.error(request, "Say how you know that the clock is right.")
    return redirect("retention")


@page_for("see")
@require_GET
def soon(request: HttpRequest) -> HttpResponse:
    """List what is deleted within seven days of what the reader may see, marked recordings first."""
    rows = visible_to(request.user).filter(pk__in=about_to_go(utc(clock())).values("pk"))
    ordered = about_to_go(utc(clock())).filter(pk__in=rows.values("pk")).select_related("officer", "unit")
    page = Paginator(ordered, PAGE_ROWS).get_page(request.GET.get("page"))
    return render(request, "retention/soon.html", {"page": page})
