"""What we change in allauth: nobody signs up, and second-factor secrets are not readable in the database."""

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

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say no to everybody."""
        return False

    def post_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse:
        """Log the sign-in of somebody who can change the system."""
        if user.has_role(Role.ADMINISTRATOR):
            with transaction.atomic():
                log_event(EventType.ADMIN_LOGIN, actor=user, rule="people", clock=clock())
        return super().post_login(request, user, **more)


class SealedMfaAdapter(DefaultMFAAdapter):
    """Seal TOTP secrets and recovery codes under the force's secret key, so that a copied database holds none."""

    def encrypt(self, text: str) -> str:
        """Return `text` sealed."""
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return what `encrypt` was given."""
        return _box().decrypt(encrypted_text.encode()).decode()


def _box() -> Fernet:
    key = HKDF(hashes.SHA256(), 32, salt=None, info=b"openbwv second factor").derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))
