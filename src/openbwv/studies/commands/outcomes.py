"""`./bwv study outcomes`: what a trial counts besides force."""

from openbwv.studies.outcomes.cli import main

__all__ = ["main"]
