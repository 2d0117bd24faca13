"""Ask for footage: one question a page, check the answers, then reference and secret, shown once.

Answers so far are kept in the browser's session and forgotten when the request is sent. No page here says whether
there is footage.
"""

from datetime import date, time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openbwv.server.clock import clock
from openbwv.server.disclosure import forms
from openbwv.server.disclosure.actions.submit import Answers, submit_request
from openbwv.server.disclosure.models import Kind
from openbwv.server.disclosure.secrets import check_limit, count_attempt
from openbwv.server.people.models import Unit

STEPS = {
    "you": (forms.KindForm, "Are you in the footage?"),
    "day": (forms.DayForm, "What day was it?"),
    "time": (forms.TimeForm, "Between what times was it?"),
    "place": (forms.PlaceForm, "Where was it?"),
    "officer": (forms.OfficerForm, "Which officer was it?"),
    "description": (forms.DescriptionForm, "How can we recognise you?"),
    "name": (forms.NameForm, "What is your name?"),
    "contact": (forms.ContactForm, "Where can we write to you?"),
}
ORDER = list(STEPS)
KEY = "ask"
LABELS = {
    "kind": "Are you in the footage?",
    "day": "Day",
    "from_time": "Not before",
    "to_time": "Not after",
    "unit": "Borough",
    "place": "Street or place",
    "officer_named": "Officer",
    "description": "How to recognise you",
    "name": "Name",
    "email": "E-mail address",
}


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Say what asking means and how long it takes."""
    return render(request, "disclosure/start.html")


@never_cache
@require_http_methods(["GET", "POST"])
def question(request: HttpRequest, step: str) -> HttpResponse:
    """Ask one question; the answer leads to the next, or back to checking when it was changed from there."""
    if step not in STEPS:
        return redirect("ask")
    form_class, heading = STEPS[step]
    answers = request.session.get(KEY, {})
    form = form_class(request.POST if request.method == "POST" else None, initial=answers)
    if request.method == "POST" and form.is_valid():
        request.session[KEY] = answers | {name: _plain(value) for name, value in form.cleaned_data.items()}
        changing = request.GET.get("then") == "check"
        place = ORDER.index(step) + 1
        return redirect("ask_check" if changing or place == len(ORDER) else "ask_question", *_next(changing, place))
    place = ORDER.index(step)
    before = ORDER[place - 1] if place else None
    return render(
        request,
        "disclosure/question.html",
        {"form": form, "heading": heading, "place": place + 1, "steps": len(ORDER), "before": before},
        status=400 if form.errors else 200,
    )


@never_cache
@require_GET
def check(request: HttpRequest) -> HttpResponse:
    """Show all answers before they are sent."""
    answers = request.session.get(KEY, {})
    missing = _first_missing(answers)
    if missing:
        return redirect("ask_question", missing)
    rows = [
        {"label": LABELS[name], "value": _shown(name, answers.get(name)), "step": step}
        for step, (form_class, _) in STEPS.items()
        for name in form_class.base_fields
    ]
    return render(request, "disclosure/check.html", {"rows": rows})


@never_cache
@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Take the request and show reference and secret, this once."""
    answers = request.session.get(KEY, {})
    missing = _first_missing(answers)
    if missing:
        return redirect("ask_question", missing)
    address = request.META.get("REMOTE_ADDR", "")
    now = timezone.now()
    check_limit("submit", address, now)
    count_attempt("submit", address, now)
    made, secret = submit_request(answers=_answers(answers), clock=clock())
    del request.session[KEY]
    link = request.build_absolute_uri(f"/ask/open/{made.reference}/{secret}")
    return render(request, "disclosure/sent.html", {"made": made, "secret": secret, "link": link})


def _answers(answers: dict[str, str]) -> Answers:
    start_utc, end_utc = forms.window(
        date.fromisoformat(answers["day"]),
        time.fromisoformat(answers["from_time"]),
        time.fromisoformat(answers["to_time"]),
    )
    return Answers(
        kind=answers["kind"],
        from_utc=start_utc,
        to_utc=end_utc,
        unit=Unit.objects.filter(code=answers.get("unit") or "").first(),
        name=answers["name"],
        email=answers["email"],
        place=answers.get("place", ""),
        officer_named=answers.get("officer_named", ""),
        description=answers.get("description", ""),
    )


def _first_missing(answers: dict[str, str]) -> str | None:
    for step, (form_class, _) in STEPS.items():
        if not form_class(answers).is_valid() or not form_class.base_fields.keys() <= answers.keys():
            return step
    return None


def _next(changing: bool, place: int) -> tuple[str, ...]:
    return () if changing or place == len(ORDER) else (ORDER[place],)


def _plain(value: object) -> str:
    """Return an answer as the session keeps it: a text."""
    if isinstance(value, Unit):
        return value.code
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value or "")


def _shown(name: str, value: str | None) -> str:
    if name == "kind":
        return "Yes" if value == Kind.SUBJECT else "No, it shows someone else or an event"
    if name == "unit":
        unit = Unit.objects.filter(code=value or "").first()
        return unit.name if unit else forms.ANYWHERE
    if name == "day" and value:
        day = date.fromisoformat(value)
        return f"{day:%a} {day.day} {day:%b %Y}"
    if name in ("from_time", "to_time") and value:
        return value[:5]
    return value or "Nothing"
