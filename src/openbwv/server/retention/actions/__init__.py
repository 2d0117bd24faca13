"""The writes of `retention`, one file per subject; other apps import them from here."""

from openbwv.server.retention.actions.clock import keep_again, matter_closed, recording_ingested, restart_clock
from openbwv.server.retention.actions.flags import confirm_flag_removal, decline_flag_removal, propose_flag_removal
from openbwv.server.retention.actions.holds import (
    confirm_hold_release,
    keep_hold,
    place_hold,
    release_hold,
    release_holds_of_request,
)
from openbwv.server.retention.actions.policy import approve_policy, propose_policy, withdraw_policy

__all__ = [
    "approve_policy",
    "confirm_flag_removal",
    "confirm_hold_release",
    "decline_flag_removal",
    "keep_again",
    "keep_hold",
    "matter_closed",
    "place_hold",
    "propose_flag_removal",
    "propose_policy",
    "recording_ingested",
    "release_hold",
    "release_holds_of_request",
    "restart_clock",
    "withdraw_policy",
]
