"""Asking for a new password's link: the page does the same for everybody, and a job sends what there is to send."""

import re
from datetime import timedelta
from smtplib import SMTPDataError

import pytest

from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from openbwv.server.jobs import load_jobs, run_safely
from openbwv.server.people.models import LimitCount, PasswordLink
from openbwv.server.people.password_links import LinksWait, send_links
from tests.server.disclosure.test_mail import mailbox  # noqa: F401  a mail server that is not ours

ADDRESS = "/account/password/reset/"
ASKED = ["avery@example.org", "stranger@example.org", "closed@example.org"]


@pytest.fixture
def accounts(avery, noor, settings):
    settings.EMAIL_URL = "smtp://mail.example"
    avery.email, noor.email, noor.is_active = "avery@example.org", "closed@example.org", False
    avery.save(), noor.save()


def ask(client, email, **more):
    answer = client.post(ADDRESS, {"email": email}, **more)
    assert (answer.status_code, answer["Location"]) == (302, "/account/password/reset/done/")


def test_the_page_does_the_same_whether_or_not_somebody_has_the_address(client, accounts, clock):
    """The same statements in the same order: what is not done cannot be timed."""
    done = []
    for email in ASKED:
        LimitCount.objects.all().delete()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ask(client, email)
        statements = [re.split("VALUES|WHERE", query["sql"])[0] for query in queries]
        done.append([re.sub(r'"s\d+_x\d+"', "", sql) for sql in statements])
    assert done[0] == done[1] == done[2]
    assert not [sql for sql in done[0] if "people_person" in sql or "account_emailaddress" in sql]
    assert [row.email for row in PasswordLink.objects.order_by("id")] == ASKED


def test_the_page_never_speaks_to_the_mail_server(client, accounts, clock, monkeypatch):
    def never(*_args, **_more):
        raise AssertionError("the page spoke to the mail server")

    monkeypatch.setattr("smtplib.SMTP.__init__", never)
    monkeypatch.setattr("django.core.mail.message.EmailMessage.send", never)
    for email in ASKED:
        ask(client, email)


def test_the_job_sends_to_who_has_an_account_and_keeps_no_address(client, accounts, clock):
    for email in ASKED:
        ask(client, email)
    assert send_links(clock) == len(ASKED)
    assert [letter.to for letter in mail.outbox] == [["avery@example.org"]]
    assert not PasswordLink.objects.exists()
    assert send_links(clock) == 0


@pytest.mark.parametrize(
    ("origin", "begins"), [("", "http://testserver/account/"), ("https://bwv.example", "https://bwv.example/account/")]
)
def test_the_link_leads_back_to_where_it_was_asked_for(client, accounts, clock, settings, origin, begins):
    settings.ORIGIN = origin
    ask(client, "avery@example.org")
    send_links(clock)
    assert begins in mail.outbox[0].body


def test_no_usable_link_lies_in_the_database_while_it_waits(client, accounts, clock):
    ask(client, "avery@example.org")
    row = PasswordLink.objects.values().get()
    send_links(clock)
    key = re.search(r"/key/(\S+?)/", mail.outbox[0].body)[1]
    assert not [value for value in row.values() if key.partition("-")[2] in str(value)]


def test_a_mail_server_that_is_down_loses_nothing_and_the_jobs_page_says_so(
    client,
    accounts,
    clock,
    settings,
    mailbox,  # noqa: F811
    as_person,
    lou,
):
    host, port = settings.EMAIL_URL.removeprefix("smtp://").split(":")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = host, 1
    ask(client, "avery@example.org")
    ask(client, "stranger@example.org")
    with pytest.raises(LinksWait, match="refused"):
        send_links(clock)
    assert [row.email for row in PasswordLink.objects.all()] == ["avery@example.org"]
    said = run_safely(load_jobs()["people.mail"], clock)
    assert "could not be sent: 1" in said
    settings.EMAIL_PORT = int(port)
    assert send_links(clock) == 1
    assert [to for to, _ in mailbox.letters] == [["avery@example.org"]]


def test_what_could_not_be_sent_for_a_day_is_given_up(client, accounts, clock, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    ask(client, "avery@example.org")
    PasswordLink.objects.update(asked=timezone.now() - timedelta(hours=25))
    assert send_links(clock) == 0
    assert not PasswordLink.objects.exists()


@pytest.mark.parametrize(("problem", "tries"), [(TimeoutError("away"), 1), (SMTPDataError(550, b"not this one"), 3)])
def test_a_mail_server_that_is_away_is_tried_once_however_many_wait(accounts, clock, monkeypatch, problem, tries):
    tried = []

    def send(letter, **_more):
        tried.append(letter)
        raise problem

    monkeypatch.setattr("django.core.mail.message.EmailMessage.send", send)
    for email in ["avery@example.org"] * 3 + ["stranger@example.org"]:
        PasswordLink.objects.create(email=email, base="http://testserver/", asked=timezone.now())
    with pytest.raises(LinksWait, match="could not be sent: 3"):
        send_links(clock)
    assert (len(tried), PasswordLink.objects.count()) == (tries, 3)


def test_an_address_longer_than_any_account_has_is_not_kept(client, accounts, clock):
    ask(client, f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}.org")
    assert not PasswordLink.objects.exists()
