"""A client of the door: one device speaking to a dock or to the evidence server.

Every call either returns what the protocol says or raises one of the errors of `openbwv.shared.door`; nothing is
retried here except one new hello when the token has run out. What to send, and when to try again, is decided in
`openbwv.shared.upload`. One `DoorClient` belongs to one thread.
"""

import base64
import contextlib
import hashlib
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

import httpx

from openbwv.shared import door
from openbwv.shared.door import DoorError, HeldManifest, HeldPart, Hello, Welcome

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
STALLED_S = 20.0  # so long without the other side taking one more TLS record (16 KiB): it is gone
RETRY_AFTER_LIMIT_S = 300.0
ANSWER_LIMIT_BYTES = 32 << 20

InventoryMaker = Callable[[Hello], bytes]
Body = bytes | Callable[[], Iterable[bytes]]


class DoorClient:
    """Speaks the door protocol over one TLS connection pool; a context manager."""

    def __init__(
        self,
        url: str,
        *,
        context: ssl.SSLContext,
        inventory: InventoryMaker,
        welcomed: Callable[[Welcome], None] | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self.url = url.rstrip("/")
        self.hello_began_ns = 0
        self._inventory = inventory
        self._welcomed = welcomed
        self._token: str | None = None
        self._http = httpx.Client(
            base_url=self.url,
            verify=context,
            http2=False,
            trust_env=False,
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S, write=min(timeout_s, STALLED_S)),
            limits=httpx.Limits(max_connections=4),
        )

    def greet(self) -> Welcome:
        """Say hello with a freshly signed inventory and keep the token; raises SetAside for an unknown device.

        `welcomed` (given to the constructor) hears of every welcome, also when a token had run out on the way.
        `hello_began_ns` is the monotonic time at which it was asked for the other side's time.
        """
        self.hello_began_ns = time.monotonic_ns()
        hello = Hello.from_json(self._json("GET", "/hello"))
        answer = self._send("POST", "/hello", body=self._inventory(hello), content_type=door.TYPE_COSE)
        welcome = Welcome.from_json(door.read_json(answer.content, "welcome"))
        self._token = welcome.token
        if self._welcomed is not None:
            self._welcomed(welcome)
        return welcome

    def manifest_held(self, rec_id: bytes) -> HeldManifest:
        """Return how much of a manifest the other side holds."""
        return HeldManifest.from_json(self._json("GET", f"{_recording(rec_id)}/manifest"))

    def put_manifest(self, rec_id: bytes, *, from_seq: int, entries: bytes) -> HeldManifest:
        """Send signed entries, the first numbered `from_seq`."""
        path = f"{_recording(rec_id)}/manifest?from={from_seq}"
        return HeldManifest.from_json(self._json("PUT", path, body=entries, content_type=door.TYPE_ENTRIES))

    def put_key(self, rec_id: bytes, key_cbor: bytes) -> None:
        """Send the recording's wrapped key."""
        self._send("PUT", f"{_recording(rec_id)}/key", body=key_cbor, content_type=door.TYPE_CBOR)

    def parts_held(self, rec_id: bytes) -> list[HeldPart]:
        """Return the runs of fragments that the other side holds durably."""
        value = self._json("GET", f"{_recording(rec_id)}/parts")
        parts = value.get("parts")
        if not isinstance(parts, list):
            raise door.bad_answer("parts")
        return [HeldPart.from_json(each) for each in parts]

    def put_part(
        self, rec_id: bytes, *, first_seq: int, length: int, chunks: Callable[[], Iterable[bytes]], digest: bytes = b""
    ) -> None:
        """Stream `length` bytes of whole fragments; `digest` (SHA-256, optional) is sent as Content-Digest."""
        path = f"{_recording(rec_id)}/parts/{first_seq}"
        self._send("PUT", path, body=chunks, length=length, content_type=door.TYPE_BYTES, digest=digest)

    def put_orphan(self, rec_id: bytes, *, length: int, digest: bytes, chunks: Callable[[], Iterable[bytes]]) -> None:
        """Stream what recovery set aside; it is kept, labelled as no evidence."""
        path = f"{_recording(rec_id)}/orphan"
        self._send("PUT", path, body=chunks, length=length, content_type=door.TYPE_BYTES, digest=digest)

    def complete(
        self, rec_id: bytes, *, last_seq: int, tail: bytes, orphan_length: int = 0, orphan_sha256: bytes = b""
    ) -> bytes:
        """Ask for the receipt and return it (COSE); raises DoorBusy with `retry_after_s` while it is not ready."""
        value: dict[str, Any] = {"last_seq": last_seq, "tail": tail.hex()}
        if orphan_length:
            value |= {"orphan_length": orphan_length, "orphan_sha256": orphan_sha256.hex()}
        answer = self._send("POST", f"{_recording(rec_id)}/complete", json=value)
        if answer.status_code == httpx.codes.ACCEPTED:
            raise _busy("The receipt is not ready yet.", answer)
        return answer.content

    def receipts(self, kid: bytes) -> list[bytes]:
        """Return the evidence receipts held for the camera `kid` (COSE)."""
        value = self._json("GET", f"/receipts?camera={kid.hex()}")
        receipts = value.get("receipts")
        if not isinstance(receipts, list):
            raise door.bad_answer("receipts")
        return [door.from_base64(each, "receipts") for each in receipts]

    def assignment(self) -> bytes | None:
        """Return the assignment that waits for this camera at a dock (COSE), or None."""
        value = self._json("GET", "/assignment").get("assignment")
        return door.from_base64(value, "assignment") if value else None

    def journal_held(self, kid: bytes) -> int:
        """Return the next sequence number wanted of a camera's journal."""
        return self.journal_state(kid).next_seq

    def journal_state(self, kid: bytes) -> HeldManifest:
        """Return how far a camera's newest journal is held, and its tail there, which tells it from another one."""
        return HeldManifest.from_json(self._json("GET", f"/journal?camera={kid.hex()}"))

    def put_journal(self, kid: bytes, *, from_seq: int, entries: bytes) -> None:
        """Send journal entries of the camera `kid`, the first numbered `from_seq`."""
        path = f"/journal?camera={kid.hex()}&from={from_seq}"
        self._send("PUT", path, body=entries, content_type=door.TYPE_ENTRIES)

    def put_counts(self, kid: bytes, statement: bytes) -> None:
        """Hand over what the camera `kid` signed of its counters."""
        self._send("PUT", f"/counts?camera={kid.hex()}", body=statement, content_type=door.TYPE_COSE)

    def report_stranger(self, inventory: bytes) -> None:
        """Hand on what a device signed that is not of this force; by a dock."""
        self._send("POST", "/strangers", body=inventory, content_type=door.TYPE_COSE)

    def post(self, path: str, value: dict[str, Any]) -> dict[str, Any]:
        """POST JSON and return the JSON answer; for enrolments and assignments."""
        return door.read_json(self._send("POST", path, json=value).content, path)

    def get(self, path: str) -> dict[str, Any]:
        """GET JSON; for the dock's page."""
        return self._json("GET", path)

    def _json(self, method: str, path: str, *, body: bytes | None = None, content_type: str = "") -> dict[str, Any]:
        return door.read_json(self._send(method, path, body=body, content_type=content_type).content, path)

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        json: dict[str, Any] | None = None,
        length: int | None = None,
        content_type: str = "",
        digest: bytes = b"",
    ) -> httpx.Response:
        headers = {"Content-Type": content_type} if content_type else {}
        if length is not None:
            headers["Content-Length"] = str(length)
        if digest:
            headers[door.CONTENT_DIGEST] = f"sha-256=:{base64.b64encode(digest).decode('ascii')}:"
        for last_try in (False, True):
            if self._token:
                headers["Authorization"] = f"Bearer {self._token}"
            content = body() if callable(body) else body
            try:
                answer = self._http.request(method, path, content=content, json=json, headers=headers)
            except httpx.TransportError as problem:
                raise unreachable(self.url, problem) from problem
            if answer.status_code == httpx.codes.UNAUTHORIZED and self._token and not last_try:
                self._token = None
                self.greet()
                continue
            break
        raise_for(answer)
        if answer.status_code == httpx.codes.ACCEPTED and not path.endswith("/complete"):
            raise _set_aside(answer)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def unreachable(url: str, problem: Exception) -> door.DoorUnreachable:
    """Return the error for a connection that failed or broke off."""
    return door.DoorUnreachable(
        what=f"{url} cannot be reached or the connection broke: {problem or type(problem).__name__}.",
        remedy="Nothing is lost. Check the network and that the other side runs, then try again.",
    )


def raise_for(answer: httpx.Response) -> None:
    """Raise the error that stands for a refused request; return for every 2xx."""
    status = answer.status_code
    if status < httpx.codes.MULTIPLE_CHOICES:
        return
    details: dict[str, Any] = {}
    with contextlib.suppress(ValueError, AttributeError):
        details = dict(answer.json().get("error") or {})
    what = str(details.get("what") or f"The other side refused with status {status}.")
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        raise _busy(what, answer)
    kind: type[DoorError] = DoorError
    if status == httpx.codes.INSUFFICIENT_STORAGE:
        kind = door.DoorFull
    elif status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        kind = door.DoorForbids
    raise kind(
        what=what,
        remedy=str(details.get("remedy") or "See the other side's log, then try again."),
        status=status,
        door_code=str(details.get("code") or ""),
        details=details,
    )


def _busy(what: str, answer: httpx.Response) -> door.DoorBusy:
    busy = door.DoorBusy(what=what, remedy="Wait a little; it goes on by itself.", status=answer.status_code)
    with contextlib.suppress(ValueError):
        busy.retry_after_s = min(float(answer.headers.get("Retry-After", busy.retry_after_s)), RETRY_AFTER_LIMIT_S)
    return busy


def _set_aside(answer: httpx.Response) -> door.SetAside:
    details: dict[str, Any] = {}
    with contextlib.suppress(ValueError, AttributeError):
        details = dict(answer.json())
        details |= details.get("error") or {}
    return door.SetAside(
        what=str(details.get("what") or "The device that signed this is not enrolled; it is kept aside, no receipt."),
        remedy=str(
            details.get("remedy") or "Ask the fleet manager to look at what is kept aside, or enrol the device."
        ),
        status=answer.status_code,
        door_code=str(details.get("code") or ""),
        details=details,
    )


def _recording(rec_id: bytes) -> str:
    return f"/recordings/{rec_id.hex()}"


def sha256_of(chunks: Iterator[bytes] | Iterable[bytes]) -> bytes:
    """Return the SHA-256 of everything in `chunks`."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()
