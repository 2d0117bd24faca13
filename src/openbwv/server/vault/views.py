"""The page about backups: where the last one is, and how to make the next."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from openbwv.server.clock import from_ms
from openbwv.server.people.pages import page_for
from openbwv.server.vault.backup import standing


@require_safe
@page_for("see-accounts")
def backup(request: HttpRequest) -> HttpResponse:
    """Show what is known of the last backup. It is made on the server itself, never from a browser."""
    last = standing()
    made = from_ms(last.made_ms) if last.made_ms is not None else None
    return render(request, "vault/backup.html", {"last": last, "made": made})
