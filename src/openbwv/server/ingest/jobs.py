"""Periodic jobs of the door."""

from openbwv.server.ingest.given_up import wrap_given_up
from openbwv.server.ingest.missing import look_at_counters
from openbwv.server.ingest.offering import offer_again
from openbwv.server.ingest.receipts import finish_waiting
from openbwv.server.jobs import register

register("ingest.offering", every_s=60, run=offer_again)
register("ingest.receipts", every_s=10, run=finish_waiting)
register("ingest.given-up", every_s=60, run=wrap_given_up)
register("ingest.counters", every_s=300, run=look_at_counters)
