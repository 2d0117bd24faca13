"""A link for a new password, by e-mail. The page notes the address that was typed; a job sends what there is to send.

Whether anybody has that address is looked up by the job alone. The page does the same for everyone and never speaks to
the mail server, so the time it takes tells a stranger nothing. The link is made when it is sent: none lies in a row.
"""

import smtplib
from datetime import timedelta
from urllib.parse import urlsplit

from allauth.account import forms as account
from allauth.core.context import request_context

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from openbwv.recording.errors import BwvError
from openbwv.server.people.models import PasswordLink
from openbwv.shared.clock import Clock

GIVE_UP_AFTER = timedelta(hours=24)
LONGEST = PasswordLink._meta.get_field("email").max_length
AWAY = (smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected)


class LinksWait(BwvError):
    """Links for a new password could not be sent; they are tried again."""

    code = "links-wait"
    http_status = 503


class _AskedThere(HttpRequest):
    """Stands for the request that asked, as far as a link needs one: scheme and host of its address."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._where = urlsplit(base)

    def _get_scheme(self) -> str:
        return self._where.scheme

    def get_host(self) -> str:
        """Return the host, which was judged when it was asked."""
        return self._where.netloc


def ask_for_link(request: HttpRequest, email: str) -> None:
    """Note that somebody asked for a link to be sent to `email`, known here or not; nobody has one that is too long."""
    if len(email) > LONGEST:
        return
    base = settings.ORIGIN or request.build_absolute_uri("/")
    PasswordLink.objects.create(email=email, base=base, asked=timezone.now())


def send_links(_clock: Clock) -> int:
    """Send what waits and return how many asks are done with.

    Raises LinksWait, after all others were tried, when the mail server took one not; it is tried for a day. A server
    that is away is tried once a run: every job waits while this one does, and strangers may ask as often as they like.
    """
    done, waiting, problem = 0, 0, None
    PasswordLink.objects.filter(asked__lt=timezone.now() - GIVE_UP_AFTER).delete()
    for link in PasswordLink.objects.order_by("id"):
        try:
            is_done = _send(link, away=_is_away(problem))
        except (OSError, smtplib.SMTPException) as refusal:
            problem, is_done = refusal, False
        if is_done:
            link.delete()
            done += 1
        else:
            waiting += 1
    if waiting:
        raise LinksWait(
            what=f"Links for a new password that could not be sent: {waiting} ({problem}).",
            remedy="See whether the mail server of BWV_EMAIL_URL runs; they are tried again for a day.",
        )
    return done


def _is_away(problem: Exception | None) -> bool:
    """Say whether it was the way to the mail server that failed, not one letter."""
    return isinstance(problem, AWAY) or (problem is not None and not isinstance(problem, smtplib.SMTPException))


def _send(link: PasswordLink, *, away: bool) -> bool:
    """Return whether the ask is done with: its letter went, or nobody has the address. `away`: no letter can go."""
    asked = _AskedThere(link.base)
    with request_context(asked):
        form = account.ResetPasswordForm({"email": link.email})
        if form.is_valid() and form.users:
            if away:
                return False
            form.save(asked)
    return True
