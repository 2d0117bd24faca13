"""Events about neither a recording nor a request, and further rows that say what a person did, by their own age."""

from collections import Counter

from django.db import transaction

from openbwv.server.forgetting.due import Cutoff, events_due, others_due
from openbwv.server.forgetting.words import remove_words
from openbwv.server.trail.models import Event
from openbwv.shared.clock import Clock

BATCH = 500


def forget_some(cutoff: Cutoff, *, clock: Clock) -> Counter[str]:
    """Take one batch, in one transaction under the rows' locks; return what went, empty when nothing is due."""
    with transaction.atomic():
        others = sum(_delete(rows, BATCH) for rows in others_due(cutoff))
        found = list(events_due(cutoff).values_list("pk", flat=True)[:BATCH])
        # Locked first, looked at then: another run may have been here before the lock was ours.
        locked = Event.objects.select_for_update(of=("self",)).filter(pk__in=found, removal=None).order_by("pk")
        keys = [event.pk for event in locked]
        if not keys and not others:
            return Counter()
        _, events = remove_words(
            Event.objects.filter(pk__in=keys), cutoff, about="nothing", counts={"others": others}, clock=clock
        )
    return Counter(others=others, events=events)


def _delete(rows: object, most: int) -> int:
    """Delete at most `most` of `rows` and return how many; whoever else deletes them at the same time counts theirs."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[:most])
    _, by_model = rows.model.objects.filter(pk__in=keys).delete()
    return by_model.get(rows.model._meta.label, 0)
