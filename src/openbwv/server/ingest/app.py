"""The door's addresses, and who may ask what of them (docs/ref/door.md).

Mutual TLS keeps strangers out and is not identity: every request but the two of hello carries a token that was given
for a signature. Django's request handling is not used: it would spool each body to disk before a byte is checked.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from openbwv.recording.errors import BwvError
from openbwv.server.clock import clock
from openbwv.server.ingest import (
    complete,
    counts,
    dock_deeds,
    hello,
    journal,
    manifest,
    parts,
    receipts,
    renewal,
    side_objects,
)
from openbwv.server.ingest.errors import BadRequest, Busy, NoSuchAddress, NotYours
from openbwv.server.ingest.http import Answer, Request, error_answer, hex_of, json_answer, number_of
from openbwv.server.ingest.inlet import PeerGone
from openbwv.server.ingest.places import NoPlace, Places
from openbwv.server.ingest.tokens import Peer, who_asks
from openbwv.server.ingest.work import at_database
from openbwv.shared.door import TYPE_COSE, BadAnswer, from_base64, to_base64

INVENTORY_LIMIT_BYTES = 1 << 20
RECORDING = r"/recordings/(?P<rec_id>[0-9a-f]{32})"
logger = logging.getLogger(__name__)
Handler = Callable[[Request, dict[str, str], Any], Answer]
_bodies = Places(most=settings.DOOR_UPLOADS, most_of_one=settings.DOOR_UPLOADS_OF_ONE)  # each: half a MiB and a file


@dataclass(frozen=True)
class Route:
    """One row of the door's table. `open` ones need no token; `streams` ones count against the limit of bodies."""

    method: str
    path: re.Pattern[str]
    handler: Handler
    open: bool = False
    streams: bool = False


def answer_to(request: Request) -> Answer:
    """Answer one request; raises PeerGone when its sender left in the middle of it."""
    try:
        route, found = _find(request)
        if route.open:
            return route.handler(request, found, None)
        peer = at_database(who_asks, request.headers.get("authorization", ""))
        if not route.streams:
            return route.handler(request, found, peer)
        with _bodies.place(peer.kid, request.body):
            return route.handler(request, found, peer)
    except BwvError as refusal:
        return error_answer(refusal)
    except NoPlace as full:
        whose = "uploads of this device" if full.of_one else "uploads"
        return error_answer(Busy(what=f"{full.most} {whose} run already.", remedy="Try again in a few seconds."))
    except PeerGone:
        raise
    except Exception:
        logger.exception("the door failed on %s %s", request.method, request.path)
        return error_answer(DoorFailed())


class DoorFailed(BwvError):
    """A fault of the door itself; its output holds the details."""

    code = "door-failed"
    http_status = 500

    def __init__(self) -> None:
        super().__init__(what="The door failed inside.", remedy="Nothing was taken; its output says more. Try again.")


def _find(request: Request) -> tuple[Route, dict[str, str]]:
    for route in ROUTES:
        found = route.path.fullmatch(request.path)
        if found and route.method == request.method:
            return route, found.groupdict()
    raise NoSuchAddress(
        what=f"The door has no {request.method} {request.path[:200]}.", remedy="docs/ref/door.md lists what it has."
    )


def _rec_id(found: dict[str, str]) -> bytes:
    return bytes.fromhex(found["rec_id"])


def _get_hello(_request: Request, _found: dict[str, str], _peer: Peer) -> Answer:
    return json_answer(at_database(hello.say_hello, clock()))


def _post_hello(request: Request, _found: dict[str, str], _peer: Peer) -> Answer:
    data = request.whole(limit=INVENTORY_LIMIT_BYTES)
    return json_answer(at_database(hello.take_inventory, data, clock()))


def _get_manifest(_request: Request, found: dict[str, str], peer: Peer) -> Answer:
    return json_answer(at_database(manifest.manifest_held, _rec_id(found), peer))


def _put_manifest(request: Request, found: dict[str, str], peer: Peer) -> Answer:
    from_seq = number_of(request.query.get("from", "0"), name="from")
    data = request.whole(limit=manifest.MANIFEST_LIMIT_BYTES)
    if not data:
        raise BadRequest(what="There is no entry in the body.", remedy="Send signed entries.")
    held = at_database(manifest.take_manifest, _rec_id(found), from_seq=from_seq, data=data, peer=peer, clock=clock())
    return json_answer(held)


def _put_key(request: Request, found: dict[str, str], peer: Peer) -> Answer:
    data = request.whole(limit=side_objects.KEY_LIMIT_BYTES)
    made = at_database(side_objects.take_key, _rec_id(found), data, peer, clock())
    return json_answer({}, status=201 if made else 200)


def _get_parts(_request: Request, found: dict[str, str], peer: Peer) -> Answer:
    return json_answer(at_database(parts.parts_held, _rec_id(found), peer))


def _put_part(request: Request, found: dict[str, str], peer: Peer) -> Answer:
    first_seq = number_of(found["seq"], name="first_seq")
    status, stored = parts.take_part(request, _rec_id(found), first_seq, peer, clock())
    return json_answer({"stored": stored}, status=status)


def _put_orphan(request: Request, found: dict[str, str], peer: Peer) -> Answer:
    made = side_objects.take_orphan(request, _rec_id(found), peer, clock())
    return json_answer({}, status=201 if made else 200)


def _post_complete(request: Request, found: dict[str, str], peer: Peer) -> Answer:
    receipt = at_database(complete.complete, _rec_id(found), request.json(), peer, clock())
    return Answer(200, receipt, content_type=TYPE_COSE)


def _get_receipts(request: Request, _found: dict[str, str], peer: Peer) -> Answer:
    return json_answer(at_database(receipts.receipts_of, _camera_kid(request, peer), peer))


def _get_journal(request: Request, _found: dict[str, str], peer: Peer) -> Answer:
    return json_answer(at_database(journal.journal_held, _camera_kid(request, peer), peer))


def _put_journal(request: Request, _found: dict[str, str], peer: Peer) -> Answer:
    from_seq = number_of(request.query.get("from", "0"), name="from")
    data = request.whole(limit=manifest.MANIFEST_LIMIT_BYTES)
    if not data:
        raise BadRequest(what="There is no entry in the body.", remedy="Send signed entries.")
    kid = _camera_kid(request, peer)
    return json_answer(at_database(journal.take_journal, kid, from_seq=from_seq, data=data, peer=peer, clock=clock()))


def _put_counts(request: Request, _found: dict[str, str], peer: Peer) -> Answer:
    data = request.whole(limit=INVENTORY_LIMIT_BYTES)
    new = at_database(counts.take_counts, _camera_kid(request, peer), data, peer, clock())
    return json_answer({}, status=201 if new else 200)


def _post_renewal(request: Request, _found: dict[str, str], peer: Peer) -> Answer:
    try:
        csr = from_base64(request.json().get("csr"), "renewal")
    except BadAnswer as problem:
        raise BadRequest(what="The certificate request is not base64.", remedy="Send {csr: base64}.") from problem
    chain = at_database(renewal.renew_certificate, csr, peer, clock())
    return json_answer({"chain": [to_base64(der) for der in chain]})


def _post_stranger(request: Request, _found: dict[str, str], peer: Peer) -> Answer:
    if not peer.is_dock:
        raise NotYours(what="Only a dock may ask this.", remedy="Say hello for yourself.")
    data = request.whole(limit=INVENTORY_LIMIT_BYTES)
    at_database(hello.take_stranger, data, peer, clock())
    return json_answer({}, status=201)


def _camera_kid(request: Request, peer: Peer) -> str:
    given = request.query.get("camera", "" if peer.is_dock else peer.kid)
    return hex_of(given, length=32, name="camera").hex()


def _dock_deed(deed: Callable[..., tuple[int, dict[str, Any]]]) -> Handler:
    """Return the handler of a deed that only a dock may ask for: JSON in, JSON out."""

    def handle(request: Request, found: dict[str, str], peer: Peer) -> Answer:
        if not peer.is_dock:
            raise NotYours(what="Only a dock may ask this.", remedy="Do it on the dock's page.")
        value = request.json() if request.method == "POST" else dict(request.query)
        status, answer = at_database(deed, value, found, peer, clock())
        return json_answer(answer, status=status)

    return handle


def _route(method: str, path: str, handler: Handler, **marks: bool) -> Route:
    return Route(method, re.compile(path), handler, **marks)


ROUTES = (
    _route("GET", "/hello", _get_hello, open=True),
    _route("POST", "/hello", _post_hello, open=True),
    _route("GET", RECORDING + "/manifest", _get_manifest),
    _route("PUT", RECORDING + "/manifest", _put_manifest, streams=True),
    _route("PUT", RECORDING + "/key", _put_key),
    _route("GET", RECORDING + "/parts", _get_parts),
    _route("PUT", RECORDING + r"/parts/(?P<seq>[0-9]{1,10})", _put_part, streams=True),
    _route("PUT", RECORDING + "/orphan", _put_orphan, streams=True),
    _route("POST", RECORDING + "/complete", _post_complete),
    _route("GET", "/receipts", _get_receipts),
    _route("GET", "/journal", _get_journal),
    _route("PUT", "/journal", _put_journal, streams=True),
    _route("PUT", "/counts", _put_counts),
    _route("POST", "/enrolments", _dock_deed(dock_deeds.ask_enrolment)),
    _route("POST", r"/enrolments/(?P<id>[0-9]{1,12})/confirm", _dock_deed(dock_deeds.confirm_enrolment)),
    _route("POST", r"/enrolments/(?P<id>[0-9]{1,12})/refuse", _dock_deed(dock_deeds.refuse_enrolment)),
    _route("POST", "/assignments", _dock_deed(dock_deeds.assign)),
    _route("POST", "/assignments/none", _dock_deed(dock_deeds.report_no_camera)),
    _route("POST", "/strangers", _post_stranger),
    _route("POST", "/renewals", _post_renewal),
    _route("GET", "/fleet/cameras", _dock_deed(dock_deeds.list_cameras)),
    _route("GET", "/consistency", _dock_deed(dock_deeds.consistency)),
)
