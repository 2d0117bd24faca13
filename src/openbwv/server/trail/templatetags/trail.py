"""Gives a page the trail of the recording it shows."""

from django import template

from openbwv.server.evidence.models import Recording
from openbwv.server.trail.queries import TrailLine
from openbwv.server.trail.queries import trail_of as lines_of
from openbwv.server.trail.queries import why_empty as why_none

register = template.Library()


@register.simple_tag
def trail_of(recording: Recording) -> list[TrailLine]:
    """`{% trail_of recording as lines %}`: its newest events."""
    return lines_of(recording)


@register.simple_tag
def why_empty(recording: Recording) -> str:
    """`{% why_empty recording %}`: why it has no trail."""
    return why_none(recording)
