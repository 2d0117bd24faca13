"""The dock's first page: cameras here, recordings on their way, who has which camera, who was turned away."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from openbwv.dock.desk import Desk, Standing
from openbwv.dock.hall import Hall
from openbwv.dock.held import HeldRecording
from openbwv.dock.html import Markup, el
from openbwv.dock.views import page, plural, short_name, size
from openbwv.dock.visits import Visit
from openbwv.shared.enrolment import EnrolmentSession
from openbwv.shared.priority import URGENT

UK = ZoneInfo("Europe/London")
MOST_ROWS = 30
LAST_SECOND = 253_000_000_000  # a camera's clock may say anything; a page shows no year of five digits
MINUTE_NS = 60 * 1_000_000_000
TONES = {Standing.SENT: "ok", Standing.HELD_UP: "bad"}
STATES = {"enrolled": "In use", "revoked": "Revoked", "lost": "Lost"}  # in the words of the server's own pages
FULL = "This dock is full and takes nothing more. Use another dock; tell the fleet manager."


def first_page(hall: Hall, desk: Desk) -> str:
    """Return the page."""
    visits = hall.visits.here()
    with hall.enrolment_lock:
        waiting = hall.enrolments.waiting()
    cards = [el("li", _card(hall, visit), class_="card") for visit in visits]
    content = [
        el("p", FULL, class_="notice error") if hall.spool.full else None,
        [_waiting(each) for each in waiting],
        el("h2", "In the dock"),
        el("ul", cards, class_="slots") if cards else el("p", "No camera is in the dock.", class_="quiet"),
        el("h2", "On the way to the server"),
        _server_line(hall),
        [el("p", f"Held up: {why}", class_="notice warning") for why in desk.held_up().values()],
        _on_the_way(hall, desk),
        el("h2", "Who has which camera"),
        _handed_out(hall),
        _strangers(hall),
        _turned_away(hall),
    ]
    return page(hall, "Cameras", content, here="/", beside=el("a", "Look again", href="/", class_="button"))


def _waiting(session: EnrolmentSession) -> Markup:
    return el(
        "p",
        f"A new camera {session.name} wants to be enrolled. ",
        el("a", "Compare its digits", href=f"/enrol/{session.session}"),
        class_="notice",
    )


# -- cameras -------------------------------------------------------------------------------------------------------


def _card(hall: Hall, visit: Visit) -> list[Markup]:
    """One camera's state in words, progress, battery."""
    held = [each for each in hall.spool.all() if each.owner == visit.name]
    words, share = progress(visit, held, set(hall.spool.layout.receipts(visit.kid)))
    return [
        el("h3", f"Camera {short_name(visit.name)}"),
        el("p", words, class_="ok" if share >= 100 else None),
        el("progress", f"{share} %", max=100, value=share, aria_label=f"Copied from {short_name(visit.name)}"),
        el("p", f"Battery {visit.battery} %", class_="quiet"),
    ]


def progress(visit: Visit, held: list[HeldRecording], receipted: set[bytes]) -> tuple[str, int]:
    """Return a camera's state in words and how much of what is known is copied, in percent."""
    if not visit.rows:
        return "Empty: everything is at the server. Ready to take.", 100
    known = {each.rec_id: each for each in held}
    copied = sum(1 for row in visit.rows if row.rec_id in receipted or _whole(known.get(row.rec_id)))
    total = sum(each.reader.media_bytes for each in held)
    here = sum(each.held_bytes for each in held)
    share = 100 if copied == len(visit.rows) else min(99, here * 100 // total) if total else 0
    if all(row.rec_id in receipted for row in visit.rows):
        return "At the server. The camera may wipe its copies.", 100
    if copied == len(visit.rows):
        are = "recording is on its" if copied == 1 else "recordings are on their"
        return f"Copied, not wiped: {copied} {are} way to the server.", 100
    return f"Copying: {copied} of {plural(len(visit.rows), 'recording', 'recordings')}, {size(here)}.", share


def _whole(held: HeldRecording | None) -> bool:
    return held is not None and held.has_custody


# -- the way to the server -----------------------------------------------------------------------------------------


def _server_line(hall: Hall) -> Markup:
    waiting = hall.spool.all()
    wait = "recording waits" if len(waiting) == 1 else "recordings wait"
    amount = f"{len(waiting)} {wait} here for the server ({size(sum(each.held_bytes for each in waiting))})."
    if hall.server.connected:
        return el("p", f"The server is reached. {amount if waiting else 'Nothing waits here for it.'}")
    why = hall.server.trouble or "no contact yet"
    return el("p", f"The server is not reached ({why}). {amount} Copying goes on; cameras are not wiped until then.",
              class_="notice warning")  # fmt: skip


def _on_the_way(hall: Hall, desk: Desk) -> list[Markup]:
    waiting = hall.spool.all()
    if not waiting:
        return []
    rows = [_row(held, desk.standing(held)) for held in waiting[:MOST_ROWS]]
    more = len(waiting) - len(rows)
    return [
        _table("On the way to the server", ("Camera", "Began", "Copied", "State"), rows),
        *([el("p", f"And {plural(more, 'recording', 'recordings')} more.", class_="quiet")] if more else []),
    ]


def _row(held: HeldRecording, standing: Standing) -> Markup:
    began = datetime.fromtimestamp(min(held.rank.started_ms // 1000, LAST_SECOND), UTC).astimezone(UK)
    tags = [el("span", standing.value, class_=f"tag {TONES.get(standing, 'quiet')}")]
    if held.rank.level == URGENT:
        tags.append(el("span", "goes first", class_="tag warn"))
    return el(
        "tr",
        el("th", short_name(held.owner), scope="row"),
        el("td", f"{began:%a} {began.day} {began:%b %Y, %H:%M}", data_label="Began"),
        el("td", f"{size(held.held_bytes)} of {size(held.reader.media_bytes)}", data_label="Copied"),
        el("td", el("span", tags, class_="tags")),
    )


# -- who has which -------------------------------------------------------------------------------------------------


def _handed_out(hall: Hall) -> Markup:
    rows = [
        el(
            "tr",
            el("th", str(each.get("name", "")), scope="row"),
            el("td", str(each.get("person") or "nobody"), data_label="With"),
            el("td", STATES.get(state := str(each.get("state") or ""), state), data_label="State"),
        )
        for each in hall.server.cameras
    ]
    if not rows:
        return el("p", "The server has not said yet.", class_="quiet")
    return _table("Who has which camera", ("Camera", "With", "State"), rows)


def _table(name: str, columns: tuple[str, ...], rows: list[Markup]) -> Markup:
    head = el("thead", el("tr", [el("th", column, scope="col") for column in columns]))
    table = el("table", head, el("tbody", rows), class_="rows")
    return el("div", table, class_="card scroll", tabindex=0, role="region", aria_label=name)


# -- not ours ------------------------------------------------------------------------------------------------------


def _strangers(hall: Hall) -> list[Markup]:
    known = hall.strangers.all()
    if not known:
        return []
    rows = [
        el(
            "li",
            f"{short_name(each.name) or 'without a name'}, key {each.kid.hex()[:16]}…, here {_times(each.times)} since "
            f"this dock started; the fleet manager {'was told' if each.told else 'is told when the server is reached'}",
        )
        for each in known
    ]
    more = f" {hall.strangers.beyond} more were only counted." if hall.strangers.beyond else ""
    words = f"{len(known)} devices said hello that are not of this force. They were not emptied.{more}"
    if len(known) == 1:
        words = f"1 device said hello that is not of this force. It was not emptied.{more}"
    return [
        el("h2", "Not of this force"),
        el("p", words, class_="notice warning"),
        el("ul", rows, class_="card plain"),
    ]


def _turned_away(hall: Hall) -> list[Markup]:
    notes = hall.turned_away.all()
    if not notes:
        return []
    now_ns = hall.clock.mono_ns()
    rows = [
        el("li", f"From {each.address}: {each.why}. {_times(each.times).capitalize()}, {_ago(now_ns - each.last_ns)}.")
        for each in notes
    ]
    beyond = hall.turned_away.beyond
    more = f" {plural(beyond, 'other try was', 'other tries were')} only counted." if beyond else ""
    words = (
        "A device was refused before it could say who it is: nothing was taken from it. See whether the camera in the"
        f" dock is one of ours, and tell the fleet manager.{more}"
    )
    return [el("h2", "Turned away"), el("p", words, class_="notice warning"), el("ul", rows, class_="card plain")]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _ago(ns: int) -> str:
    minutes = ns // MINUTE_NS
    return "just now" if minutes < 1 else f"the last time {plural(minutes, 'minute', 'minutes')} ago"
