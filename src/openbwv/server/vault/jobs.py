"""Periodic jobs of the vault."""

from openbwv.server.jobs import register
from openbwv.server.vault.deriving import derive_waiting
from openbwv.server.vault.epochs import EVERY_S, JOB, begin_epoch_if_due
from openbwv.server.vault.housekeeping import remove_strays, rotate_if_due
from openbwv.server.vault.viewing import close_silent

register("vault.viewings", every_s=30, run=close_silent)
register("vault.derive", every_s=15, run=derive_waiting)
register("vault.rotate", every_s=3600, run=rotate_if_due)
register(JOB, every_s=EVERY_S, run=begin_epoch_if_due)
register("vault.strays", every_s=24 * 3600, run=remove_strays)
