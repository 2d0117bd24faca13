"""Letters to askers, judged by a mail server that is not ours (aiosmtpd)."""

import email
import socket
from email import policy

import pytest
from aiosmtpd.controller import Controller

from openbwv.server.disclosure.mail import send_waiting
from openbwv.server.disclosure.models import OutboxMessage


class Mailbox:
    """Keeps what arrives."""

    def __init__(self):
        self.letters = []

    async def handle_DATA(self, server, session, envelope):
        self.letters.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


@pytest.fixture
def mailbox(settings):
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"
    yield box
    controller.stop()


def letter(clock, **changes):
    from openbwv.server.clock import utc

    values = {"to": "ellis@example.org", "subject": "Your code", "body": "Your code is 123456.\nÄ 警"} | changes
    return OutboxMessage.objects.create(**values, made_utc=utc(clock))


def test_a_letter_arrives_whole_and_only_once(db, mailbox, clock):
    letter(clock)
    assert send_waiting(clock) == 1
    assert send_waiting(clock) == 0
    [(to, message)] = mailbox.letters
    assert to == ["ellis@example.org"]
    assert message["Subject"] == "Your code"
    assert "Ä 警" in message.get_content()
    assert OutboxMessage.objects.get().sent_utc


def test_a_mail_server_that_is_down_keeps_the_letter_and_says_why(db, settings, clock):
    settings.EMAIL_URL = "smtp://127.0.0.1:1"
    letter(clock)
    assert send_waiting(clock) == 0
    kept = OutboxMessage.objects.get()
    assert kept.sent_utc is None
    assert "refused" in kept.problem.lower()


def test_without_a_mail_server_letters_stay_in_the_outbox(db, settings, clock):
    settings.EMAIL_URL = ""
    letter(clock)
    assert send_waiting(clock) == 0
    assert OutboxMessage.objects.filter(sent_utc=None).count() == 1


def test_a_subject_cannot_smuggle_a_header_and_stops_no_other_letter(db, mailbox, clock):
    bad = letter(clock, subject="x\nBcc: all@example.org")
    letter(clock)
    assert send_waiting(clock) == 1
    bad.refresh_from_db()
    assert bad.problem
    assert len(mailbox.letters) == 1
