"""Filters that write dates, lengths and sizes the way our pages do."""

from datetime import datetime
from typing import Any

from django import template
from django.core.paginator import Page
from django.utils import timezone

from openbwv.server.people.second_person import second_person_in_words

register = template.Library()
MINUTE_S, HOUR_S = 60, 3600
# Most browsers call themselves by the names of others too: the first sign that fits is the one that tells.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


@register.filter
def day_and_time(moment: datetime | None) -> str:
    """`Fri 20 Nov 2026, 14:02`, local time; empty for None. In the hour that comes twice, with its zone."""
    return f"{day(moment)}, {timezone.localtime(moment):%H:%M}{_zone(moment)}" if moment else ""


@register.filter
def day_and_second(moment: datetime | None) -> str:
    """`Fri 20 Nov 2026, 14:02:11`, local time; empty for None. In the hour that comes twice, with its zone."""
    return f"{day(moment)}, {timezone.localtime(moment):%H:%M:%S}{_zone(moment)}" if moment else ""


def _zone(moment: datetime) -> str:
    """Return ` BST` or ` GMT` in the hour that an October night has twice, else nothing."""
    local = timezone.localtime(moment)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f" {local:%Z}" if twice else ""


@register.filter
def day(moment: datetime | None) -> str:
    """`Fri 20 Nov 2026`; empty for None. Dates without a time pass unchanged."""
    if not moment:
        return ""
    local = timezone.localtime(moment) if isinstance(moment, datetime) else moment
    return f"{local:%a} {local.day} {local:%b %Y}"


@register.filter
def clock_time(moment: datetime | None) -> str:
    """`14:02:11`, local time; in the hour that comes twice, with its zone."""
    return f"{timezone.localtime(moment):%H:%M:%S}{_zone(moment)}" if moment else ""


@register.filter
def time_of_day(moment: datetime | None) -> str:
    """`14:02`, local time; in the hour that comes twice, with its zone."""
    return f"{timezone.localtime(moment):%H:%M}{_zone(moment)}" if moment else ""


@register.filter
def browser_name(user_agent: str) -> str:
    """What a browser calls itself, as people call it: `Firefox on Windows`; its own words when we do not know it."""
    named = next((words for sign, words in BROWSERS if sign in user_agent), "")
    system = next((words for sign, words in SYSTEMS if sign in user_agent), "")
    return f"{named} on {system}" if named and system else named or user_agent or "Unknown"


@register.filter
def how_long(ms: int | None) -> str:
    """A number of milliseconds as `1 h 2 min`, `1 min 20 s` or `20 s`."""
    seconds = round((ms or 0) / 1000)
    hours, rest = divmod(seconds, HOUR_S)
    minutes, seconds = divmod(rest, MINUTE_S)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    return f"{seconds} s"


@register.filter
def moment_of(ms: int | None) -> str:
    """A moment of a recording: `0:05`, `12:34` or `1:02:03` from its first picture."""
    minutes, seconds = divmod((ms or 0) // 1000, MINUTE_S)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@register.filter
def size(length_bytes: int | None) -> str:
    """A number of bytes as `12 MB` (decimal)."""
    value = float(length_bytes or 0)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if value >= 10 or unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return ""


@register.filter
def plural(count: int, words: str) -> str:
    """`{{ 2|plural:"recording needs,recordings need" }}` gives `2 recordings need`."""
    one, many = words.split(",")
    return f"{count} {one if count == 1 else many}"


@register.simple_tag(takes_context=True)
def page_query(context: dict[str, Any], page: Page, number: int) -> str:
    """Return the address's query with the number of another page of `page` in it."""
    query = context["request"].GET.copy()
    query[getattr(page, "parameter", "page")] = number
    return query.urlencode()


@register.simple_tag
def second_person(deed: str, but: Any = None) -> str:
    """`{% second_person "second-check" hold.release_asked_by %}`: who may decide it, and that they are told."""
    return second_person_in_words(deed, but)
