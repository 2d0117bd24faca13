"""Requests as staff see them: the queue, one request, entering one that came on paper, and the deeds on it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openbwv.recording.errors import BwvError
from openbwv.server.clock import clock, utc
from openbwv.server.disclosure import forms, queries
from openbwv.server.disclosure.actions import decide, life
from openbwv.server.disclosure.actions.release import plan_release
from openbwv.server.disclosure.actions.submit import Answers, submit_request
from openbwv.server.disclosure.deadlines import months_after
from openbwv.server.disclosure.given import copies_given, withheld_grounds
from openbwv.server.disclosure.models import Match, Outcome, Request
from openbwv.server.disclosure.weigh import Weighed, weigh
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.models import Person
from openbwv.server.people.pages import log_refusal, page_for
from openbwv.server.people.paging import page_of
from openbwv.server.people.second_person import who_may
from openbwv.server.retention.second import session_of

REVIEW_MONTHS = 1  # proposed for an embargo; the officer chooses


@page_for("requests", "second-check")
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """List open requests by due date, and the copies that wait for the reader's check."""
    return render(
        request,
        "disclosure/queue.html",
        {
            "page": page_of(request, queries.queue(request.user)),
            "closed": page_of(request, queries.closed_for(request.user), name="closed"),
            "checks": queries.checks_waiting_for(request.user),
            "may_enter": request.user.has_role("disclosure"),
            "today": timezone.localdate(utc(clock())),
        },
    )


@page_for("requests")
@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """Enter a request that came by letter, e-mail, telephone, at a desk or on somebody's behalf."""
    form = forms.EntryForm(request.POST or None, initial={"received_on": timezone.localdate(utc(clock()))})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made, secret = submit_request(
                answers=_answers(data),
                channel=data["channel"],
                received_utc=_received(data["received_on"]),
                actor=request.user,
                clock=clock(),
            )
        except BwvError as problem:
            form.add_error(None, f"{problem.what} {problem.remedy}")
        else:
            link = request.build_absolute_uri(f"/ask/open/{made.reference}/{secret}")
            context = {"made": made, "secret": secret, "link": link, "entered": True}
            return render(request, "disclosure/sent.html", context)
    context = {"form": form, "heading": "Enter a request", "button": "Take the request"}
    return render(request, "people/form.html", context, status=400 if form.errors else 200)


@page_for("requests", "second-check")
@require_GET
def request_page(request: HttpRequest, reference: str) -> HttpResponse:
    """Show one request."""
    return show(request, find(request, reference))


def find(request: HttpRequest, reference: str) -> Request:
    """Return the request if the reader may open it; one that is not there looks the same as one they may not see."""
    found = queries.requests_for(request.user).filter(reference=reference).first()
    if found is None:
        raise NotPermitted(
            what="You may not see this request, or there is none of this name.",
            remedy="Check the reference.",
            rule="request-see",
        )
    return found


def show(
    request: HttpRequest,
    asked: Request,
    *,
    problem: BwvError | None = None,
    place: str = "",
    bound: Form | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the request's page; `bound` is the form at `place` that came back, with what was typed into it."""
    mine = asked.assigned_to_id == request.user.pk
    weighed = weigh(asked) if asked.is_open and request.user.has_role("disclosure") else None
    form_at = FormsOf(asked, request.user, place, bound, weighed=weighed)
    matches = [
        {
            "match": match,
            "form": form_at.decision(match),
            "release_form": form_at.copy(match),
            "releases": match.releases.select_related("checker", "checked_by"),
        }
        for match in asked.matches.select_related("recording__officer", "recording__unit", "decided_by")
    ]
    return render(
        request,
        "disclosure/request.html",
        {
            "asked": asked,
            "standing": asked.standing,
            "matches": matches,
            "mine": mine and asked.is_open,
            "may_take": asked.is_open and not mine and request.user.has_role("disclosure"),
            "deleted": queries.deleted_in_reach(asked),
            "weighed": weighed,
            "given": copies_given(asked) if asked.outcome else (),
            "withheld": withheld_grounds(asked),
            "pauses": asked.pauses.all(),
            "notes": asked.notes.all(),
            "forms": {what: form_at.deed(what) for what in ("identity", "extend", "narrow", "answer")},
            "place": place,
            "problem": problem,
        },
        status=problem.http_status if problem else status,
    )


class FormsOf:
    """The forms of one request's page. Each begins with what is known; the one that came back keeps what was typed."""

    def __init__(
        self,
        asked: Request,
        person: Person,
        place: str = "",
        bound: Form | None = None,
        *,
        weighed: Weighed | None = None,
    ) -> None:
        self.asked, self.person = asked, person
        self.place, self.bound, self.weighed = place, bound, weighed

    def _at(self, place: str, made: Form) -> Form:
        return self.bound if self.bound is not None and place == self.place else made

    def decision(self, match: Match, data: Any = None) -> Form:
        """Return the form that decides one recording."""
        known = {"auto_id": f"m{match.pk}_%s", "initial": _proposal(match)}
        return self._at(f"decide-{match.pk}", forms.DecisionForm(data, **known))

    def copy(self, match: Match, data: Any = None) -> Form:
        """Return the form that plans a copy of one recording."""
        known = {"auto_id": f"r{match.pk}_%s", "initial": {"to_s": match.recording.duration_ms / 1000}}
        return self._at(
            f"copy-{match.pk}", forms.ReleaseForm(data, checkers=who_may("second-check", self.person), **known)
        )

    def deed(self, what: str, data: Any = None) -> Form:
        """Return the form of one of DEEDS."""
        form_class = DEEDS[what][0]
        initial = _window_asked_for(self.asked) if what == "narrow" else {}
        if what == "answer" and self.weighed is not None and not self.asked.matches.exists():
            initial = {"outcome": Outcome.NO_FOOTAGE, "no_footage_kind": self.weighed.proposed}
        return self._at(what, form_class(data, auto_id=f"{what}_%s", initial=initial))


def _window_asked_for(asked: Request) -> dict[str, Any]:
    start, end = timezone.localtime(asked.window_from_utc), timezone.localtime(asked.window_to_utc)
    unit = asked.unit.code if asked.unit else None
    return {"day": start.date(), "from_time": start.time(), "to_time": end.time(), "unit": unit}


@page_for("requests")
@require_POST
def deed(request: HttpRequest, reference: str, what: str) -> HttpResponse:
    """Do one of the deeds below on a request."""
    asked = find(request, reference)
    if what not in DEEDS:
        raise Http404
    act = DEEDS[what][1]
    form = FormsOf(asked, request.user).deed(what, request.POST)
    return _do(request, asked, what, form, lambda data: act(request, asked, data))


@page_for("requests")
@require_POST
def decide_match(request: HttpRequest, reference: str, match_id: int) -> HttpResponse:
    """Decide one recording."""
    asked = find(request, reference)
    match = get_object_or_404(Match.objects.select_related("request", "recording"), pk=match_id, request=asked)

    def act(data: dict[str, Any]) -> str:
        decide.decide_match(match=match, actor=request.user, clock=clock(), **data)
        return "The decision is saved. You can change it until the request is answered."

    form = FormsOf(asked, request.user).decision(match, request.POST)
    return _do(request, asked, f"decide-{match.pk}", form, act)


@page_for("requests")
@require_POST
def plan(request: HttpRequest, reference: str, match_id: int) -> HttpResponse:
    """Plan a copy."""
    asked = find(request, reference)
    match = get_object_or_404(Match.objects.select_related("request", "recording"), pk=match_id, request=asked)
    form = FormsOf(asked, request.user).copy(match, request.POST)

    def act(data: dict[str, Any]) -> str:
        plan_release(
            match=match,
            plan=form.plan(),
            checker=data["checker"],
            actor=request.user,
            session=session_of(request),
            clock=clock(),
        )
        return f"The copy is being made. {data['checker']} sees it on their home page when it is ready."

    return _do(request, asked, f"copy-{match.pk}", form, act)


def _do(
    request: HttpRequest, asked: Request, place: str, form: Form, act: Callable[[dict[str, Any]], str]
) -> HttpResponse:
    if not form.is_valid():
        return show(request, asked, place=place, bound=form, status=400)
    try:
        said = act(form.cleaned_data)
    except BwvError as problem:
        if problem.http_status == 403:
            log_refusal(request.user, problem, deed=request.path)
        return show(request, asked, problem=problem, place=place, bound=form)
    messages.success(request, said)
    return redirect(asked)


def _take(request: HttpRequest, asked: Request, data: dict[str, Any]) -> str:
    life.assign_request(request=asked, actor=request.user, clock=clock())
    return "It is yours now."


def _narrow(request: HttpRequest, asked: Request, data: dict[str, Any]) -> str:
    start, end = forms.window(data["day"], data["from_time"], data["to_time"])
    life.narrow_request(
        request=asked,
        from_utc=start,
        to_utc=end,
        unit=data["unit"],
        reason=data["reason"],
        actor=request.user,
        clock=clock(),
    )
    return "Narrowed. What it still covers is held; the rest is let go."


def _identity(request: HttpRequest, asked: Request, data: dict[str, Any]) -> str:
    life.ask_identity(request=asked, what=data["what"], actor=request.user, clock=clock())
    return f"Asked. The clock stands still until it comes. {_told(asked)}"


def _shown(request: HttpRequest, asked: Request, data: dict[str, Any]) -> str:
    life.identity_shown(request=asked, actor=request.user, clock=clock())
    return "Noted. The clock goes on."


def _extend(request: HttpRequest, asked: Request, data: dict[str, Any]) -> str:
    life.extend_request(request=asked, actor=request.user, clock=clock(), **data)
    return f"Extended. {_told(asked)}"


def _answer(request: HttpRequest, asked: Request, data: dict[str, Any]) -> str:
    decide.answer_request(request=asked, actor=request.user, clock=clock(), **data)
    return f"Answered. {_told(asked)}"


def _told(asked: Request) -> str:
    """Say how the asker learns of it: by e-mail, or by a letter that somebody has to write."""
    if asked.email:
        return "An e-mail tells the asker to open their page."
    return "There is no e-mail address: write the asker a letter."


class _Nothing(Form):
    """A deed that is only its button."""


DEEDS: dict[str, tuple[type[Form], Callable[[HttpRequest, Request, dict[str, Any]], str]]] = {
    "take": (_Nothing, _take),
    "narrow": (forms.NarrowForm, _narrow),
    "identity": (forms.IdentityForm, _identity),
    "identity-shown": (_Nothing, _shown),
    "extend": (forms.ExtendForm, _extend),
    "answer": (forms.AnswerForm, _answer),
}


def _proposal(match: Match) -> dict[str, Any]:
    """Return what the form starts with: what was decided, or an embargo where the recording is flagged."""
    if match.decided_utc:
        return {name: getattr(match, name) for name in ("state", "ground", "reason", "review_date")}
    if match.embargo_proposed:
        again = months_after(timezone.localdate(utc(clock())), REVIEW_MONTHS)
        return {"state": "embargoed", "ground": "Data Protection Act 2018, section 45(4)", "review_date": again}
    return {"state": "full"}


def _answers(data: dict[str, Any]) -> Answers:
    start, end = forms.window(data["day"], data["from_time"], data["to_time"])
    same = ("kind", "unit", "name", "email", "postal", "place", "officer_named", "description", "for_whom")
    return Answers(from_utc=start, to_utc=end, **{name: data[name] for name in same})


def _received(day: Any) -> Any:
    """Return the start of the day of receipt, or now when it is today."""
    now = utc(clock())
    if day == timezone.localdate(now):
        return now
    return timezone.make_aware(timezone.datetime.combine(day, timezone.datetime.min.time()))
