"""Periodic jobs of `people`."""

from openbwv.server.jobs import register
from openbwv.server.people.password_links import send_links

register("people.mail", every_s=20, run=send_links)
