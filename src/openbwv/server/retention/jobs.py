"""The periodic job of `retention`."""

from openbwv.server.jobs import register
from openbwv.server.retention.sweep import sweep

register("retention", every_s=600, run=sweep)
