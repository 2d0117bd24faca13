"""What the dock's pages show, as values turned into HTML; nothing here changes anything."""

from openbwv.dock.hall import Hall
from openbwv.dock.held import HeldRecording
from openbwv.dock.html import Markup, choice, el, field, join
from openbwv.dock.visits import Visit
from openbwv.shared.enrolment import EnrolmentSession

NONE_REASONS = [
    ("none-left", "No camera is left in the dock"),
    ("none-charged", "None is charged enough"),
    ("all-broken", "All of them are broken"),
    ("dock-broken", "The dock does not work"),
    ("other", "Another reason"),
]
HOURS = [("12", "12 hours (one shift)"), ("24", "24 hours"), ("168", "7 days")]
PLEASE = "Your own user name and password; they are sent to the server and not kept here."
MIB = 1 << 20


def page(hall: Hall, title: str, *content: object) -> str:
    """Return a whole page."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", f"{title} - dock {hall.identity.name}"),
        el("link", rel="stylesheet", href="/static/dock.css"),
    )
    body = el(
        "body",
        el("p", "PRETEND FORCE: nothing here is real evidence.", class_="pretend") if hall.pretend else None,
        el(
            "header",
            el("strong", f"Dock {hall.identity.name}"),
            el(
                "nav",
                el("a", "Cameras", href="/"),
                el("a", "Take a camera", href="/take"),
                el("a", "No camera available", href="/none"),
                aria_label="Dock",
            ),
        ),
        el("main", el("h1", title), content),
        el("footer", el("p", "The dock holds sealed copies only. It cannot show or open any recording.")),
    )
    return "<!doctype html>\n" + el("html", head, body, lang="en-GB")


def home(hall: Hall, stuck: dict[bytes, tuple[int, str]]) -> str:
    """Return the first page: cameras here, who has which, enrolments waiting, how the server is reached."""
    visits = hall.visits.here()
    with hall.enrolment_lock:
        waiting = hall.enrolments.waiting()
    slots = [el("li", slot(hall, visit)) for visit in visits]
    content = [
        el("p", "This dock is full and takes nothing more. Use another dock; tell the fleet manager.", class_="bad")
        if hall.spool.full
        else None,
        [_waiting(each) for each in waiting],
        el("p", el("a", "Look again", href="/", class_="button second")),
        el("h2", "Cameras here"),
        el("ul", slots, class_="slots") if slots else el("p", "No camera is in the dock."),
        el("h2", "Who has which camera"),
        _handed_out(hall),
        el("h2", "On the way to the server"),
        _server_line(hall),
        [el("p", f"Held up: {why}", class_="note") for _, why in stuck.values()],
        _strangers(hall),
    ]
    return page(hall, "Cameras", content)


def _strangers(hall: Hall) -> list[Markup]:
    known = hall.strangers.all()
    if not known:
        return []
    rows = [
        el(
            "li",
            f"{short_name(each.name) or 'without a name'}, key {each.kid.hex()[:16]}…, here {each.times} times since "
            f"this dock started; the fleet manager {'was told' if each.told else 'is told when the server is reached'}",
        )
        for each in known
    ]
    more = f" {hall.strangers.beyond} more were only counted." if hall.strangers.beyond else ""
    words = f"{len(known)} devices said hello that are not of this force. They were not emptied.{more}"
    return [el("h2", "Not of this force"), el("p", words, class_="bad"), el("ul", rows)]


def slot(hall: Hall, visit: Visit) -> Markup:
    """Return one camera's card: state in words, progress, battery."""
    held = [each for each in hall.spool.all() if each.owner == visit.name]
    words, share = progress(visit, held, set(hall.spool.layout.receipts(visit.kid)))
    state = el("p", words, class_="good" if share >= 100 else None)
    bar = el("progress", f"{share} %", max=100, value=share, aria_label=f"Copied from {short_name(visit.name)}")
    return join([
        el("h3", f"Camera {short_name(visit.name)}"), state, bar,
        el("p", f"Battery {visit.battery} %", class_="quiet"),
    ])  # fmt: skip


def progress(visit: Visit, held: list[HeldRecording], receipted: set[bytes]) -> tuple[str, int]:
    """Return a camera's state in words and how much of what is known is copied, in percent."""
    if not visit.rows:
        return "Empty: everything is at the server. Ready to take.", 100
    known = {each.rec_id: each for each in held}
    copied = sum(1 for row in visit.rows if row.rec_id in receipted or (_whole(known.get(row.rec_id))))
    total = sum(each.reader.media_bytes for each in held)
    here = sum(each.held_bytes for each in held)
    share = 100 if copied == len(visit.rows) else min(99, here * 100 // total) if total else 0
    if all(row.rec_id in receipted for row in visit.rows):
        return "At the server. The camera may wipe its copies.", 100
    if copied == len(visit.rows):
        return f"Copied, not wiped: {copied} recordings are on their way to the server.", 100
    return f"Copying: {copied} of {len(visit.rows)} recordings, {here // MIB} MB.", share


def _whole(held: HeldRecording | None) -> bool:
    return held is not None and held.has_custody


def short_name(san_uri: str) -> str:
    """Return `0417` for `urn:bwv:camera:0417`."""
    return san_uri.rsplit(":", 1)[-1]


def _waiting(session: EnrolmentSession) -> Markup:
    return el(
        "p",
        f"A new camera {session.name} wants to be enrolled. ",
        el("a", "Compare its digits", href=f"/enrol/{session.session}"),
        class_="note",
    )


def _handed_out(hall: Hall) -> Markup:
    rows = [
        el(
            "tr",
            el("th", str(each.get("name", "")), scope="row"),
            el("td", str(each.get("person") or "nobody")),
            el("td", str(each.get("state") or "")),
        )
        for each in hall.server.cameras
    ]
    if not rows:
        return el("p", "The server has not said yet.", class_="quiet")
    head = el("tr", el("th", "Camera", scope="col"), el("th", "With", scope="col"), el("th", "State", scope="col"))
    return el("div", el("table", el("thead", head), el("tbody", rows)), class_="table", tabindex=0, role="region",
              aria_label="Who has which camera")  # fmt: skip


def _server_line(hall: Hall) -> Markup:
    waiting = hall.spool.all()
    size = sum(each.held_bytes for each in waiting) // MIB
    amount = f"{len(waiting)} recordings ({size} MB) wait here for the server."
    if hall.server.connected:
        return el("p", f"The server is reached. {amount}")
    why = hall.server.trouble or "no contact yet"
    return el("p", f"The server is not reached ({why}). {amount} Copying goes on; cameras are not wiped until then.",
              class_="note")  # fmt: skip


def take(hall: Hall, *, csrf: str, cameras: list[tuple[str, str]], trouble: str = "", done: str = "") -> str:
    """Return the page on which an officer takes a camera, or a fleet manager gives one out."""
    if not cameras and not done:
        return page(
            hall, "Take a camera", _said(trouble, done),
            el("p", "No camera is in the dock now."),
            el("a", "Say that no camera was available", href="/none", class_="button"),
        )  # fmt: skip
    form = el(
        "form",
        el("input", type="hidden", name="csrf", value=csrf),
        choice("Camera", "camera", cameras),
        choice("For how long", "hours", HOURS),
        field("User name", "username", hint=PLEASE, autocomplete="username", required=True),
        field("Password", "password", kind="password", autocomplete="current-password", required=True),
        field(
            "For somebody else", "for", hint="Fleet managers only: the officer's user name. Leave empty for yourself."
        ),
        el("button", "Take this camera", type="submit"),
        method="post",
        action="/take",
    )
    return page(hall, "Take a camera", _said(trouble, done), form)


def none_available(hall: Hall, *, csrf: str, trouble: str = "", done: str = "") -> str:
    """Return the page that records that somebody went on duty without a camera, and why."""
    form = el(
        "form",
        el("input", type="hidden", name="csrf", value=csrf),
        choice("Why", "reason", NONE_REASONS),
        field("In your words", "note", hint="Optional.", maxlength=500),
        field("User name", "username", hint=PLEASE, autocomplete="username", required=True),
        field("Password", "password", kind="password", autocomplete="current-password", required=True),
        el("button", "Record it", type="submit"),
        method="post",
        action="/none",
    )
    return page(hall, "No camera available", _said(trouble, done), form)


def enrol(hall: Hall, *, csrf: str, session: EnrolmentSession | None, trouble: str = "", done: str = "") -> str:
    """Return the page on which a fleet manager compares six digits and confirms a camera."""
    if session is None:
        gone = trouble or done or "This enrolment is over. Start it again on the camera."
        return page(hall, "Enrol a camera", _said("" if done else gone, done))
    form = el(
        "form",
        el("input", type="hidden", name="csrf", value=csrf),
        field("User name", "username", hint="A fleet manager's.", autocomplete="username"),
        field("Password", "password", kind="password", autocomplete="current-password"),
        el("button", "The digits are the same: enrol it", type="submit", name="answer", value="same"),
        el("button", "They differ: refuse it", type="submit", name="answer", value="differ", class_="second"),
        method="post",
        action=f"/enrol/{session.session}",
    )
    return page(
        hall,
        f"Enrol camera {session.name}",
        _said(trouble, done),
        el("p", "Compare with the digits that the camera shows. If even one differs, refuse it."),
        el("p", f"{session.code[:3]} {session.code[3:]}", class_="code"),
        form,
    )


def _said(trouble: str, done: str) -> list[Markup]:
    said = []
    if trouble:
        said.append(el("p", trouble, class_="bad", role="alert"))
    if done:
        said.append(el("p", done, class_="note", role="status"))
    return said
