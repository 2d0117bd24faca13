"""What people fill in about recordings. Every message says what to do."""

from django import forms

from openbwv.recording import CATEGORIES
from openbwv.server.cases.models import Matter
from openbwv.server.people.models import Unit
from openbwv.server.people.rendering import needed_sometimes

STATES = (
    ("", "Any"),
    ("not-here", "Not uploaded yet"),
    ("given-up", "Given up with its camera"),
    ("stored", "Stored"),
    ("deleting", "Being deleted"),
    ("erased", "Deleted"),
)
FLAGS = (
    ("", "Any"),
    ("flagged", "Flagged as evidence"),
    ("no-matter", "Flagged, no matter named"),
    ("unflagged", "Not flagged"),
    ("held", "On hold"),
    ("restricted", "Restricted"),
    ("marked", "Marked on the camera"),
)
DAY_INPUT = {
    "input_formats": ["%Y-%m-%d", "%d %m %Y", "%d/%m/%Y"],
    "widget": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),  # a browser fills in no other
}


def category_choices(*, with_none: bool) -> list:
    """Return the categories for a select, the restricted ones in a group of their own."""
    free = [(slug, c.title) for slug, c in CATEGORIES.items() if not c.restricted and (with_none or slug != "none")]
    closed = [(slug, c.title) for slug, c in CATEGORIES.items() if c.restricted]
    return [*free, ("Restricted to a team", closed)]


class FindForm(forms.Form):
    """The filters of the library. Anything that cannot be read is ignored, so that no link breaks."""

    all_optional = True  # the labels need not say so one by one

    text = forms.CharField(label="Reference", required=False, max_length=40)
    from_day = forms.DateField(label="From", required=False, **DAY_INPUT)
    to_day = forms.DateField(label="To", required=False, **DAY_INPUT)
    officer = forms.CharField(label="Officer", required=False, max_length=120)
    unit = forms.ModelChoiceField(
        Unit.objects.all(), label="Unit", required=False, empty_label="Any", to_field_name="code"
    )
    camera = forms.CharField(label="Camera", required=False, max_length=64)
    category = forms.ChoiceField(label="Category", required=False)
    flag = forms.ChoiceField(label="Kept or marked", choices=FLAGS, required=False)
    state = forms.ChoiceField(label="State", choices=STATES, required=False)
    deletes = forms.IntegerField(required=False, min_value=1, max_value=31, widget=forms.HiddenInput)
    audited = forms.IntegerField(required=False, min_value=1, max_value=31, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = [("", "Any"), *category_choices(with_none=True)]


class ReasonForm(forms.Form):
    """A reason, before a deed that needs one."""

    reason = forms.CharField(label="Reason", max_length=300, help_text="It is kept with your name and the time.")


class WatchForm(ReasonForm):
    """Why somebody wants to watch."""

    reason = forms.CharField(
        label="Give a reason to watch",
        max_length=300,
        help_text="For example: crime 3001234/26. It is kept with your name.",
    )


class CategoryForm(forms.Form):
    """What a recording shows."""

    category = forms.ChoiceField(label="Category")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = [("", "Choose"), *category_choices(with_none=False)]


class FlagForm(CategoryForm):
    """Keep a recording as evidence."""

    matter = forms.ModelChoiceField(
        Matter.objects.filter(closed_utc=None), label="Matter", required=False, empty_label="None yet"
    )
    review_date = needed_sometimes(
        forms.DateField(
            label="Look at it again on", required=False, help_text="Needed when there is no matter yet.", **DAY_INPUT
        )
    )
    note = forms.CharField(label="Note", required=False, max_length=300)
    media_ms = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)


class HoldForm(ReasonForm):
    """Stop a deletion."""

    reason = forms.CharField(label="Why must it be kept?", max_length=300)
    review_date = forms.DateField(label="Look at it again on", required=False, **DAY_INPUT)


class ClaimForm(ReasonForm):
    """Say who had an unassigned camera."""

    username = forms.CharField(label="User name of the officer", max_length=150)
    reason = forms.CharField(label="How do you know?", max_length=300)
