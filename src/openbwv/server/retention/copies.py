"""Copies of a recording that left the system before it was deleted: the certificate names them."""

from openbwv.custody import EventType
from openbwv.server.evidence.models import Recording
from openbwv.server.trail.models import Event, Outcome


def copies_known(recording: Recording) -> list[str]:
    """Return one line per export and handed-out release of `recording`, oldest first."""
    left = Event.objects.filter(
        recording=recording, type__in=(EventType.EXPORT, EventType.RELEASE), outcome=Outcome.DONE
    ).order_by("id")
    return [f"{event.slug} {event.pk} of {event.at_utc:%Y-%m-%dT%H:%M:%SZ}" for event in left]
