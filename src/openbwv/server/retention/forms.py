"""What records managers fill in about deletion."""

from django import forms

from openbwv.server.people.rendering import needed_sometimes


class ReasonForm(forms.Form):
    """A reason."""

    reason = forms.CharField(label="Reason", max_length=300, help_text="It is kept with your name and the time.")


class PolicyForm(ReasonForm):
    """A new version of the policy."""

    field_order = ("days", "least_days", "reason")
    days = forms.IntegerField(label="Days after recording", min_value=1, max_value=31, initial=31)
    least_days = forms.IntegerField(label="Least days after it was stored", min_value=0, max_value=31, initial=7)


class EarlyForm(ReasonForm):
    """A deletion before its time."""

    field_order = ("reference", "reason")
    reference = forms.CharField(label="Recording", max_length=20, help_text="For example BWV-2026-000412.")


class KeepForm(forms.Form):
    """Why everything stays as it is, when it does."""

    reason = needed_sometimes(
        forms.CharField(label="Reason", max_length=300, help_text="Needed when you say no or take it back.")
    )
