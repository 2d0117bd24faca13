"""What fleet managers fill in."""

from django import forms

from openbwv.server.fleet.models import WriteOffCause
from openbwv.server.people.models import Unit

REASON = forms.Textarea(attrs={"rows": 2})


class InviteDockForm(forms.Form):
    """A new dock."""

    name = forms.CharField(label="Name of the dock", max_length=64, help_text="For example Lewisham 1.")
    unit = forms.ModelChoiceField(
        Unit.objects.all(), label="Where it will stand", required=False, empty_label="No unit"
    )


class RevokeForm(forms.Form):
    """A device that is to be refused, or that is lost."""

    what = forms.ChoiceField(
        label="What happened?",
        choices=[("revoke", "Refuse it from now on"), ("lost", "It is lost; if it comes back, take what is on it")],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label="Reason", widget=REASON, max_length=500)


class SettleForm(forms.Form):
    """Something that was kept aside and has been looked at."""

    reason = forms.CharField(label="What you found and did", widget=REASON, max_length=500)


class WriteOffForm(forms.Form):
    """A camera that will not dock again."""

    cause = forms.ChoiceField(label="What became of it?", choices=WriteOffCause.choices, widget=forms.RadioSelect)
    reason = forms.CharField(
        label="What is known of it",
        widget=REASON,
        max_length=500,
        help_text="Where and when, who looked for it, and any crime or loss reference.",
    )


class WhyForm(forms.Form):
    """Why a write-off is decided, withdrawn or taken back."""

    reason = forms.CharField(
        label="Reason", widget=REASON, max_length=500, help_text="It is kept with your name and the time."
    )
