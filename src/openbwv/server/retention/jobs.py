"""The periodic jobs of `retention`."""

from openbwv.server.forgetting.job import EVERY_S, forget
from openbwv.server.jobs import register
from openbwv.server.retention.sweep import sweep

register("retention", every_s=600, run=sweep)
register("retention.words", every_s=EVERY_S, run=forget)
