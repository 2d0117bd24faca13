"""The port where a new camera introduces itself: TLS, no client certificate, and nothing else is served here.

What travels is public. Who the camera is, a fleet manager says who has compared six digits on two screens
(openbwv.shared.enrolment) and confirms on the dock's page.
"""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openbwv.dock.errors import BadCall
from openbwv.dock.hall import Hall
from openbwv.dock.web import answer, hex_bytes, json_body, refusals
from openbwv.shared import door
from openbwv.shared.door import BadAnswer
from openbwv.shared.enrolment import NONCE_BYTES

NAME_LIMIT = 32


def enrol_app(hall: Hall) -> Starlette:
    """Return the ASGI application of the enrolment port."""

    async def commit(request: Request) -> Response:
        """POST /enrol/commit: the camera fixes what it will open."""
        value = await json_body(request)
        wanted = hex_bytes(value.get("commit"), "commitment", 32)
        with hall.enrolment_lock:
            session = hall.enrolments.commit(wanted)
        return answer(
            {
                "session": session.session,
                "nonce_d": session.nonce_d.hex(),
                "dock_spki": door.to_base64(hall.identity.spki),
            },
            201,
        )

    async def open_(request: Request) -> Response:
        """POST /enrol/open: the camera opens its commitment; the code stands from now on."""
        value = await json_body(request)
        nonce_c = hex_bytes(value.get("nonce_c"), "nonce", NONCE_BYTES)
        try:
            csr = door.from_base64(value.get("csr"), "certificate request")
        except BadAnswer as problem:
            raise BadCall("The certificate request is not base64.") from problem
        name = check_name(value.get("name"))
        with hall.enrolment_lock:
            session = hall.enrolments.open(str(value.get("session")), csr_der=csr, nonce_c=nonce_c, name=name)
        return answer({"code": session.code})

    async def poll(request: Request) -> Response:
        """GET /enrol/SESSION: waiting, refused, expired, or enrolled with everything the camera needs."""
        session = request.path_params["session"]
        with hall.enrolment_lock:  # before the package: a try that is over has left one there under the same lock
            state = "waiting" if hall.enrolments.has(session) else "expired"
        ended = await run_in_threadpool(hall.packages.get, session)
        if ended is not None:
            return answer({**ended, "time_ms": hall.clock.utc_ms()})
        return answer({"state": state})

    return Starlette(
        routes=[
            Route("/enrol/commit", refusals(commit), methods=["POST"]),
            Route("/enrol/open", refusals(open_), methods=["POST"]),
            Route("/enrol/{session}", refusals(poll), methods=["GET"]),
        ]
    )


def check_name(name: object) -> str:
    """Return a camera's name if it can stand in a certificate and on a page; raises BadCall."""
    good = isinstance(name, str) and 0 < len(name) <= NAME_LIMIT and name.isascii()
    if not isinstance(name, str) or not good or not all(letter.isalnum() or letter in "-_." for letter in name):
        raise BadCall(f"A camera's name has 1 to {NAME_LIMIT} letters, digits, dots, hyphens or underscores.")
    return name
