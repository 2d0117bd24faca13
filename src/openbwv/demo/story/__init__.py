"""The story of the demo, as numbered steps. Each says what it shows and which other program judged it."""

# The order of these imports is the order of the steps.
from openbwv.demo.story import setting_up, filming, docking, watching, keeping, asking, deleting, answering, checking  # noqa: F401, I001
from openbwv.demo.story.telling import STEPS, Story

__all__ = ["STEPS", "Story"]
