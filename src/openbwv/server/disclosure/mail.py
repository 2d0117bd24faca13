"""Letters to askers: written in the deed's transaction, sent by a job where a mail server is set up.

Without one they stay in the outbox; on a pretend force anybody may read that, so that the whole way can be tried.
"""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from django.conf import settings

from openbwv.server.clock import utc
from openbwv.server.disclosure.models import OutboxMessage, Request
from openbwv.shared.clock import Clock

TIMEOUT_S = 20
DEFAULT_PORT = {"smtp": 25, "smtps": 465, "smtp+tls": 587}
USED = "The code in this message was used or has run out."


def write_message(request: Request, subject: str, text: str, *, clock: Clock) -> OutboxMessage | None:
    """Write to the asker's e-mail address, if there is one; the text says nothing about what footage there is."""
    if not request.email:
        return None
    body = f"Dear {request.name},\n\n{text}\n\nYour reference: {request.reference}\n"
    return OutboxMessage.objects.create(
        to=request.email, subject=f"{request.reference}: {subject}", body=body, made_utc=utc(clock)
    )


def send_waiting(clock: Clock) -> int:
    """Send what waits, when BWV_EMAIL_URL names a mail server; return how many went. What fails is tried again."""
    if not settings.EMAIL_URL:
        return 0
    count = 0
    for message in OutboxMessage.objects.filter(sent_utc=None).order_by("id"):
        try:
            _send(message)
        except (OSError, smtplib.SMTPException, ValueError) as problem:  # ValueError: no header can be made of it
            OutboxMessage.objects.filter(pk=message.pk).update(problem=str(problem)[:300])
            continue
        OutboxMessage.objects.filter(pk=message.pk).update(sent_utc=utc(clock), problem="")
        count += 1
    return count


def _send(message: OutboxMessage) -> None:
    where = urlsplit(settings.EMAIL_URL)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = settings.DEFAULT_FROM_EMAIL, message.to, message.subject
    mail.set_content(message.body)
    host, port = where.hostname or "localhost", where.port or DEFAULT_PORT.get(where.scheme, 25)
    server: smtplib.SMTP
    if where.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    with server:
        if where.scheme == "smtp+tls":
            server.starttls(context=ssl.create_default_context())
        if where.username:
            server.login(unquote(where.username), unquote(where.password or ""))
        server.send_message(mail)
