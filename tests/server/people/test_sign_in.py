"""Signing in: password, authenticator app, limits, and what is closed to everybody."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time

from openbwv.custody import EventType
from openbwv.server.trail.models import Event
from tests.server.cast import PASSWORD


def sign_in(client, username, password=PASSWORD):
    return client.post("/account/login/", {"login": username, "password": password})


def test_a_password_signs_in_and_home_is_next(client, avery, clock):
    assert sign_in(client, "avery")["Location"] == "/"


@pytest.mark.parametrize(("username", "password"), [("avery", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_wrong_and_unknown_get_the_same_answer(client, avery, clock, username, password):
    answer = sign_in(client, username, password)
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_after_five_failures_even_the_right_password_waits(client, avery, clock):
    for _ in range(5):
        sign_in(client, "avery", "wrong")
    answer = sign_in(client, "avery")
    assert "_auth_user_id" not in client.session
    assert b"Too many failed" in answer.content


def test_a_closed_account_cannot_sign_in(client, avery, clock):
    avery.is_active = False
    avery.save()
    sign_in(client, "avery")
    assert "_auth_user_id" not in client.session


def test_with_an_authenticator_app_the_password_alone_is_not_enough(client, avery, clock):
    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(avery, secret)
    stored = Authenticator.objects.get(user=avery).data["secret"]
    assert secret not in stored  # a copied database holds no usable secret
    answer = sign_in(client, "avery")
    assert answer["Location"].startswith("/account/2fa/authenticate/")
    assert "_auth_user_id" not in client.session
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    client.post("/account/2fa/authenticate/", {"code": "000000"})
    assert "_auth_user_id" not in client.session
    client.post("/account/2fa/authenticate/", {"code": code})
    assert client.session["_auth_user_id"] == str(avery.pk)


CLOSED = ["signup/", "email/", "confirm-email/", "confirm-email/x/", "password/set/", "login/code/confirm/"]


@pytest.mark.parametrize("address", CLOSED)
def test_what_an_administrator_does_is_closed_to_everybody(client, db, clock, address):
    answer = client.get(f"/account/{address}")
    assert answer.status_code == 404
    assert b"done by an administrator" in answer.content


def test_an_administrators_sign_in_is_logged(client, lou, clock):
    sign_in(client, "lou")
    assert Event.objects.get(type=EventType.ADMIN_LOGIN).actor == lou


def test_every_page_carries_its_security_headers(client, db, clock):
    answer = client.get("/account/login/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_form_from_elsewhere_is_refused(avery, clock):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(avery, backend="django.contrib.auth.backends.ModelBackend")
    answer = strict.post("/recordings/BWV-2026-000001/hold", {"reason": "x"})
    assert answer.status_code == 403
    assert b"form-expired" in answer.content
