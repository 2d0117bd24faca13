"""The frame of the dock's pages and their forms, as values turned into HTML; nothing here changes anything.

Words and look are those of the server's pages (docs/design/glossary.md, static/dock.css).
"""

from openbwv.dock.hall import Hall
from openbwv.dock.html import Markup, choice, el, field
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
NAV = [("/", "Cameras"), ("/take", "Take a camera"), ("/none", "No camera available")]
FOOTER = "OpenBWV. The dock holds sealed copies only: it cannot show or open any recording. Times are UK time."
THOUSAND, TEN = 1000, 10


def page(hall: Hall, title: str, *content: object, here: str = "", beside: object = None) -> str:
    """Return a whole page; `here` is its address in the navigation, `beside` stands next to the heading."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", f"{title} – dock {hall.identity.name} – OpenBWV"),
        el("link", rel="stylesheet", href="/static/dock.css"),
    )
    pretend = el("strong", "PRETEND FORCE."), " People, footage and the clock are made up."
    links = [el("li", el("a", words, href=address, aria_current=address == here and "page")) for address, words in NAV]
    body = el(
        "body",
        el("a", "Skip to main content", class_="skip", href="#main"),
        el("section", el("p", pretend, class_="pretend"), aria_label="Pretend force") if hall.pretend else None,
        el(
            "header",
            el("a", f"Dock {hall.identity.name}", class_="name", href="/"),
            el("nav", el("ul", links), aria_label="Main"),
            class_="top",
        ),
        el("main", el("div", el("h1", title), beside, class_="title-line"), content, id="main", tabindex=-1),
        el("footer", el("p", FOOTER), class_="bottom"),
    )
    return "<!doctype html>\n" + el("html", head, body, lang="en-GB")


def short_name(san_uri: str) -> str:
    """Return `0417` for `urn:bwv:camera:0417`."""
    return san_uri.rsplit(":", 1)[-1]


def size(length_bytes: int) -> str:
    """Return a number of bytes as `12 MB` (decimal), as the server's pages write it."""
    value = float(length_bytes)
    for unit in ("bytes", "kB", "MB"):
        if value < THOUSAND:
            return f"{value:.0f} {unit}" if value >= TEN or unit == "bytes" else f"{value:.1f} {unit}"
        value /= THOUSAND
    return f"{value:.0f} GB" if value >= TEN else f"{value:.1f} GB"


def plural(count: int, one: str, many: str) -> str:
    """Return `1 recording` or `2 recordings`."""
    return f"{count} {one if count == 1 else many}"


def take(hall: Hall, *, csrf: str, cameras: list[tuple[str, str]], trouble: str = "", done: str = "") -> str:
    """Return the page on which an officer takes a camera, or a fleet manager gives one out."""
    if not cameras and not done:
        return page(
            hall, "Take a camera", _said(trouble, done),
            el("p", "No camera is in the dock now."),
            el("a", "Say that no camera was available", href="/none", class_="button"),
            here="/take",
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
        el("button", "Take this camera", type="submit", class_="primary"),
        method="post",
        action="/take",
        class_="card",
    )
    return page(hall, "Take a camera", _said(trouble, done), form, here="/take")


def none_available(hall: Hall, *, csrf: str, trouble: str = "", done: str = "") -> str:
    """Return the page that records that somebody went on duty without a camera, and why."""
    form = el(
        "form",
        el("input", type="hidden", name="csrf", value=csrf),
        choice("Why", "reason", NONE_REASONS),
        field("In your words", "note", hint="Optional.", maxlength=500),
        field("User name", "username", hint=PLEASE, autocomplete="username", required=True),
        field("Password", "password", kind="password", autocomplete="current-password", required=True),
        el("button", "Record it", type="submit", class_="primary"),
        method="post",
        action="/none",
        class_="card",
    )
    return page(hall, "No camera available", _said(trouble, done), form, here="/none")


def enrol(hall: Hall, *, csrf: str, session: EnrolmentSession | None, trouble: str = "", done: str = "") -> str:
    """Return the page on which a fleet manager compares six digits and confirms a camera."""
    if session is None:
        gone = trouble or done or "This enrolment is over. Start it again on the camera."
        return page(hall, "Enrol a camera", _said("" if done else gone, done))
    same = el(
        "button", "The digits are the same: enrol it", type="submit", name="answer", value="same", class_="primary"
    )
    form = el(
        "form",
        el("input", type="hidden", name="csrf", value=csrf),
        field("User name", "username", hint="A fleet manager's.", autocomplete="username"),
        field("Password", "password", kind="password", autocomplete="current-password"),
        el(
            "div",
            same,
            el("button", "They differ: refuse it", type="submit", name="answer", value="differ"),
            class_="row",
        ),
        method="post",
        action=f"/enrol/{session.session}",
        class_="card",
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
        said.append(el("p", trouble, class_="notice error", role="alert"))
    if done:
        said.append(el("p", done, class_="notice success", role="status"))
    return said
