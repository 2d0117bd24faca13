"""Home, one's own account, and the administrator's pages of people."""

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from openbwv.server.clock import clock, utc
from openbwv.server.fleet.queries import cameras_of, not_brought_back
from openbwv.server.people import actions
from openbwv.server.people.deed_words import rights_in_words
from openbwv.server.people.forms import AddPersonForm, ChangePersonForm, PasswordForm
from openbwv.server.people.job_words import how_long_ago, how_often, job_in_words
from openbwv.server.people.models import Person, Role
from openbwv.server.people.pages import page_for
from openbwv.server.people.paging import page_of
from openbwv.server.people.todo import glance_for, todo_for
from openbwv.server.trail.models import JobHeartbeat
from openbwv.server.trail.todo import is_late


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show what needs doing and how things stand. Somebody without a role sees that, and whom to ask."""
    source = clock()
    facts = {
        "todo": todo_for(request.user, source),
        "glance": glance_for(request.user, source),
        "roles": [Role(code).label for code in sorted(request.user.role_codes)],
        "now": utc(source),
    }
    return render(request, "people/home.html", facts)


@login_required
@require_GET
def own_account(request: HttpRequest) -> HttpResponse:
    """Show one's own roles, rights and ways to sign in."""
    roles = sorted(request.user.role_codes)
    return render(
        request,
        "people/account.html",
        {
            "roles": [Role(code).label for code in roles],
            "rights": rights_in_words(request.user.role_codes),
            "cameras": cameras_of(request.user, clock()),
            "away": not_brought_back(request.user, clock()),
            "carries": request.user.has_role(Role.OFFICER, Role.SUPERVISOR),
            "second_factors": Authenticator.objects.filter(user=request.user).count(),
        },
    )


@login_required
@require_GET
def alive(request: HttpRequest) -> HttpResponse:
    """Answer that the sign-in still stands; answering has prolonged it."""
    return HttpResponse(status=204)


@page_for("see-accounts")
@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """List everybody, or those whose name has what is sought in it."""
    everybody = Person.objects.select_related("unit").prefetch_related("roles_held")
    sought = request.GET.get("text", "").strip()
    if sought:
        named = Q(display_name__icontains=sought) | Q(username__icontains=sought) | Q(collar__iexact=sought)
        everybody = everybody.filter(named)
    return render(request, "people/people.html", {"page": page_of(request, everybody), "sought": sought})


@page_for("manage-people")
@require_http_methods(["GET", "POST"])
def add_person(request: HttpRequest) -> HttpResponse:
    """Add somebody."""
    form = AddPersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            person = actions.add_person(**form.cleaned_data, actor=request.user, clock=clock())
        except actions.PersonProblem as error:
            form.add_error(None, f"{error.what} {error.remedy}")
        else:
            messages.success(request, f"{person} has an account.")
            return redirect("people")
    return render(request, "people/form.html", {"form": form, "heading": "Add somebody", "button": "Add"})


@page_for("manage-people")
@require_http_methods(["GET", "POST"])
def change_person(request: HttpRequest, username: str) -> HttpResponse:
    """Change roles, unit and whether the account is open; nobody's own."""
    person = get_object_or_404(Person, username=username)
    if request.method == "GET" and person == request.user:
        messages.info(request, "This is your own account. Roles and unit are changed by another administrator.")
        return redirect("own_account")
    started = {
        "unit": person.unit.code if person.unit else None,
        "roles": list(person.roles_held.values_list("role", flat=True)),
        "active": person.is_active,
        "email": person.email,
    }
    form = ChangePersonForm(request.POST or None, initial=started)
    if request.method == "POST" and form.is_valid():
        actions.change_person(person=person, **form.cleaned_data, actor=request.user, clock=clock())
        messages.success(request, f"{person} is changed.")
        return redirect("people")
    context = {"form": form, "heading": f"Change {person}", "button": "Save", "password_of": person}
    return render(request, "people/form.html", context)


@page_for("manage-people")
@require_http_methods(["GET", "POST"])
def set_password(request: HttpRequest, username: str) -> HttpResponse:
    """Give somebody a new password."""
    person = get_object_or_404(Person, username=username)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.set_password(person=person, **form.cleaned_data, actor=request.user, clock=clock())
        except actions.PersonProblem as error:
            form.add_error("password", f"{error.what} {error.remedy}")
        else:
            messages.success(request, f"{person} has a new password.")
            return redirect("people")
    return render(
        request, "people/form.html", {"form": form, "heading": f"New password for {person}", "button": "Save"}
    )


@page_for("see-log", "see-accounts")
@require_GET
def jobs(request: HttpRequest) -> HttpResponse:
    """Show what each periodic job does and when it last did; what is late comes first."""
    now = utc(clock())
    rows = [_job(row, now) for row in JobHeartbeat.objects.order_by("job")]
    rows.sort(key=lambda line: not line["late"])
    late_count = sum(line["late"] for line in rows)
    return render(request, "people/jobs.html", {"rows": rows, "late_count": late_count, "now": now})


def _job(row: JobHeartbeat, now: datetime) -> dict[str, Any]:
    done = row.last_finished_utc
    return {
        "row": row,
        "words": job_in_words(row.job),
        "often": how_often(row.every_s),
        "ago": how_long_ago((now - done).total_seconds()) if done else "",
        "late": is_late(row, now),
    }
