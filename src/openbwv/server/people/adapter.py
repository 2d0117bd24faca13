"""What we change in allauth: nobody signs up, passwords are changed on record, second-factor secrets are sealed."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from openbwv.custody import EventType
from openbwv.server.clock import clock
from openbwv.server.people.models import Role
from openbwv.server.trail.actions import log_event


class ClosedAdapter(DefaultAccountAdapter):
    """Accounts are made by an administrator only."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": "This account is closed. Ask an administrator.",
        "enter_current_password": "That is not your password now.",
        "incorrect_password": "That is not your password.",
        "too_many_login_attempts": "Too many failed tries. Wait five minutes, then try again.",
        "username_password_mismatch": "User name or password is wrong. Check both, then try again.",
        "rate_limited": "Too many tries. Wait a minute, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say no to everybody."""
        return False

    def post_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse:
        """Log the sign-in of somebody who can change the system."""
        if user.has_role(Role.ADMINISTRATOR):
            with transaction.atomic():
                log_event(EventType.ADMIN_LOGIN, actor=user, rule="people", clock=clock())
        return super().post_login(request, user, **more)

    def set_password(self, user: Any, password: str) -> None:
        """Set the password that somebody chose for themselves, and log that they did."""
        with transaction.atomic():
            super().set_password(user, password)
            details = {"deed": "change-own-password", "person": user.get_username()}
            log_event(EventType.ACCOUNT, actor=user, rule="people", details=details, clock=clock())


class SealedMfaAdapter(DefaultMFAAdapter):
    """Seal TOTP secrets and recovery codes under the force's secret key, so that a copied database holds none."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is wrong or too old. Type the one that is shown now.",
        "cannot_generate_recovery_codes": "Add a passkey or an authenticator app first.",
    }

    def encrypt(self, text: str) -> str:
        """Return `text` sealed."""
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return what `encrypt` was given."""
        return _box().decrypt(encrypted_text.encode()).decode()


def _box() -> Fernet:
    key = HKDF(hashes.SHA256(), 32, salt=None, info=b"openbwv second factor").derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))
