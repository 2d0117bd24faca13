"""Home, one's own account, and the administrator's pages of people."""

from allauth.mfa.models import Authenticator

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from openbwv.server.clock import clock, utc
from openbwv.server.people import actions
from openbwv.server.people.forms import AddPersonForm, ChangePersonForm, PasswordForm
from openbwv.server.people.models import Person, Role
from openbwv.server.people.pages import page_for
from openbwv.server.people.rules import TABLE
from openbwv.server.people.todo import todo_for
from openbwv.server.trail.models import JobHeartbeat
from openbwv.server.trail.todo import is_late


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show what needs doing. Somebody without a role sees that, and whom to ask."""
    return render(request, "people/home.html", {"todo": todo_for(request.user, clock())})


@login_required
@require_GET
def own_account(request: HttpRequest) -> HttpResponse:
    """Show one's own roles, rights and ways to sign in."""
    roles = sorted(request.user.role_codes)
    rights = {deed: TABLE[deed].keys() & request.user.role_codes for deed in TABLE}
    return render(
        request,
        "people/account.html",
        {
            "roles": [Role(code).label for code in roles],
            "rights": sorted(deed for deed, by in rights.items() if by),
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
    """List everybody."""
    everybody = Person.objects.select_related("unit").prefetch_related("roles_held")
    return render(request, "people/people.html", {"people": everybody})


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
    """Change roles, unit and whether the account is open."""
    person = get_object_or_404(Person, username=username)
    started = {
        "unit": person.unit.code if person.unit else None,
        "roles": list(person.roles_held.values_list("role", flat=True)),
        "active": person.is_active,
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
    """Show when each periodic job last ran."""
    now = utc(clock())
    rows = [{"row": row, "late": is_late(row, now)} for row in JobHeartbeat.objects.order_by("job")]
    return render(request, "people/jobs.html", {"rows": rows, "now": now})
