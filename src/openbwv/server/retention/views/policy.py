"""The policy's versions: propose, read what one would delete earlier, approve."""

from itertools import islice

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openbwv.server.clock import clock, utc
from openbwv.server.forgetting.due import cutoff_of
from openbwv.server.forgetting.due import waiting as words_waiting
from openbwv.server.people.pages import page_for
from openbwv.server.people.rights import may
from openbwv.server.retention import actions
from openbwv.server.retention.actions.policy import earlier_under
from openbwv.server.retention.dates import policy_in_force, rule_policy
from openbwv.server.retention.forms import PolicyForm, ReasonForm
from openbwv.server.retention.models import PolicyVersion
from openbwv.server.retention.second import note_opened, session_of

MOST_LISTED = 500


@page_for("see-retention")
@require_GET
def policies(request: HttpRequest) -> HttpResponse:
    """List every version."""
    versions = PolicyVersion.objects.select_related("proposed_by", "approved_by")
    can_propose = may(request.user, "approve-policy-first").allowed
    return render(
        request,
        "retention/policies.html",
        {"versions": versions, "in_force": policy_in_force(), "can_propose": can_propose},
    )


@page_for("approve-policy-first")
@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest) -> HttpResponse:
    """Propose a version."""
    form = PolicyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        version = actions.propose_policy(
            **form.cleaned_data, actor=request.user, session=session_of(request), clock=clock()
        )
        messages.success(request, f"Version {version.number} is proposed. A second person must read and approve it.")
        return redirect("policy", number=version.number)
    return render(request, "people/form.html", {"form": form, "heading": "Propose a policy", "button": "Propose"})


@page_for("see-retention")
@require_GET
def policy(request: HttpRequest, number: int) -> HttpResponse:
    """Show what a version would delete earlier than now; who opens this may be its second person."""
    version = get_object_or_404(PolicyVersion, number=number)
    listed = list(islice(earlier_under(rule_policy(version)), MOST_LISTED + 1))
    note_opened(what=f"policy:{number}", person=request.user, session=session_of(request), clock=clock())
    waiting = version.approved_utc is None and version.withdrawn_utc is None
    return render(
        request,
        "retention/policy.html",
        {
            "version": version,
            "earlier": listed[:MOST_LISTED],
            "more": len(listed) > MOST_LISTED,
            "form": ReasonForm(),
            "may_approve": waiting
            and request.user != version.proposed_by
            and may(request.user, "approve-policy-second").allowed,
            "may_withdraw": waiting and may(request.user, "approve-policy-first").allowed,
            "waiting": waiting,
            "words": words_waiting(cutoff_of(version, utc(clock()))) if waiting else None,
        },
    )


@page_for("approve-policy-second")
@require_POST
def approve(request: HttpRequest, number: int) -> HttpResponse:
    """Approve a version as the second person."""
    return _decide(request, number, "approve")


@page_for("approve-policy-first")
@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Drop a proposal."""
    return _decide(request, number, "withdraw")


def _decide(request: HttpRequest, number: int, deed: str) -> HttpResponse:
    version = get_object_or_404(PolicyVersion, number=number)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Give a reason.")
        return redirect("policy", number=number)
    reason = form.cleaned_data["reason"]
    if deed == "approve":
        actions.approve_policy(
            version=version, reason=reason, actor=request.user, session=session_of(request), clock=clock()
        )
        messages.success(request, f"Version {number} is in force.")
    else:
        actions.withdraw_policy(version=version, reason=reason, actor=request.user, clock=clock())
        messages.success(request, f"Version {number} is withdrawn.")
    return redirect("policy", number=number)
