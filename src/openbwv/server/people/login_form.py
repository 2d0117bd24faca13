"""The sign-in form: allauth's, without the link to a password reset by e-mail, which an administrator does here."""

from typing import Any

from allauth.account.forms import LoginForm


class PlainLoginForm(LoginForm):
    """User name and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)  # the label says it, and stays when something is typed
