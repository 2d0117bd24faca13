"""The questions of a request for footage, one form per page, and what disclosure officers fill in."""

from datetime import date, datetime, timedelta

from django import forms
from django.utils import timezone

from openbwv.server.clock import clock, utc
from openbwv.server.disclosure.models import Channel, Kind, MatchState, NoFootage, Outcome
from openbwv.server.people.models import Person, Unit, UnitKind
from openbwv.server.people.rendering import needed_sometimes

DAY = {
    "input_formats": ["%Y-%m-%d", "%d %m %Y", "%d/%m/%Y"],
    "widget": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),  # a browser fills in no other
}
TIME = {"widget": forms.TimeInput(attrs={"type": "time"}, format="%H:%M")}
DAY_WORDS = "Enter the day it was, for example 20 11 2026."
TIME_WORDS = "Enter a time, for example 14:30."
BOROUGHS = Unit.objects.filter(kind=UnitKind.BOROUGH)
ANYWHERE = "I do not know"


class KindForm(forms.Form):
    """Which law."""

    kind = forms.ChoiceField(
        label="Are you in the footage?",
        choices=((Kind.SUBJECT, "Yes, I am in it"), (Kind.INFORMATION, "No, it shows someone else or an event")),
        widget=forms.RadioSelect,
        error_messages={"required": "Say whether you are in the footage."},
    )


class DayForm(forms.Form):
    """Which day."""

    day = forms.DateField(
        label="What day was it?",
        help_text="For example 20 11 2026.",
        error_messages={"required": DAY_WORDS, "invalid": DAY_WORDS},
        **DAY,
    )

    def clean_day(self) -> date:
        """Refuse a day to come."""
        day = self.cleaned_data["day"]
        if day > timezone.localdate(utc(clock())):
            raise forms.ValidationError("The date must be today or in the past.")
        return day


class TimeForm(forms.Form):
    """Between what times."""

    from_time = forms.TimeField(
        label="Not before", error_messages={"required": TIME_WORDS, "invalid": TIME_WORDS}, **TIME
    )
    to_time = forms.TimeField(
        label="Not after",
        help_text="If you are not sure, leave some room. We find it sooner if it is less than 6 hours.",
        error_messages={"required": TIME_WORDS, "invalid": TIME_WORDS},
        **TIME,
    )


class PlaceForm(forms.Form):
    """Where."""

    unit = forms.ModelChoiceField(
        BOROUGHS, label="Which borough was it in?", required=False, empty_label=ANYWHERE, to_field_name="code"
    )
    place = forms.CharField(label="Street or place", required=False, max_length=300)


class OfficerForm(forms.Form):
    """Which officer."""

    officer_named = forms.CharField(
        label="Do you know the officer's name or shoulder number?",
        required=False,
        max_length=120,
        help_text="Leave it empty if you do not.",
    )


class DescriptionForm(forms.Form):
    """What to look for."""

    description = forms.CharField(
        label="What did you look like, and who was with you?",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="It helps us to find you and to hide other people. For an event, say what happened.",
    )


class NameForm(forms.Form):
    """Who asks."""

    name = forms.CharField(
        label="What is your name?",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Enter your name."},
    )


class ContactForm(forms.Form):
    """Where to write to."""

    email = forms.EmailField(
        label="What is your e-mail address?",
        help_text="We send our answer there, and a code when you download footage. If you have none, write to us, call "
        "or come to a front desk instead: we take your request there, and you collect the footage in person.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": "Enter an e-mail address, for example name@example.com."},
    )


class SecretForm(forms.Form):
    """Reference and secret."""

    reference = forms.CharField(label="Reference", max_length=20, help_text="For example ASK-2026-000012.")
    secret = forms.CharField(
        label="Secret", max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )


class AddForm(forms.Form):
    """Something more."""

    text = forms.CharField(label="What do you want to add?", max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))


class CodeForm(forms.Form):
    """The one-time code."""

    code = forms.CharField(
        label="Code from our e-mail",
        max_length=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )


def window(day: date, from_time, to_time) -> tuple[datetime, datetime]:
    """Return the window asked for; an end at or before the start is on the next day."""
    start = timezone.make_aware(datetime.combine(day, from_time))
    end = timezone.make_aware(datetime.combine(day, to_time))
    return start, end if end > start else end + timedelta(days=1)


# ── staff ────────────────────────────────────────────────────────────────────────────────────────────────────────
class EntryForm(KindForm, DayForm, TimeForm, PlaceForm, OfficerForm, DescriptionForm, NameForm):
    """A request that came by letter, e-mail, telephone or at a desk."""

    field_order = (
        "channel",
        "received_on",
        "name",
        "for_whom",
        "email",
        "postal",
        "kind",
        "day",
        "from_time",
        "to_time",
    )
    words = {  # as a member of staff reads them; the public's pages ask the asker
        "kind": "Is the asker in the footage?",
        "to_time": "Not after",
        "unit": "Borough",
        "name": "Name of the asker",
        "officer_named": "Officer's name or shoulder number",
        "description": "How to recognise the asker, or what happened",
    }
    channel = forms.ChoiceField(label="How it came", choices=[c for c in Channel.choices if c[0] != Channel.WEB])
    received_on = forms.DateField(label="Received on", **DAY)
    for_whom = forms.CharField(label="On whose behalf", required=False, max_length=120)
    email = forms.EmailField(
        label="E-mail address",
        required=False,
        help_text="Without one the asker cannot download a copy: they collect it in person.",
    )
    postal = needed_sometimes(
        forms.CharField(
            label="Postal address",
            required=False,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text="Needed when there is no e-mail address.",
        )
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, label in self.words.items():
            self.fields[name].label, self.fields[name].help_text = label, ""
        self.fields["kind"].choices = [(Kind.SUBJECT, "Yes"), (Kind.INFORMATION, "No: others, or an event")]
        self.fields["unit"].empty_label = "Not known"

    def clean(self) -> dict:
        """Refuse a request that nobody can answer."""
        data = super().clean()
        if not data.get("email") and not data.get("postal") and "email" not in self.errors:
            self.add_error("postal", "Give an e-mail or a postal address.")
        return data


class NarrowForm(DayForm, TimeForm):
    """Bound a request."""

    field_order = ("day", "from_time", "to_time", "unit", "reason")
    unit = forms.ModelChoiceField(BOROUGHS, label="Borough", to_field_name="code", empty_label="Choose")
    reason = forms.CharField(label="Reason", max_length=300)


class IdentityForm(forms.Form):
    """Ask for proof."""

    what = forms.CharField(label="What do you need?", max_length=300, help_text="For example: a copy of a passport.")


class ExtendForm(forms.Form):
    """More time."""

    days = forms.IntegerField(label="Days", min_value=1, max_value=62)
    reason = forms.CharField(label="Reason, as the asker will read it", max_length=300)


class DecisionForm(forms.Form):
    """What becomes of one recording."""

    state = forms.ChoiceField(
        label="Decision", choices=[choice for choice in MatchState.choices if choice[0] != MatchState.FOUND]
    )
    ground = needed_sometimes(
        forms.CharField(
            label="Legal ground",
            required=False,
            max_length=200,
            help_text="Needed for a part, a refusal or an embargo. The asker reads it.",
        )
    )
    reason = forms.CharField(label="Reason", max_length=1000, help_text="For colleagues: the asker does not read it.")
    review_date = needed_sometimes(
        forms.DateField(
            label="Look at it again on", required=False, help_text="Needed for an embargo: a day to come.", **DAY
        )
    )

    def clean(self) -> dict:
        """Say at the field what a decision to withhold lacks."""
        data = super().clean()
        state, again = data.get("state"), data.get("review_date")
        if state in (MatchState.PART, MatchState.REFUSED, MatchState.EMBARGOED) and not data.get("ground"):
            self.add_error("ground", "What is withheld needs its legal ground: name the section of the law.")
        late = again is None or again <= timezone.localdate(utc(clock()))
        if state == MatchState.EMBARGOED and late and "review_date" not in self.errors:
            self.add_error("review_date", "An embargo needs a day to come, on which it is looked at again.")
        return data


class ReleaseForm(forms.Form):
    """Plan a copy."""

    from_s = forms.DecimalField(label="From second", min_value=0, decimal_places=3, initial=0)
    to_s = forms.DecimalField(label="To second", min_value=0, decimal_places=3)
    picture = forms.ChoiceField(
        label="Picture", choices=(("keep", "Keep the picture"), ("fill", "Cover the whole picture"))
    )
    sound = forms.ChoiceField(
        label="Sound", choices=(("keep", "Keep the sound"), ("silence", "Silence it"), ("none", "No sound track"))
    )
    checker = forms.ModelChoiceField(
        Person.objects.none(),
        label="Who checks it",
        empty_label="Choose",
        help_text="They see it on their home page when the copy is ready.",
    )

    def __init__(self, *args, checkers=None, **kwargs):
        super().__init__(*args, **kwargs)
        if checkers is not None:
            self.fields["checker"].queryset = checkers

    def plan(self) -> dict:
        """Return the plan as `redaction.plan.Plan` reads it."""
        data = self.cleaned_data
        start, end = int(data["from_s"] * 1000), int(data["to_s"] * 1000)
        return {
            "from_ms": start,
            "to_ms": end,
            "fill": [[start, end]] if data["picture"] == "fill" else [],
            "silence": [[start, end]] if data["sound"] == "silence" else [],
            "drop_sound": data["sound"] == "none",
        }


class AnswerForm(forms.Form):
    """Answer the request."""

    outcome = forms.ChoiceField(label="Answer", choices=Outcome.choices)
    no_footage_kind = needed_sometimes(
        forms.ChoiceField(
            label="Why there is none",
            choices=[("", "There is footage"), *NoFootage.choices],
            required=False,
            help_text="Needed when there is no footage.",
        )
    )
    answer = forms.CharField(label="In words, for the asker", max_length=4000, widget=forms.Textarea(attrs={"rows": 5}))


class CheckForm(forms.Form):
    """The second person's word."""

    note = needed_sometimes(
        forms.CharField(label="Note", required=False, max_length=1000, help_text="Needed when you say no.")
    )


class HandOverForm(forms.Form):
    """Who came for the copy."""

    shown = forms.CharField(
        label="What did they show you?",
        max_length=300,
        help_text="For example: passport, and the page with reference and secret.",
    )
