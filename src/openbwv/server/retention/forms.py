"""What records managers fill in about deletion."""

from django import forms

from openbwv.server.people.rendering import needed_sometimes
from openbwv.server.retention.rules import LOG_YEARS, MOST_LOG_YEARS


class ReasonForm(forms.Form):
    """A reason."""

    reason = forms.CharField(label="Reason", max_length=300, help_text="It is kept with your name and the time.")


class PolicyForm(ReasonForm):
    """A new version of the policy."""

    field_order = ("days", "least_days", "log_years", "reason")
    days = forms.IntegerField(label="Days after recording", min_value=1, max_value=31, initial=31)
    least_days = forms.IntegerField(label="Least days after it was stored", min_value=0, max_value=31, initial=7)
    log_years = forms.IntegerField(
        label="Years that the text of events stays",
        min_value=1,
        max_value=MOST_LOG_YEARS,
        initial=LOG_YEARS,
        help_text="Who did what, when and why, and whom it is about.",
    )


class EarlyForm(ReasonForm):
    """A deletion before its time."""

    field_order = ("reference", "reason")
    reference = forms.CharField(label="Recording", max_length=20, help_text="For example BWV-2026-000412.")


class KeepForm(forms.Form):
    """Why everything stays as it is, when it does."""

    reason = needed_sometimes(
        forms.CharField(label="Reason", max_length=300, help_text="Needed when you say no or take it back.")
    )
