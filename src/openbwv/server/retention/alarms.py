"""Alarms of deletion: never silent. Each is a row, a line on the home page, and a line in the worker's output."""

import logging

from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording
from openbwv.server.retention.models import Alarm
from openbwv.shared.clock import Clock

logger = logging.getLogger("openbwv.retention")
WORDS_CHARACTERS = 400


def raise_alarm(kind: str, words: str, *, recording: Recording | None = None, clock: Clock) -> Alarm:
    """Raise an alarm, once while it lasts."""
    alarm, new = Alarm.objects.get_or_create(
        kind=kind,
        recording=recording,
        cleared_utc=None,
        defaults={"words": words[:WORDS_CHARACTERS], "raised_utc": utc(clock)},
    )
    if new:
        logger.error("alarm %s: %s", kind, words)
    return alarm


def clear_alarm(kind: str, *, recording: Recording | None = None, clock: Clock) -> None:
    """End an alarm whose cause is over."""
    Alarm.objects.filter(kind=kind, recording=recording, cleared_utc=None).update(
        cleared_utc=utc(clock), cleared_reason="It is over."
    )
