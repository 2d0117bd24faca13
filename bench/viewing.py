"""A pretend force with a recording to watch and somebody who may: for the benchmark of playback."""

import contextlib
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlparse

from bench.footage import open_builder, random_pieces
from bench.ingest import enrol
from bench.processes import plain_door, wait_for_port
from openbwv import recording as r
from openbwv.demo.force import Force
from openbwv.demo.pages import Page, Visitor
from openbwv.demo.processes import free_port
from openbwv.shared.door import DoorBusy
from openbwv.shared.door_client import DoorClient

VIEWER = "gale"
SECOND_NS = 1_000_000_000
DIFFERENT_PIECES = 64
RECEIPT_LIMIT_S = 60.0


@dataclass(frozen=True)
class Footage:
    """A recording on the server: its reference, and the length of its fragments in the clear, bytes."""

    reference: str
    media_bytes: int


@contextlib.contextmanager
def playing_force(folder: Path) -> Iterator["PlayingForce"]:
    """Make a force, start its processes and a door without TLS, and sign an investigator in."""
    force = Force(folder / "force")
    try:
        force.begin()
        os.environ["BWV_STATE"] = str(force.state)
        os.environ["BWV_CLOCK_SOCKET"] = force.runner.environment["BWV_CLOCK_SOCKET"]
        force.add_people(VIEWER)
        force.runner.stop("server")  # and again as a child of ours, whose CPU time we may read
        port, started = free_port(), []
        try:
            started = [server(force), plain_door(port, {})]
            wait_for_port(started[0], force.page_port)
            wait_for_port(started[1], port)
            yield PlayingForce(force, f"http://127.0.0.1:{port}", started[0].pid)
        finally:
            for process in started:
                process.terminate()
                process.wait()
    finally:
        force.end()


def server(force: Force) -> "subprocess.Popen[bytes]":
    """Start `./bwv server` for the force, as production does."""
    words = ["server", "--state", str(force.state), "--port", str(force.page_port)]
    command = [sys.executable, "-m", "openbwv", *words]
    return subprocess.Popen(command, env=os.environ | force.runner.environment, stdout=subprocess.DEVNULL)


class Browser(Visitor):
    """A visitor whose cookies another HTTP client may use."""

    @property
    def cookies(self) -> str:
        """Return the Cookie header."""
        return "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())


class PlayingForce:
    """What the benchmark drives."""

    def __init__(self, force: Force, door_url: str, server_pid: int) -> None:
        self._door_url = door_url
        self.server_pid = server_pid
        self._camera = enrol(force)
        self._rc = 0
        self._browser = Browser(force.site)
        self._browser.sign_in(VIEWER, force.passwords[VIEWER])
        self.page_port = force.page_port

    @property
    def cookies(self) -> str:
        """Return the Cookie header of the person who watches."""
        return self._browser.cookies

    def record(self, fragments: int, size: int) -> Footage:
        """Upload a recording of so many fragments of `size` bytes, a second each, and wait for its receipt."""
        self._rc += 1
        builder, first, rec_id, dek = open_builder(self._camera, rc=self._rc)
        sealed, entry = builder.fragment(b"init", mono_ns=SECOND_NS, flags=r.FragFlag.INIT)
        entries, parts = [first, entry], [(1, sealed)]
        pieces = random_pieces(DIFFERENT_PIECES, size)
        for number in range(fragments):
            times, seq = (r.TrackTime(1, number * 90_000, 90_000),), builder.next_seq
            piece = pieces[number % DIFFERENT_PIECES]
            sealed, entry = builder.fragment(piece, mono_ns=(number + 2) * SECOND_NS, times=times)
            entries.append(entry)
            parts.append((seq, sealed))
        entries.append(builder.close(r.CloseReason.BUTTON, mono_ns=(fragments + 2) * SECOND_NS))
        with self._client() as client:
            client.greet()
            client.put_manifest(rec_id, from_seq=0, entries=b"".join(entries))
            client.put_key(rec_id, self._key_cbor(rec_id, dek))
            for seq, data in parts:
                client.put_part(rec_id, first_seq=seq, length=len(data), chunks=lambda data=data: iter([data]))
            _complete(client, rec_id, last_seq=len(entries) - 1, tail=builder.tail)
        return Footage(self._reference(rec_id), fragments * size)

    def begin_viewing(self, footage: Footage) -> tuple[str, Callable[[], None]]:
        """Ask to watch on the recording's page; return the viewing's name and what leaves it."""
        address = f"/recordings/{footage.reference}"
        page = self._browser.submit(self._browser.get(address), "/watch", reason="to measure")
        viewing = parse_qs(urlparse(page.url).query)["viewing"][0]
        return viewing, lambda: self._leave(f"{address}/watch/{viewing}/leave", page)

    def _leave(self, address: str, page: Page) -> None:
        self._browser.post_bytes(address, page).raise_for_status()

    def _client(self) -> DoorClient:
        def inventory(hello):  # type: ignore[no-untyped-def]
            body = r.Inventory(nonce=hello.nonce, door=hello.door, boot=1, next_rc=self._rc + 1, last=(), battery=100)
            return body.encode(self._camera.signer, self._camera.chain)

        return DoorClient(self._door_url, context=ssl.create_default_context(), inventory=inventory)

    def _key_cbor(self, rec_id: bytes, dek: bytes) -> bytes:
        from openbwv.server.vault.keys import key_client

        epoch = key_client().public()["epoch"]
        kid = self._camera.signer.kid
        return r.wrap_dek(dek, epoch_id=epoch["id"], epoch_public=epoch["public"], rec_id=rec_id, kid=kid)

    def _reference(self, rec_id: bytes) -> str:
        from openbwv.server.evidence.models import Recording

        return next(each.reference for each in Recording.objects.all() if each.rec_id == rec_id)


def _complete(client: DoorClient, rec_id: bytes, *, last_seq: int, tail: bytes) -> None:
    """Ask for the receipt until it is there: the log and the key service come first."""
    deadline = time.monotonic() + RECEIPT_LIMIT_S
    while True:
        try:
            client.complete(rec_id, last_seq=last_seq, tail=tail)
            return
        except DoorBusy as busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(min(busy.retry_after_s, 1.0))
