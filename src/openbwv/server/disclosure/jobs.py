"""Tasks and periodic jobs of `disclosure`."""

from django_tasks import task

from django.db import transaction
from django.utils import timezone

from openbwv.server.clock import clock as process_clock
from openbwv.server.clock import utc
from openbwv.server.disclosure.actions.due import count_anew
from openbwv.server.disclosure.actions.life import IDENTITY_LIMIT, end_standing, withdraw_request
from openbwv.server.disclosure.actions.release import make_release
from openbwv.server.disclosure.mail import USED, send_waiting
from openbwv.server.disclosure.models import OneTimeCode, OutboxMessage, Pause, Release, Request, StandingHold
from openbwv.server.disclosure.secrets import forget_attempts
from openbwv.server.jobs import register
from openbwv.shared.clock import Clock


@task()
def make_copy(release_id: int) -> str:
    """Make one release copy; tried again when the log or the key service is down."""
    return str(make_release(Release.objects.get(pk=release_id), clock=process_clock()).state)


def end_holds(clock: Clock) -> int:
    """End the standing holds whose time has come: three months after the answer, 72 hours when nobody narrowed one."""
    now = utc(clock)
    count = 0
    for standing in StandingHold.objects.filter(ended_utc=None, ends_utc__lte=now).select_related("request"):
        with transaction.atomic():
            end_standing(standing, why=f"the standing hold of {standing.request} ended", actor=None, clock=clock)
            if not standing.request.is_open:
                Request.objects.filter(pk=standing.request_id).update(closed_utc=now)
        count += 1
    for pause in Pause.objects.filter(to_utc=None, from_utc__lte=now - IDENTITY_LIMIT).select_related("request"):
        withdraw_request(request=pause.request, clock=clock, why="identity was never shown")
        count += 1
    return count


def move_dates(clock: Clock) -> int:
    """Move the dates of requests whose clock stands still; return how many."""
    now = utc(clock)
    standing_still = Request.objects.filter(pauses__to_utc=None, pauses__isnull=False).distinct()
    for request in standing_still:
        with transaction.atomic():
            fresh = Request.objects.select_for_update(of=("self",)).get(pk=request.pk)
            count_anew(fresh, now)
            fresh.save(update_fields=["due_on", "internal_on", "due_explained"])
    return len(standing_still)


def tidy(clock: Clock) -> int:
    """Run the daily work of requests; return how many things were done."""
    now = timezone.now()
    forget_attempts(now)
    spent = OneTimeCode.objects.filter(expires__lt=now, message__isnull=False).values("message")
    blanked = OutboxMessage.objects.filter(pk__in=spent).exclude(body=USED).update(body=USED)
    return blanked + end_holds(clock) + move_dates(clock)


register("disclosure", every_s=900, run=tidy)
register("disclosure.mail", every_s=60, run=send_waiting)
