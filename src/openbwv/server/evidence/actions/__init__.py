"""What people do to recordings: one module per verb. Each deed and its event are one transaction."""

from openbwv.server.evidence.actions.category import set_category
from openbwv.server.evidence.actions.claim import claim_recording
from openbwv.server.evidence.actions.flag import place_flag
from openbwv.server.evidence.actions.restrict import restrict, unrestrict

__all__ = ["claim_recording", "place_flag", "restrict", "set_category", "unrestrict"]
