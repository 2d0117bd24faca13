"""Pages of matters."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openbwv.server.cases import actions
from openbwv.server.cases.forms import CloseMatterForm, MemberForm, OpenMatterForm
from openbwv.server.cases.models import Matter
from openbwv.server.clock import clock
from openbwv.server.evidence.queries import visible_to
from openbwv.server.people.pages import page_for
from openbwv.server.people.paging import page_of
from openbwv.server.people.rights import may


@page_for("flag")
@require_GET
def matters(request: HttpRequest) -> HttpResponse:
    """List matters, the open ones first. Whoever may flag evidence needs to know them by reference."""
    kept = Count("flags__recording", filter=Q(flags__removed_utc=None), distinct=True)
    listed = Matter.objects.annotate(kept=kept).select_related("opened_by").order_by("closed_utc", "-opened_utc")
    facts = {"page": page_of(request, listed), "can_open": may(request.user, "open-matter").allowed}
    return render(request, "cases/matters.html", facts)


@page_for("open-matter")
@require_http_methods(["GET", "POST"])
def open_matter(request: HttpRequest) -> HttpResponse:
    """Open a matter."""
    form = OpenMatterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            matter = actions.open_matter(**form.cleaned_data, actor=request.user, clock=clock())
        except actions.MatterProblem as error:
            form.add_error("reference", f"{error.what} {error.remedy}")
        else:
            messages.success(request, f"{matter.reference} is open.")
            return redirect("matter", matter_id=matter.pk)
    return render(request, "people/form.html", {"form": form, "heading": "Open a matter", "button": "Open"})


@page_for("flag")
@require_GET
def matter_page(request: HttpRequest, matter_id: int) -> HttpResponse:
    """Show one matter and those of its recordings that the reader may see."""
    matter = get_object_or_404(Matter, pk=matter_id)
    recordings = visible_to(request.user).filter(flags__matter=matter, flags__removed_utc=None).distinct()
    return render(
        request,
        "cases/matter.html",
        {
            "matter": matter,
            "recordings": recordings,
            "in_team": matter.members.filter(pk=request.user.pk).exists(),
            "member_form": MemberForm(),
            "close_form": CloseMatterForm(),
        },
    )


@page_for("open-matter")
@require_POST
def add_member(request: HttpRequest, matter_id: int) -> HttpResponse:
    """Add somebody to the team."""
    matter = get_object_or_404(Matter, pk=matter_id)
    form = MemberForm(request.POST)
    if form.is_valid():
        actions.add_member(matter=matter, member=form.cleaned_data["member"], actor=request.user, clock=clock())
        messages.success(request, f"{form.cleaned_data['member']} is in the team.")
    return redirect("matter", matter_id=matter.pk)


@page_for("open-matter")
@require_POST
def close_matter(request: HttpRequest, matter_id: int) -> HttpResponse:
    """Close a matter."""
    matter = get_object_or_404(Matter, pk=matter_id)
    form = CloseMatterForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose how the matter ended, and give a reason.")
        return redirect("matter", matter_id=matter.pk)
    actions.close_matter(matter=matter, **form.cleaned_data, actor=request.user, clock=clock())
    messages.success(request, f"{matter.reference} is closed. What nothing else keeps is deleted in time.")
    return redirect("matter", matter_id=matter.pk)
