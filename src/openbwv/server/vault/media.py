"""Footage for the player: a raw ASGI callable beside Django, one GET for each decrypted fragment.

Who: the sign-in cookie must belong to the person of the viewing named in the address; looked up at most every fifteen
seconds, so that a sign-out or a closed account ends the footage soon after. What: the viewing's own recording and span.
The grant of a run of ten is committed before the first of them leaves. Nothing is cached, nothing is written.
"""

import base64
import json
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.utils import timezone

from openbwv.recording import FragFlag, FragmentInfo, check_chain
from openbwv.recording.certificates import USE_CAMERA
from openbwv.recording.errors import BwvError
from openbwv.server.ingest.errors import BadRequest, DoorRefusal, NoSuchAddress
from openbwv.server.ingest.http import Answer, error_answer, json_answer
from openbwv.server.ingest.work import in_thread
from openbwv.server.people.models import Person
from openbwv.server.raw_asgi import Receive, Send, cookies_of, send_answer
from openbwv.server.vault.codecs import mime_of
from openbwv.server.vault.errors import NotDerived, NotYourViewing
from openbwv.server.vault.media_map import raw_entries
from openbwv.server.vault.models import ViewingSession
from openbwv.server.vault.opened import OpenedRecording
from openbwv.server.vault.viewing import find_viewing, grant, media_ms, opened_for

VIEWING = r"/media/(?P<session>[A-Za-z0-9_-]{16,64})"
KNOWN_FOR_S = 15.0
MOST_KNOWN = 4096
logger = logging.getLogger(__name__)
_known: OrderedDict[tuple[str, str], float] = OrderedDict()


class NotSignedIn(DoorRefusal):
    """No valid sign-in came with a request for footage."""

    code = "not-signed-in"
    http_status = 401


class NoSuchPart(DoorRefusal):
    """A fragment that the recording, or the span of this viewing, does not have."""

    code = "no-such-part"
    http_status = 404


class PartNotHere(DoorRefusal):
    """A fragment that was announced but not uploaded yet."""

    code = "part-not-here"
    http_status = 409


Handler = Callable[[ViewingSession, OpenedRecording, dict[str, str]], Answer]


@dataclass(frozen=True)
class Route:
    """One address of footage. `fresh`: what belongs to recording and person is read again for each answer."""

    method: str
    path: re.Pattern[str]
    handler: Handler
    fresh: bool = False


async def media_app(scope: dict[str, Any], _receive: Receive, send: Send) -> None:
    """Answer one request for footage; ROUTES has the addresses."""
    try:
        route, found = _find(scope["method"], scope["path"])
        answer = await in_thread(_serve, route, cookies_of(scope), found)
    except BwvError as refusal:
        answer = error_answer(refusal)
    except Exception:
        logger.exception("footage could not be served")
        broken = DoorRefusal(
            what="The footage could not be served.", remedy="Try again; the server's output says more."
        )
        broken.code, broken.http_status = "internal", 500
        answer = error_answer(broken)
    await send_answer(answer, send)


def _find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    for route in ROUTES:
        found = route.path.fullmatch(path)
        if found is None:
            continue
        if route.method != method:
            refused = BadRequest(what="Footage is only read.", remedy="Use GET.")
            refused.http_status = 405
            raise refused
        return route, found.groupdict()
    raise NoSuchAddress(what="There is no such part of a viewing.", remedy="Open the recording's page.")


def _serve(route: Route, cookie: str, found: dict[str, str]) -> Answer:
    session = find_viewing(found["session"], fresh=route.fresh)
    _check_who(cookie, session)
    return route.handler(session, opened_for(session), found)


def _check_who(cookie: str, session: ViewingSession | None) -> None:
    """Raise NotSignedIn or NotYourViewing; a viewing that does not exist is answered like another person's."""
    slot = (cookie, session.pk if session else "")
    now = time.monotonic()
    if session is not None and _known.get(slot, 0.0) > now:
        return
    person = _person(_session_key(cookie))
    if person is None:
        raise NotSignedIn(what="You are not signed in any more.", remedy="Sign in again.")
    if session is None or session.person_id != person.pk:
        raise NotYourViewing(
            what="This is not a viewing of yours.", remedy="Open the recording's page and watch there."
        )
    _known[slot] = now + KNOWN_FOR_S
    while len(_known) > MOST_KNOWN:
        _known.popitem(last=False)


def _session_key(cookie: str) -> str:
    try:
        morsel = SimpleCookie(cookie).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _person(session_key: str) -> Person | None:
    if not session_key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    person = get_user(request)
    return person if isinstance(person, Person) and person.is_active else None


def _get_part(session: ViewingSession, opened: OpenedRecording, found: dict[str, str]) -> Answer:
    seq = int(found["seq"])
    index = opened.table.timed_place.get(seq)
    if index is None or not _in_span(session, opened, seq):
        raise NoSuchPart(what=f"This viewing has no part {seq}.", remedy="Read index.json again.")
    if not opened.has(seq):
        raise PartNotHere(what=f"Part {seq} is not here yet.", remedy="It is still on the camera or on its way.")
    grant(session, index)
    return _fragment(opened, opened.table.timed[index])


def _get_init(_session: ViewingSession, opened: OpenedRecording, _found: dict[str, str]) -> Answer:
    return _fragment(opened, _init(opened))


def _get_index(session: ViewingSession, opened: OpenedRecording, _found: dict[str, str]) -> Answer:
    return json_answer(_index(session, opened))


def _fragment(opened: OpenedRecording, info: FragmentInfo) -> Answer:
    return Answer(200, opened.fragment(info), content_type="video/mp4")


def _init(opened: OpenedRecording) -> FragmentInfo:
    for info in opened.table.fragments:
        if info.flags & FragFlag.INIT:
            return info
    raise NoSuchPart(what="This recording has no init unit.", remedy="Download it, and verify it.")


def _in_span(session: ViewingSession, opened: OpenedRecording, seq: int) -> bool:
    start, end = media_ms(opened, seq)
    return end > session.from_ms and (session.to_ms is None or start < session.to_ms)


def _index(session: ViewingSession, opened: OpenedRecording) -> dict[str, Any]:
    """Return what the player needs, in the shape of docs/ref/media.md."""
    recording = session.recording
    entries = {seq: raw for seq, raw in raw_entries(recording, opened.table) if seq in opened.table.place}
    facts = check_chain(opened.table.x5chain, use=USE_CAMERA)
    init = _init(opened)
    timed = [info for info in opened.table.fragments if info.times and _in_span(session, opened, info.seq)]
    pts = _presentation_times(opened)
    return {
        "v": 1,
        "reference": recording.reference,
        "rec_id": recording.rec_id.hex(),
        "mime": mime_of(opened.fragment(init)),
        "tracks": [
            {"id": track.track, "kind": track.kind.name.lower(), "timescale": track.timescale}
            for track in opened.table.open_body.tracks
        ],
        "camera_spki": _b64(facts.public_der),
        "kid": facts.kid.hex(),
        "commit_key": _b64(opened.commit_key),
        "overlay": _overlay(session),
        "expires_ms": max(0, int((session.expires_utc - datetime.now(UTC)).total_seconds() * 1000)),
        "init": {"seq": init.seq, "len": _plain_length(init), "entry": _b64(entries[init.seq])},
        "parts": [_part(info, entries[info.seq], opened, pts) for info in timed],
    }


def _part(info: FragmentInfo, entry: bytes, opened: OpenedRecording, pts: dict[str, list[int]]) -> dict[str, Any]:
    return {
        "seq": info.seq,
        "t": [list(time) for time in info.times],
        "len": _plain_length(info),
        "f": int(info.flags),
        "here": opened.has(info.seq),
        "entry": _b64(entry),
        "pts": pts.get(str(info.seq)),
    }


def _presentation_times(opened: OpenedRecording) -> dict[str, list[int]]:
    try:
        return dict(json.loads(opened.get_derived("index"))["pts"])
    except NotDerived:
        return {}  # the player then reads them from each part itself


def _overlay(session: ViewingSession) -> str | None:
    if not session.recording.restricted:
        return None
    return f"{session.person}, {timezone.localtime(session.opened_utc):%a %d %b %Y, %H:%M}"


def _plain_length(info: FragmentInfo) -> int:
    return info.n - 16  # AES-GCM's tag


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


ROUTES = (  # what is asked for most comes first
    Route("GET", re.compile(VIEWING + r"/(?P<seq>[0-9]{1,10})"), _get_part),
    Route("GET", re.compile(VIEWING + "/init"), _get_init),
    Route("GET", re.compile(VIEWING + r"/index\.json"), _get_index, fresh=True),
)
