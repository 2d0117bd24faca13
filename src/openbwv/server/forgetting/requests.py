"""A request that has been closed for the policy's years: the asker and all words go.

What stays: reference, kind, channel, the dates, the outcome, the time asked for and the borough. What was decided about
a recording that still has its words stays with that recording.
"""

from collections import Counter

from django.db import transaction

from openbwv.server.disclosure.models import Note, OneTimeCode, Pause, Request, StandingHold
from openbwv.server.forgetting.due import Cutoff, events_of_requests, requests_due
from openbwv.server.forgetting.words import remove_words
from openbwv.shared.clock import Clock

BATCH = 50


def forget_some(cutoff: Cutoff, *, clock: Clock) -> Counter[str]:
    """Take one batch, in one transaction under the rows' locks; return what went, empty when nothing is due."""
    with transaction.atomic():
        found = list(requests_due(cutoff).values_list("pk", flat=True)[:BATCH])
        locked = Request.objects.select_for_update(of=("self",)).filter(pk__in=found).order_by("pk")
        keys = [request.pk for request in locked]
        # Another run, or a matter that reopened it, may have been here before the lock was ours.
        due = list(requests_due(cutoff).filter(pk__in=keys).values_list("pk", flat=True))
        requests = Request.objects.filter(pk__in=due)
        count = requests.count()
        if not count:
            return Counter()
        removal, events = remove_words(
            events_of_requests(requests), cutoff, about="requests", counts={"requests": count}, clock=clock
        )
        for model in (Note, OneTimeCode):
            model.objects.filter(request__in=requests).delete()
        Pause.objects.filter(request__in=requests).update(what="")
        StandingHold.objects.filter(request__in=requests).update(officer=None)
        requests.update(
            pseudonym=None,
            secret_sha256=b"",
            answer="",
            extended_because="",
            officer_named="",
            place="",
            description="",
            name="",
            email="",
            postal="",
            for_whom="",
            assigned_to=None,
            entered_by=None,
            removal=removal,
        )
    return Counter(requests=count, events=events)
