"""The library: find recordings."""

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from openbwv.recording import CATEGORIES
from openbwv.server.clock import clock, utc
from openbwv.server.evidence import search
from openbwv.server.evidence.arrival import minutes_left
from openbwv.server.evidence.audited import newest_views
from openbwv.server.evidence.forms import FindForm
from openbwv.server.evidence.queries import scopes_of, thumbnail_shown, visible_to
from openbwv.server.people.pages import page_for
from openbwv.server.people.rules import Scope
from openbwv.server.trail.models import Event
from openbwv.server.trail.words import who_did_it

PAGE_ROWS = 25
COLUMNS = (
    ("when", "When"),
    ("officer", "Officer"),
    ("unit", "Unit"),
    ("length", "Length"),
    ("category", "Category"),
    ("deletes", "Deletes on"),
)
BESIDE_A_VIEWING = ("when", "officer", "length")  # what an auditor said needs the room of the other columns


@page_for("see")
@require_GET
def library(request: HttpRequest) -> HttpResponse:
    """Show the recordings that this person may see and that fit the filters."""
    now = utc(clock())
    form = FindForm(request.GET)
    form.is_valid()
    wanted = form.cleaned_data if form.is_bound else {}
    key = request.GET.get("sort", "when")
    up = request.GET.get("dir") == "up"
    mine = visible_to(request.user).select_related("officer", "unit", "camera")
    found = search.sort(search.find(mine, wanted, now), key, up=up)
    page = Paginator(found, PAGE_ROWS).get_page(request.GET.get("page"))
    audited = wanted.get("audited")
    views = newest_views(page, now, days=audited) if audited else {}
    filters = {name: value for name, value in request.GET.items() if value and name not in ("page", "sort", "dir")}
    return render(
        request,
        "evidence/library.html",
        {
            "form": form,
            "page": page,
            "rows": [_row(recording) | _audited(views.get(recording.pk)) for recording in page],
            "audited_days": audited,
            "columns": _columns(filters, key, up, only=BESIDE_A_VIEWING if audited else ()),
            "filtered": bool(filters),
            "through_requests": scopes_of(request.user) == {Scope.REQUEST},
        },
    )


def _row(recording) -> dict:
    return {
        "recording": recording,
        "category": CATEGORIES[recording.category].title,
        "thumbnail": thumbnail_shown(recording),
        "minutes_left": minutes_left(recording),
    }


def _audited(seen: tuple[Event, int] | None) -> dict:
    return {"view": seen[0], "who": who_did_it(seen[0]), "times": seen[1]} if seen else {}


def _columns(filters: dict, key: str, up: bool, *, only: tuple[str, ...] = ()) -> list[dict]:
    """Return each heading with the address that sorts by it, the other way round when it is the one in use."""
    columns = []
    for name, words in COLUMNS:
        if only and name not in only:
            continue
        here = name == key
        turn = "down" if here and up else "up" if here else "down"
        sorting = ("ascending" if up else "descending") if here else ""
        columns.append(
            {"words": words, "sorting": sorting, "up": up, "query": urlencode({**filters, "sort": name, "dir": turn})}
        )
    return columns
