"""Periodic jobs of the door."""

from openbwv.server.ingest.receipts import finish_waiting
from openbwv.server.jobs import register

register("ingest.receipts", every_s=10, run=finish_waiting)
