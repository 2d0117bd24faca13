"""Pages of signing in and of one's account: our words on each, and a forgotten password has a way that works."""

import re

import pytest
from allauth.mfa.totp.internal.auth import TOTP

from django.core import mail

from openbwv.custody import EventType
from openbwv.server import environment
from openbwv.server.people.actions import change_person
from openbwv.server.people.password_links import send_links
from openbwv.server.trail.models import Event
from tests.server.cast import PASSWORD

NEW = "quite another long password"
TITLE_CASE = re.compile(r">\s*([A-Z][a-z]+(?: [a-z]{1,3})? [A-Z][a-z]+[^<]*)<")
NAMES = {"PC Avery", "Body-worn video", "Avery"}
PAGES = {
    "login/": "Sign in",
    "logout/": "Sign out?",
    "inactive/": "This account is closed",
    "password/change/": "Change your password",
    "password/reset/": "Forgotten password",
    "password/reset/done/": "Look at your e-mail",
    "password/reset/key/1-nothing/": "This link does not work",
    "password/reset/key/done/": "Your password is changed",
    "reauthenticate/": "Is it you?",
    "sessions/": "Where you are signed in",
    "2fa/": "Passkeys, authenticator app and recovery codes",
    "2fa/reauthenticate/": "Is it you?",
    "2fa/totp/activate/": "Set up an authenticator app",
    "2fa/totp/deactivate/": "Turn the authenticator app off?",
    "2fa/webauthn/": "Your passkeys",
    "2fa/webauthn/add/": "Add a passkey",
    "2fa/recovery-codes/": "Recovery codes",
    "2fa/recovery-codes/generate/": "Make new recovery codes?",
}
SIGNED_OUT = {"login/", "inactive/", "password/reset/", "password/reset/done/", "password/reset/key/1-nothing/"}


def signed_in(client, person):
    """Sign in by the form, so that allauth does not ask for the password again."""
    client.post("/account/login/", {"login": person.username, "password": PASSWORD})
    return client


def words_of(answer):
    text = answer.content.decode()
    assert answer.status_code == 200
    (heading,) = re.findall(r"<h1>(.*?)</h1>", text, re.DOTALL)
    return heading, text


@pytest.mark.parametrize("with_app", [False, True])
@pytest.mark.parametrize(("address", "heading"), PAGES.items())
def test_every_page_is_ours_in_sentence_case(client, avery, clock, settings, address, heading, with_app):
    settings.EMAIL_URL = "smtp://mail.example"
    if address not in SIGNED_OUT:
        signed_in(client, avery)
    if with_app:
        TOTP.activate(avery, "JBSWY3DPEHPK3PXP")
        if address == "2fa/recovery-codes/":
            client.post("/account/2fa/recovery-codes/generate/")
    answer = client.get(f"/account/{address}")
    if answer.status_code in (302, 404) and address.startswith("2fa/"):
        return  # allauth shows this page only to who has, or has not yet, what it is about
    shown, text = words_of(answer)
    assert shown == heading
    assert [found for found in TITLE_CASE.findall(text) if found.strip() not in NAMES] == []
    assert "<title>" in text
    for link in re.findall(r'href="(/[^"#]*)"', text):
        if not link.startswith("/static/"):
            assert client.get(link).status_code in (200, 302), link


def test_with_an_authenticator_app_the_second_step_is_ours(client, avery, clock):
    TOTP.activate(avery, "JBSWY3DPEHPK3PXP")
    answer = client.post("/account/login/", {"login": "avery", "password": PASSWORD}, follow=True)
    assert words_of(answer)[0] == "Second step"
    wrong = client.post("/account/2fa/authenticate/", {"code": "000000"})
    assert b"This code is wrong or too old" in wrong.content


def test_without_a_mail_server_a_forgotten_password_is_an_administrators_work(client, avery, lou, clock, settings):
    settings.EMAIL_URL = ""
    assert 'href="/account/password/reset/"' in client.get("/account/login/").content.decode()
    page = client.get("/account/password/reset/").content.decode()
    assert "an administrator gives you a new password" in page
    assert "<form" not in page.split("<main")[1]
    client.force_login(lou, backend="django.contrib.auth.backends.ModelBackend")
    assert "Give PC Avery a new password" in client.get("/people/avery").content.decode()
    client.post("/people/avery/password", {"password": NEW})
    client.post("/account/logout/")
    assert client.post("/account/login/", {"login": "avery", "password": NEW})["Location"] == "/"


def test_with_a_mail_server_the_link_of_the_letter_sets_a_new_password_once(client, avery, clock, settings):
    settings.EMAIL_URL = "smtp://mail.example"
    avery.email = "avery@example.org"
    avery.save()
    client.post("/account/password/reset/", {"email": "AVERY@example.org"})
    send_links(clock)
    (letter,) = mail.outbox
    assert letter.to == ["avery@example.org"]
    assert letter.subject == "A new password"
    assert "avery" in letter.body
    link = re.search(r"http://testserver(\S+)", letter.body).group(1)
    form = client.get(link, follow=True)
    assert words_of(form)[0] == "Choose a new password"
    address = form.redirect_chain[-1][0]
    assert "at least 12" in client.post(address, {"password1": "short", "password2": "short"}).content.decode()
    done = client.post(address, {"password1": NEW, "password2": NEW}, follow=True)
    assert words_of(done)[0] == "Your password is changed"
    assert "_auth_user_id" not in client.session
    assert words_of(client.get(link, follow=True))[0] == "This link does not work"
    assert client.post("/account/login/", {"login": "avery", "password": NEW})["Location"] == "/"
    event = Event.objects.get(type=EventType.ACCOUNT, details__deed="change-own-password")
    assert event.actor == avery


@pytest.mark.parametrize("now", ["new@example.org", ""])
def test_an_address_that_an_administrator_changed_opens_no_account_any_more(client, avery, lou, clock, settings, now):
    """Whoever reads the old mailbox today must get no link, nor use the one that lies there."""
    settings.EMAIL_URL = "smtp://mail.example"
    change_person(person=avery, email="old@example.org", actor=lou, clock=clock)
    client.post("/account/password/reset/", {"email": "old@example.org"})
    send_links(clock)
    link = re.search(r"http://testserver(\S+)", mail.outbox.pop().body).group(1)
    avery.refresh_from_db()
    change_person(person=avery, email=now, actor=lou, clock=clock)
    assert words_of(client.get(link, follow=True))[0] == "This link does not work"
    client.post("/account/password/reset/", {"email": "old@example.org"})
    send_links(clock)
    assert not mail.outbox
    client.post("/account/password/reset/", {"email": "new@example.org"})
    send_links(clock)
    assert [letter.to for letter in mail.outbox] == ([[now]] if now else [])


def test_changing_ones_own_password_is_logged_and_wrong_ones_are_told_in_our_words(client, avery, clock):
    signed_in(client, avery)
    wrong = client.post("/account/password/change/", {"oldpassword": "x", "password1": NEW, "password2": NEW})
    assert b"That is not your password now." in wrong.content
    client.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert Event.objects.filter(type=EventType.ACCOUNT, actor=avery).count() == 1
    assert client.get("/").status_code == 200


def test_a_pretend_force_says_that_sign_ins_are_in_real_time(client, avery, clock, monkeypatch):
    signed_in(client, avery)
    assert b"real time" not in client.get("/account/sessions/").content
    monkeypatch.setattr("openbwv.server.people.context.force_is_pretend", lambda: True)
    page = client.get("/account/sessions/").content.decode()
    assert "Since (real time)" in page
    assert "does not follow the pretended clock" in page


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("", ("localhost", 25, "", "", False, False)),
        ("smtps://me:a%40b@mail.example", ("mail.example", 465, "me", "a@b", True, False)),
        ("smtp+tls://mail.example:2525", ("mail.example", 2525, "", "", False, True)),
    ],
)
def test_the_mail_servers_address_is_read(url, read):
    assert environment.mail(url) == read


def test_another_kind_of_mail_server_is_refused():
    with pytest.raises(environment.BadSetting, match="imap"):
        environment.mail("imap://mail.example")
