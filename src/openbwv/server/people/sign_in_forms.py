"""allauth's forms in our words: one word for one thing, a label that stays, and no help that leads nowhere."""

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as codes
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as passkeys

from django import forms
from django.http import HttpRequest

from openbwv.server.people.password_links import ask_for_link

LENGTH = "At least 12 characters."
CODE = "Six digits from the authenticator app, or a recovery code."
WRONG_CODE = "Enter the code, without spaces."


class Plain(forms.Form):
    """Takes placeholders away (the label says it, and stays when something is typed) and puts our words in."""

    words: dict[str, tuple[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            label, hint = self.words.get(name, (field.label, ""))
            field.label, field.help_text = label, hint


class PlainLoginForm(Plain, account.LoginForm):
    """User name and password."""

    words = {"login": ("User name", ""), "password": ("Password", "")}


class PlainChangePasswordForm(Plain, account.ChangePasswordForm):
    """The password one has, and a new one twice."""

    words = {
        "oldpassword": ("Your password now", ""),
        "password1": ("New password", LENGTH),
        "password2": ("New password again", ""),
    }


class PlainResetPasswordForm(Plain, account.ResetPasswordForm):
    """The address that a link is sent to."""

    words = {"email": ("E-mail address", "The one that your account has. An administrator can look it up.")}

    def clean_email(self) -> str:
        """Return the address; whether anybody has it is not looked up here."""
        return str(self.cleaned_data["email"])

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Have the link sent, should there be an account."""
        email = str(self.cleaned_data["email"])
        ask_for_link(request, email)
        return email


class PlainResetPasswordKeyForm(Plain, account.ResetPasswordKeyForm):
    """A new password twice, by the link that was sent."""

    words = {"password1": ("New password", LENGTH), "password2": ("New password again", "")}


class PlainReauthenticateForm(Plain, account.ReauthenticateForm):
    """The password once more, before a change of how one signs in."""

    words = {"password": ("Your password", "")}


class PlainCodeForm(Plain, codes.AuthenticateForm):
    """A code, after the password."""

    words = {"code": ("Code", CODE)}


class PlainCodeAgainForm(Plain, codes.ReauthenticateForm):
    """A code, before a change of how one signs in."""

    words = {"code": ("Code", CODE)}


class PlainActivateForm(Plain, totp.ActivateTOTPForm):
    """The first code of a new authenticator app."""

    words = {"code": ("Code that the app shows", "Six digits.")}


class PlainAddPasskeyForm(Plain, passkeys.AddWebAuthnForm):
    """The name of a new passkey, and what it is to be used for."""

    words = {
        "name": ("Name", "So that you know it again, such as: my phone."),
        "passwordless": (
            "Sign in with it alone, without a password",
            "It then asks for your fingerprint, face or PIN each time.",
        ),
    }


class PlainEditPasskeyForm(Plain, passkeys.EditWebAuthnForm):
    """Another name for a passkey."""

    words = {"name": ("Name", "So that you know it again, such as: my phone.")}
