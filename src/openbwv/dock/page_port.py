"""The dock's own page, for people who stand in front of it. Bound to 127.0.0.1 unless the person says otherwise.

No script, no inline style, a strict Content-Security-Policy. Every deed is a POST with a token that must match a
cookie (SameSite=Strict), from a Host that is this dock. Passwords go to the server's door and are not kept or logged.
"""

import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from openbwv.dock import views
from openbwv.dock.first_page import first_page
from openbwv.dock.hall import Hall
from openbwv.dock.uplink import Uplink
from openbwv.dock.web import whole_body
from openbwv.recording import Assignment
from openbwv.recording.errors import BwvError
from openbwv.shared import door
from openbwv.shared.door_client import DoorClient
from openbwv.shared.enrolment import EnrolmentSession

COOKIE = "dock_csrf"
TOKEN_LENGTH = 64
FORM_LIMIT_BYTES = 16 << 10
CSS = Path(__file__).with_name("static") / "dock.css"
SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Form = dict[str, str]


def page_app(hall: Hall, uplink: Uplink, *, hosts: list[str], random: Callable[[int], bytes]) -> Starlette:
    """Return the ASGI application of the page port; `hosts` are the names it answers to."""
    port = PagePort(hall, uplink, hosts=hosts, random=random)
    return Starlette(
        routes=[
            Route("/", port.home, methods=["GET"]),
            Route("/static/dock.css", port.css, methods=["GET"]),
            Route("/take", port.take, methods=["GET", "POST"]),
            Route("/none", port.none, methods=["GET", "POST"]),
            Route("/enrol/{session}", port.enrol, methods=["GET", "POST"]),
        ]
    )


class PagePort:
    """The handlers of the page port."""

    def __init__(self, hall: Hall, uplink: Uplink, *, hosts: list[str], random: Callable[[int], bytes]) -> None:
        self.hall, self.uplink, self._random = hall, uplink, random
        self._hosts = {host.lower() for host in hosts}

    async def home(self, request: Request) -> Response:
        """GET /: cameras, progress, the server."""
        if refusal := self._wrong_host(request):
            return refusal
        html = await run_in_threadpool(first_page, self.hall, self.uplink.desk)
        return HTMLResponse(html, headers=SAFE_HEADERS)

    async def css(self, _request: Request) -> Response:
        """GET /static/dock.css."""
        return Response(CSS.read_bytes(), media_type="text/css", headers={"X-Content-Type-Options": "nosniff"})

    async def take(self, request: Request) -> Response:
        """GET and POST /take: an officer takes a camera with their own sign-in, or a fleet manager gives one out."""
        cameras = [(visit.kid.hex(), views.short_name(visit.name)) for visit in self.hall.visits.here()]

        def show(csrf: str, trouble: str, done: str) -> str:
            return views.take(self.hall, csrf=csrf, cameras=cameras, trouble=trouble, done=done)

        return await self._page(request, show, self._take)

    def _take(self, form: Form) -> str:
        visit = next((each for each in self.hall.visits.here() if each.kid.hex() == form.get("camera")), None)
        hours = form.get("hours", "")
        if visit is None or hours not in dict(views.HOURS):
            raise BwvError(what="That camera is no longer in the dock.", remedy="Choose another one.")
        wanted: dict[str, Any] = {
            "camera_kid": visit.kid.hex(),
            "username": form.get("username", ""),
            "password": form.get("password", ""),
            "hours": int(hours),
        }
        if form.get("for"):
            wanted["for"] = form["for"]
        value = self.hall.ask_server(lambda client: client.post("/assignments", wanted))
        signed = door.from_base64(value.get("assignment"), "assignment")
        if Assignment.decode(signed, trust=self.hall.trust).body.camera_kid != visit.kid:
            raise door.bad_answer("the assignment")
        self.hall.spool.set_assignment(visit.kid, signed)
        self.hall.wake.set()
        person = value.get("person") or wanted.get("for") or wanted["username"]
        return f"Camera {views.short_name(visit.name)} is yours to take, {person}. It shows so itself in a moment."

    async def none(self, request: Request) -> Response:
        """GET and POST /none: somebody goes on duty without a camera, with a reason."""

        def show(csrf: str, trouble: str, done: str) -> str:
            return views.none_available(self.hall, csrf=csrf, trouble=trouble, done=done)

        return await self._page(request, show, self._none)

    def _none(self, form: Form) -> str:
        if form.get("reason") not in dict(views.NONE_REASONS):
            raise BwvError(what="No reason was chosen.", remedy="Choose one from the list.")
        wanted = {name: form.get(name, "")[:500] for name in ("username", "password", "reason", "note")}
        self.hall.ask_server(lambda client: client.post("/assignments/none", wanted))
        return "Recorded: no camera was available."

    async def enrol(self, request: Request) -> Response:
        """GET and POST /enrol/SESSION: compare six digits, confirm or refuse."""
        wanted = request.path_params["session"]

        def show(csrf: str, trouble: str, done: str) -> str:
            with self.hall.enrolment_lock:
                sessions = [each for each in self.hall.enrolments.waiting() if each.session == wanted]
            session = sessions[0] if sessions else None
            return views.enrol(self.hall, csrf=csrf, session=session, trouble=trouble, done=done)

        return await self._page(request, show, lambda form: self._enrol(wanted, form))

    def _enrol(self, wanted: str, form: Form) -> str:
        with self.hall.enrolment_lock:
            session = self.hall.enrolments.take(wanted)
            self.hall.packages.put(wanted, {"state": "waiting"})  # until the server has answered
        try:
            if form.get("answer") != "same":
                self.hall.packages.put(wanted, {"state": "refused"})
                return f"Camera {session.name} was refused. If the digits truly differed, somebody stood in between."
            package = self.hall.ask_server(lambda client: _confirm(client, self.hall, session, form))
        except BwvError as problem:
            # One try: whatever goes wrong, the camera starts again with new digits.
            self.hall.packages.put(wanted, {"state": "refused", "why": problem.what})
            raise
        self.hall.packages.put(wanted, {**package, "state": "enrolled"})
        return f"Camera {session.name} is enrolled."

    # -- helpers -------------------------------------------------------------------------------------------------

    async def _page(
        self, request: Request, show: Callable[[str, str, str], str], deed: Callable[[Form], str]
    ) -> Response:
        if refusal := self._wrong_host(request):
            return refusal
        csrf = request.cookies.get(COOKIE, "")
        csrf = csrf if len(csrf) == TOKEN_LENGTH else self._random(32).hex()
        trouble, done, status = "", "", 200
        if request.method == "POST":
            try:
                form = await _form(request)
                cookie, token = request.cookies.get(COOKIE, ""), form.get("csrf", "")
                if len(cookie) != TOKEN_LENGTH or not hmac.compare_digest(token.encode(), cookie.encode()):
                    raise BwvError(what="The form is too old or from another page.", remedy="Try once more from here.")
                done = await run_in_threadpool(deed, form)
            except BwvError as problem:
                trouble, status = f"{problem.what} {problem.remedy}", max(400, problem.http_status)
        response = HTMLResponse(await run_in_threadpool(show, csrf, trouble, done), status, headers=SAFE_HEADERS)
        response.set_cookie(COOKIE, csrf, httponly=True, samesite="strict", path="/")
        return response

    def _wrong_host(self, request: Request) -> Response | None:
        """A name that is not ours means a page elsewhere has been pointed at this address (DNS rebinding)."""
        host = request.headers.get("host", "").lower()
        if host.rsplit(":", 1)[0].strip("[]") in self._hosts:
            return None
        return Response("This dock does not answer to that name.\n", 421, SAFE_HEADERS, "text/plain")


def _confirm(client: DoorClient, hall: Hall, session: EnrolmentSession, form: Form) -> dict[str, Any]:
    asked = {
        "csr": door.to_base64(session.csr_der),
        "kind": "camera",
        "name": session.name,
        "code": session.code,
        "dock": hall.identity.name,
    }
    enrolment = client.post("/enrolments", asked)
    person = {"username": form.get("username", ""), "password": form.get("password", "")}
    return client.post(f"/enrolments/{enrolment.get('id')}/confirm", person)


async def _form(request: Request) -> Form:
    from urllib.parse import parse_qsl

    body = await whole_body(request, limit=FORM_LIMIT_BYTES)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
