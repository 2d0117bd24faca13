"""The port that cameras speak to: the door protocol, TLS 1.3 with client certificates of the agency.

TLS keeps strangers out; who is speaking is the key that signed the hello, bound to a token. Requests are listed in
docs/ref/door.md. Slow work (hashing, disk) runs in threads, so that many cameras are served at once.
"""

import hashlib
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openbwv.custody import unverified_size
from openbwv.dock.errors import (
    BadCall,
    Conflict,
    CutShort,
    DigestWrong,
    DockBusy,
    EntriesFirst,
    NoSuchRecording,
    NotComplete,
    SpoolFull,
)
from openbwv.dock.hall import Hall
from openbwv.dock.held import HeldRecording
from openbwv.dock.intake import PartIntake, read_digest
from openbwv.dock.layout import KEY, ORPHAN
from openbwv.dock.spool import custody_file
from openbwv.dock.tokens import Visitor
from openbwv.dock.web import answer, chunks, content_length, hex_bytes, json_body, number, refusals, whole_body
from openbwv.recording import EvidenceReceipt
from openbwv.recording.entries import entry_at
from openbwv.recording.errors import BwvError
from openbwv.recording.wrap import MAX_KEY_CBOR_BYTES
from openbwv.shared import agency, door
from openbwv.shared.door import HeldManifest, HeldPart
from openbwv.shared.door_client import DoorClient
from openbwv.shared.durable import AlreadyThere, DiskFull, NewFile, write_durably

HELLO_LIMIT_BYTES = 1 << 20
MANIFEST_LIMIT_BYTES = 16 << 20
BATCH_BYTES = 1 << 20
MOST_BODIES_AT_ONCE = 32
LISTED_MISSING = 100
GROWTH_TRIES = 3  # the log may grow between the two questions


def camera_app(hall: Hall) -> Starlette:
    """Return the ASGI application of the camera port."""
    port = CameraPort(hall)
    recording = "/recordings/{rec_id}"
    table = [
        ("/hello", {"GET": port.get_hello, "POST": port.post_hello}),
        (recording + "/manifest", {"GET": port.get_manifest, "PUT": port.put_manifest}),
        (recording + "/key", {"PUT": port.put_key}),
        (recording + "/parts", {"GET": port.get_parts}),
        (recording + "/parts/{first_seq}", {"PUT": port.put_part}),
        (recording + "/orphan", {"PUT": port.put_orphan}),
        (recording + "/complete", {"POST": port.post_complete}),
        ("/receipts", {"GET": port.get_receipts}),
        ("/journal", {"GET": port.get_journal, "PUT": port.put_journal}),
        ("/counts", {"PUT": port.put_counts}),
        ("/renewals", {"POST": port.post_renewal}),
        ("/assignment", {"GET": port.get_assignment}),
        ("/consistency", {"GET": port.get_consistency}),
    ]
    routes = [
        Route(path, refusals(handler), methods=[method])
        for path, handlers in table
        for method, handler in handlers.items()
    ]
    return Starlette(routes=routes)


class CameraPort:
    """The handlers of the camera port."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.spool = hall.spool
        self.bodies = 0  # one event loop, one counter

    async def get_hello(self, _request: Request) -> Response:
        """GET /hello: time, nonce, name, newest checkpoint."""
        return answer((await run_in_threadpool(self.hall.hello)).as_json())

    async def post_hello(self, request: Request) -> Response:
        """POST /hello: a signed inventory; answers the token and what the camera takes home."""
        message = await whole_body(request, limit=HELLO_LIMIT_BYTES)
        welcome = await run_in_threadpool(self.hall.admit, message)
        return answer(welcome.as_json())

    async def get_manifest(self, request: Request) -> Response:
        """GET …/manifest: how far the entries of a recording are here."""
        visitor, rec_id = self._about(request)
        return answer((await run_in_threadpool(self._manifest_state, visitor, rec_id)).as_json())

    def _manifest_state(self, visitor: Visitor, rec_id: bytes) -> HeldManifest:
        receipt = self._receipt(visitor, rec_id)
        if receipt is not None:
            return HeldManifest(receipt.last_seq + 1, receipt.tail)
        try:
            held = self.spool.of_owner(visitor.name, rec_id)
        except NoSuchRecording:
            return HeldManifest(0, None)
        return HeldManifest(held.next_seq, held.tail)

    async def put_manifest(self, request: Request) -> Response:
        """PUT …/manifest?from=SEQ: signed entries, the same again is harmless."""
        visitor, rec_id = self._about(request)
        from_seq = number(request.query_params.get("from", "0"), "number after 'from='")
        data = await whole_body(request, limit=MANIFEST_LIMIT_BYTES)
        held = await run_in_threadpool(self._add_entries, visitor, rec_id, from_seq, data)
        return answer(HeldManifest(held.next_seq, held.tail).as_json())

    def _add_entries(self, visitor: Visitor, rec_id: bytes, from_seq: int, data: bytes) -> HeldRecording:
        try:
            held = self.spool.of_owner(visitor.name, rec_id)
            kid = held.kid
        except NoSuchRecording:
            if from_seq != 0 or not data:
                raise EntriesFirst(0) from None
            kid = entry_at(data, 0)[0].kid
            held = self.spool.begin(kid, rec_id, owner=visitor.name)
        try:
            aside = self.spool.layout.aside(kid)
            self._promised(len(data), lambda: held.add_entries(data, from_seq=from_seq, aside=aside))
        except BwvError:
            self.spool.forget_unopened(held)
            raise
        self.spool.meet(kid, visitor.name)
        self.hall.wake.set()
        return held

    async def put_key(self, request: Request) -> Response:
        """PUT …/key: the wrapped data key, which the dock cannot open."""
        visitor, rec_id = self._about(request)
        data = await whole_body(request, limit=MAX_KEY_CBOR_BYTES)
        if self._receipt(visitor, rec_id) is not None:
            return answer({})  # it is at the server, and the camera has not asked for the receipt yet
        held = self.spool.of_owner(visitor.name, rec_id)
        new = await run_in_threadpool(held.add_key, data)
        return answer({}, 201 if new else 200)

    async def get_parts(self, request: Request) -> Response:
        """GET …/parts: what is held durably."""
        visitor, rec_id = self._about(request)
        receipt = self._receipt(visitor, rec_id)
        if receipt is not None:
            parts = [HeldPart(0, receipt.last_seq, receipt.media_length)]
        else:
            parts = list(self.spool.of_owner(visitor.name, rec_id).files)
        return answer({"parts": [part.as_json() for part in parts]})

    async def put_part(self, request: Request) -> Response:
        """PUT …/parts/SEQ: a run of whole fragments, checked while it streams, synced before the answer."""
        visitor, rec_id = self._about(request)
        first_seq = number(request.path_params["first_seq"], "part's first number")
        length = content_length(request, limit=door.PART_LIMIT_BYTES)
        digest = read_digest(request.headers.get("content-digest"))
        if await self._is_at_the_server(request, visitor, rec_id):
            return answer({"stored": []}, 200)
        held = self.spool.of_owner(visitor.name, rec_id)
        async with self._room(length):
            aside = self.spool.layout.aside(held.kid)
            with PartIntake(held, first_seq=first_seq, length=length, digest=digest, aside=aside) as intake:
                async for batch in _batches(request):
                    await run_in_threadpool(intake.feed, batch)
                    self.hall.visits.heard(visitor.kid, received=len(batch))
                stored = await run_in_threadpool(intake.commit)
        self.hall.wake.set()
        return answer({"stored": stored}, 201 if stored else 200)

    async def put_orphan(self, request: Request) -> Response:
        """PUT …/orphan: what recovery set aside; no evidence, but kept. Needs a Content-Digest."""
        visitor, rec_id = self._about(request)
        length = content_length(request, limit=door.PART_LIMIT_BYTES)
        digest = read_digest(request.headers.get("content-digest"))
        if digest is None:
            raise BadCall("An orphan needs a Content-Digest, as nothing else covers its bytes.")
        if await self._is_at_the_server(request, visitor, rec_id):
            return answer({}, 200)
        held = self.spool.of_owner(visitor.name, rec_id)
        path, running, taken = held.folder / ORPHAN, hashlib.sha256(), 0
        async with self._room(length):
            with NewFile(path) as new:
                async for batch in _batches(request):
                    running.update(batch)
                    taken += len(batch)
                    await run_in_threadpool(new.write, batch)
                if taken != length:
                    raise CutShort
                if running.digest() != digest:
                    raise DigestWrong
                return answer({}, 201 if await run_in_threadpool(_commit_orphan, held, new, digest, path) else 200)

    async def post_complete(self, request: Request) -> Response:
        """POST …/complete: a custody receipt once everything of this tail is on disk."""
        visitor, rec_id = self._about(request)
        claim = await json_body(request)
        body = await run_in_threadpool(self._complete, visitor, rec_id, claim)
        self.hall.wake.set()
        return Response(body, 200, {"Cache-Control": "no-store"}, door.TYPE_COSE)

    def _complete(self, visitor: Visitor, rec_id: bytes, claim: dict[str, Any]) -> bytes:
        last_seq, tail = number(claim.get("last_seq"), "last_seq"), hex_bytes(claim.get("tail"), "tail", 32)
        receipt = self._receipt(visitor, rec_id)
        if receipt is not None and (receipt.last_seq, receipt.tail) == (last_seq, tail):
            return self.hall.custody_receipt(kid=receipt.kid, rec_id=rec_id, last_seq=last_seq, tail=tail)
        held = self.spool.of_owner(visitor.name, rec_id)
        with held.lock:
            _check_complete(held, last_seq, tail, claim)
            body = self.hall.custody_receipt(kid=held.kid, rec_id=rec_id, last_seq=last_seq, tail=tail)
            write_durably(custody_file(held), body, replace=True)
        return body

    async def get_receipts(self, request: Request) -> Response:
        """GET /receipts?camera=KID: the evidence receipts that wait for this camera."""
        visitor, kid = self._own_kid(request)
        self.hall.visits.heard(visitor.kid)
        receipts = await run_in_threadpool(self.spool.receipts, kid)
        return answer({"receipts": [door.to_base64(each) for each in receipts]})

    async def get_journal(self, request: Request) -> Response:
        """GET /journal?camera=KID: the next journal entry wanted."""
        _, kid = self._own_kid(request)
        next_seq = await run_in_threadpool(self.spool.journals.next_seq, kid)
        return answer({"next_seq": next_seq, "tail": None})

    async def put_journal(self, request: Request) -> Response:
        """PUT /journal?from=SEQ: entries of the camera's journal."""
        _, kid = self._own_kid(request)
        from_seq = number(request.query_params.get("from", "0"), "number after 'from='")
        data = await whole_body(request, limit=MANIFEST_LIMIT_BYTES)
        add = self.spool.journals.add
        next_seq = await run_in_threadpool(self._promised, len(data), lambda: add(kid, data, from_seq=from_seq))
        return answer({"next_seq": next_seq, "tail": None})

    async def put_counts(self, request: Request) -> Response:
        """PUT /counts?camera=KID: the camera's signed counters, kept until the server has taken them."""
        _, kid = self._own_kid(request)
        data = await whole_body(request, limit=HELLO_LIMIT_BYTES)
        new = await run_in_threadpool(self._promised, len(data), lambda: self.spool.counts.add(kid, data))
        self.hall.wake.set()
        return answer({}, 201 if new else 200)

    async def get_assignment(self, request: Request) -> Response:
        """GET /assignment: what waits for this camera, if anything."""
        visitor = self.hall.check(request.headers.get("authorization", ""))
        self.hall.visits.heard(visitor.kid)
        return answer({"assignment": door.to_base64(self.spool.assignment(visitor.kid))})

    async def post_renewal(self, request: Request) -> Response:
        """POST /renewals: passed on to the server, which alone can have a certificate issued."""
        visitor = self.hall.check(request.headers.get("authorization", ""))
        value = await json_body(request)
        if _kid_of_request(value) != visitor.kid:
            raise BadCall("A camera may only renew its own certificate.")
        return answer(await run_in_threadpool(self.hall.ask_server, lambda c: c.post("/renewals", value)))

    async def get_consistency(self, request: Request) -> Response:
        """GET /consistency?old=N: the server's proof, and the checkpoint it is for where that can be had."""
        self.hall.check(request.headers.get("authorization", ""))
        old = number(request.query_params.get("old"), "old")
        return answer(await run_in_threadpool(self.hall.ask_server, lambda client: _growth(client, old)))

    # -- helpers -------------------------------------------------------------------------------------------------

    def _about(self, request: Request) -> tuple[Visitor, bytes]:
        visitor = self.hall.check(request.headers.get("authorization", ""))
        self.hall.visits.heard(visitor.kid)
        return visitor, hex_bytes(request.path_params["rec_id"], "recording", 16)

    def _own_kid(self, request: Request) -> tuple[Visitor, bytes]:
        visitor = self.hall.check(request.headers.get("authorization", ""))
        kid = hex_bytes(request.query_params.get("camera", visitor.kid.hex()), "camera", 32)
        if kid != visitor.kid and self.spool.name_of(kid) != visitor.name:
            raise BadCall("A camera may only ask about itself.")
        return visitor, kid

    def _receipt(self, visitor: Visitor, rec_id: bytes) -> EvidenceReceipt | None:
        if not self.spool.has_receipt(visitor.kid, rec_id) or self.spool.find(visitor.kid, rec_id) is not None:
            return None
        receipts = self.spool.layout.receipt(visitor.kid, rec_id)
        return EvidenceReceipt.decode(receipts.read_bytes(), trust=self.hall.trust).body

    async def _is_at_the_server(self, request: Request, visitor: Visitor, rec_id: bytes) -> bool:
        """Say whether a receipt waits here for all of a recording; then its body is taken in and forgotten.

        It may have left the spool since the camera asked what is held.
        """
        if self._receipt(visitor, rec_id) is None:
            return False
        async for _ in chunks(request):
            self.hall.visits.heard(visitor.kid)
        return True

    def _promised(self, length: int, deed: Any) -> Any:
        self.spool.promise(length)
        try:
            return deed()
        except DiskFull as problem:
            self.spool.full = True
            raise SpoolFull from problem
        finally:
            self.spool.unpromise(length)

    @asynccontextmanager
    async def _room(self, length: int) -> Any:
        """Let one more body in; each holds a MiB of memory, a file and its room in the spool."""
        if self.bodies >= MOST_BODIES_AT_ONCE:
            raise DockBusy(MOST_BODIES_AT_ONCE)
        self.spool.promise(length)
        self.bodies += 1
        try:
            yield
        except DiskFull as problem:
            self.spool.full = True
            raise SpoolFull from problem
        finally:
            self.bodies -= 1
            self.spool.unpromise(length)


def _growth(client: DoorClient, old: int) -> dict[str, Any]:
    """Ask how the log grew from `old` entries; the server proves it up to its newest checkpoint alone."""
    value: dict[str, Any] = {}
    for _ in range(GROWTH_TRIES):
        note = client.get("/hello").get("checkpoint")
        value = client.get(f"/consistency?old={old}")
        if isinstance(note, str) and unverified_size(note) == value.get("size"):
            return {**value, "checkpoint": note}  # judged by the camera
    return value


def _kid_of_request(value: dict[str, Any]) -> bytes:
    try:
        public_key = agency.read_csr(door.from_base64(value.get("csr"), "renewal")).public_key()
    except (door.BadAnswer, agency.BadRequest) as problem:
        raise BadCall("The certificate request cannot be read.") from problem
    return agency.kid_of(public_key)  # type: ignore[arg-type]


async def _batches(request: Request) -> Any:
    batch = bytearray()
    async for chunk in chunks(request):
        batch += chunk
        if len(batch) >= BATCH_BYTES:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)


def _commit_orphan(held: HeldRecording, new: NewFile, digest: bytes, path: Path) -> bool:
    try:
        new.commit()
    except AlreadyThere:
        orphan = held.orphan()
        if orphan is None or orphan.sha256 != digest:
            raise Conflict(f"Another {path.name} is held for this recording.") from None
        return False
    return True


def _check_complete(held: HeldRecording, last_seq: int, tail: bytes, claim: dict[str, Any]) -> None:
    if held.next_seq - 1 != last_seq or held.tail != tail:
        raise EntriesFirst(held.next_seq)
    missing = held.missing()
    if missing:
        rows = [[fragment.seq, fragment.n] for fragment in missing[:LISTED_MISSING]]
        raise NotComplete(f"{len(missing)} fragments are missing.", rows)
    if not (held.folder / KEY).exists():
        raise NotComplete("The wrapped key is missing.", [])
    length = number(claim.get("orphan_length", 0), "orphan_length")
    orphan = held.orphan()
    if length and (orphan is None or orphan.sha256.hex() != claim.get("orphan_sha256") or orphan.length != length):
        raise NotComplete("The orphan is missing or another one.", [])
