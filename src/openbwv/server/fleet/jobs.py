"""Periodic jobs of the fleet."""

from openbwv.server.fleet.revocation import publish_revocations
from openbwv.server.fleet.write_offs import lapse_where_heard
from openbwv.server.jobs import register

register("fleet.revocations", every_s=60, run=publish_revocations)
register("fleet.write-offs", every_s=60, run=lapse_where_heard)
