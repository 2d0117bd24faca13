"""The writes of `disclosure`, one file per subject; other apps import them from here."""

from openbwv.server.disclosure.actions.matching import match_recording, matter_closed

__all__ = ["match_recording", "matter_closed"]
