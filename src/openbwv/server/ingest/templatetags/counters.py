"""What a camera's page shows of its counters and its journal."""

from datetime import timedelta
from typing import Any

from django import template

from openbwv.server.clock import clock, utc
from openbwv.server.fleet.models import Camera
from openbwv.server.ingest.missing import numbers_in_words, shortfall_of
from openbwv.server.ingest.timeline import timelines

register = template.Library()
SHOWN = timedelta(hours=48)


@register.inclusion_tag("ingest/_counters.html")
def counters_of(camera: Camera) -> dict[str, Any]:
    """Show how many recordings a camera began, which are missing, and what it did in its last two days."""
    now = clock()
    short = shortfall_of(camera, now)
    until = camera.last_docked_utc or utc(now)
    since = max(until - SHOWN, camera.enrolled_utc)
    known = camera.spans.exists() and since < until
    return {
        "camera": camera,
        "short": short,
        "on_camera": numbers_in_words(row.rc for row in short.overdue if row.on_camera) if short else "",
        "gone": numbers_in_words(row.rc for row in short.overdue if not row.on_camera) if short else "",
        "coming": numbers_in_words(row.rc for row in short.on_its_way) if short else "",
        "pieces": timelines([camera], from_utc=since, to_utc=until)[camera.pk] if known else [],
    }
