"""What an administrator fills in about people."""

from django import forms

from openbwv.server.people.models import Role, Unit


class RolesMixin(forms.Form):
    """Roles and unit."""

    unit = forms.ModelChoiceField(
        Unit.objects.all(), label="Unit", required=False, empty_label="None", to_field_name="code"
    )
    roles = forms.MultipleChoiceField(
        label="Roles", choices=Role.choices, required=False, widget=forms.CheckboxSelectMultiple
    )


class AddPersonForm(RolesMixin):
    """A new account."""

    username = forms.SlugField(label="User name", max_length=60, help_text="Letters and digits, such as avery.")
    display_name = forms.CharField(label="Name shown on pages", max_length=120, help_text="Such as PC Avery.")
    collar = forms.CharField(label="Shoulder number", required=False, max_length=20)
    email = forms.EmailField(label="E-mail address", required=False)
    password = forms.CharField(
        label="First password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters. They can change it on their own page.",
    )
    field_order = ("username", "display_name", "collar", "email", "unit", "roles", "password")


class ChangePersonForm(RolesMixin):
    """An account that is there."""

    field_order = ("email", "unit", "roles", "active")
    email = forms.EmailField(
        label="E-mail address", required=False, help_text="A link for a new password goes there, where mail is set up."
    )
    active = forms.BooleanField(label="May sign in", required=False)


class PasswordForm(forms.Form):
    """A new password for somebody."""

    password = forms.CharField(
        label="New password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters.",
    )
