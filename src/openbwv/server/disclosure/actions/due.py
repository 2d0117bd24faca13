"""The due date of a request, from `deadlines`, kept on its row with its steps."""

from datetime import datetime

from django.utils import timezone

from openbwv.server.disclosure.deadlines import Explanation, Paused, information_deadline, subject_deadline
from openbwv.server.disclosure.models import Kind, Request


def explain(request: Request, now: datetime) -> Explanation:
    """Return the deadline of a request as it stands at `now`."""
    start = timezone.localdate(request.reopened_utc or request.received_utc)
    pauses = request.pauses.all() if request.pk else ()
    if request.reopened_utc:
        pauses = [pause for pause in pauses if pause.from_utc >= request.reopened_utc]
    paused = [
        Paused(timezone.localdate(pause.from_utc), timezone.localdate(pause.to_utc) if pause.to_utc else None)
        for pause in pauses
    ]
    rule = subject_deadline if request.kind == Kind.SUBJECT else information_deadline
    return rule(start, paused=paused, extended_days=request.extended_days, today=timezone.localdate(now))


def count_anew(request: Request, now: datetime) -> Explanation:
    """Set the due date on the row from what is known at `now`; the caller saves."""
    explained = explain(request, now)
    request.due_on, request.internal_on = explained.due, explained.internal
    request.due_explained = {"rule": explained.rule, "steps": list(explained.steps)}
    return explained
