"""What investigators fill in about matters."""

from django import forms

from openbwv.server.cases.models import MatterOutcome
from openbwv.server.people.models import Person


class OpenMatterForm(forms.Form):
    """A new matter."""

    reference = forms.CharField(
        label="Reference",
        max_length=40,
        help_text="For example a crime number: 3001234/26.",
        error_messages={"required": "Enter the reference that the matter has elsewhere."},
    )
    title = forms.CharField(
        label="What it is about",
        max_length=200,
        error_messages={"required": "Say in a few words what it is about, for example robbery in Lee High Road."},
    )


class MemberForm(forms.Form):
    """Somebody for the team."""

    member = forms.ModelChoiceField(
        Person.objects.filter(is_active=True), label="Add to the team", empty_label="Choose"
    )


class CloseMatterForm(forms.Form):
    """The end of a matter."""

    outcome = forms.ChoiceField(label="How did it end?", choices=MatterOutcome.choices, widget=forms.RadioSelect)
    reason = forms.CharField(label="Reason", widget=forms.Textarea(attrs={"rows": 3}), max_length=1000)
