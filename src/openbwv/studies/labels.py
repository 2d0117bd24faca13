"""What a number may be called: the design it comes from, and whether its source was read.

A label is part of the value, not of the prose around it: nothing in this room can make an estimate without one.
"""

from enum import Enum


class DesignLabel(Enum):
    """How units came to have cameras, and so how much their difference can mean."""

    RANDOMISED = "randomised"
    QUASI = "quasi-experimental"
    BEFORE_AFTER = "before-after only, not randomised"

    @property
    def sentence(self) -> str:
        """What a reader may conclude."""
        return _SENTENCES[self]

    def __str__(self) -> str:
        return self.value


_SENTENCES = {
    DesignLabel.RANDOMISED: "Chance decided who had cameras, so a difference beyond chance is an effect of that offer.",
    DesignLabel.QUASI: "Not randomised: what else differed between the groups was adjusted for as stated, not removed.",
    DesignLabel.BEFORE_AFTER: "Before against after, not randomised: whatever else changed in that time is in it too.",
}


class Status(Enum):
    """Where a figure that we did not measure ourselves comes from."""

    SOURCED = "sourced"
    UNVERIFIED = "reported, unverified"
    COMPUTED = "computed"
    ASSUMPTION = "assumption"

    def __str__(self) -> str:
        return self.value
