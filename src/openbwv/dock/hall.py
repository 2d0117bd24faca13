"""What the listeners and the uplink of one dock share, and what a dock knows from the server."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from openbwv.dock.errors import BadHello, DockError, KeptAside, Revoked, ServerAway, UnknownDevice
from openbwv.dock.identity import DockIdentity
from openbwv.dock.packages import Packages
from openbwv.dock.spool import Spool
from openbwv.dock.strangers import Strangers
from openbwv.dock.tokens import Tokens, Visitor
from openbwv.dock.turned_away import TurnedAwayBook
from openbwv.dock.visits import Visits
from openbwv.recording import CustodyReceipt, Inventory, Trust
from openbwv.recording.certificates import USE_CAMERA, USE_DOOR, USES
from openbwv.recording.errors import BwvError
from openbwv.shared.clock import Clock
from openbwv.shared.door import DoorUnreachable, Hello, LogBeginning, Welcome
from openbwv.shared.door_client import DoorClient
from openbwv.shared.enrolment import EnrolmentBook
from openbwv.shared.tls import client_context

log = logging.getLogger("openbwv.dock")


@dataclass
class FromServer:
    """What the server said last: news for cameras, and who is revoked. Empty until the first contact."""

    profile: dict[str, object] = field(default_factory=dict)
    epoch_key: bytes | None = None
    checkpoint: str | None = None
    revoked: frozenset[bytes] = frozenset()
    crl: str | None = None
    log_vkey: str | None = None
    log_certificate: tuple[bytes, ...] = ()
    log_beginning: LogBeginning | None = None
    connected: bool = False
    trouble: str = ""
    cameras: list[dict[str, object]] = field(default_factory=list)


class Hall:
    """The dock's shared state. `server` is replaced whole, never changed in place."""

    def __init__(
        self,
        identity: DockIdentity,
        spool: Spool,
        *,
        clock: Clock,
        random: Callable[[int], bytes],
        pretend: bool = False,
    ) -> None:
        self.identity, self.spool, self.clock, self.pretend = identity, spool, clock, pretend
        self.trust = Trust.load(identity.trust_pem)
        self.tokens = Tokens(random=random, mono_ns=clock.mono_ns)
        self.visits = Visits(mono_ns=clock.mono_ns)
        self.enrolments = EnrolmentBook(dock_spki=identity.spki, random=random, mono_ns=clock.mono_ns)
        self.enrolment_lock = threading.Lock()
        self.packages = Packages(mono_ns=clock.mono_ns)
        self.strangers = Strangers(spool.layout.root)
        self.turned_away = TurnedAwayBook(mono_ns=clock.mono_ns)
        self.server = FromServer()
        self.wake = threading.Event()

    def hello(self) -> Hello:
        """Return the dock's half of a hello, with a fresh nonce."""
        return Hello(
            time_ms=self.clock.utc_ms(),
            nonce=self.tokens.new_nonce(),
            door=self.identity.door_name,
            checkpoint=self.server.checkpoint,
        )

    def admit(self, message: bytes) -> Welcome:
        """Judge a camera's signed inventory and let it in; raises BadHello, KeptAside, UnknownDevice, Revoked."""
        try:
            received = Inventory.decode(message, trust=self.trust)
        except BwvError as problem:
            raise self._aside(message, problem.what) from problem
        inventory, facts = received.body, received.chain
        if inventory.door != self.identity.door_name:
            raise BadHello("it was signed for another dock.")
        self.tokens.use_nonce(inventory.nonce)
        if _use_of(facts.leaf) != USE_CAMERA or not facts.san_uri:
            raise self._aside(message, "its certificate is not a camera's.")
        if received.kid in self.server.revoked or self.identity.revocations().names(facts.leaf):
            raise Revoked
        self.spool.meet(received.kid, facts.san_uri)
        self.visits.arrive(received.kid, facts.san_uri, inventory)
        self._drop_old_receipts(received.kid, inventory)
        self.wake.set()
        return Welcome(
            token=self.tokens.issue(Visitor(received.kid, facts.san_uri)),
            profile=dict(self.server.profile),
            epoch_key=self.server.epoch_key,
            queue=_queue(inventory),
            revoked=self.server.revoked,
            checkpoint=self.server.checkpoint,
            crl=self.server.crl,
            log_vkey=self.server.log_vkey,
            log_certificate=self.server.log_certificate,
            log_beginning=self.server.log_beginning,
            assignment=self.spool.assignment(received.kid),
            dock=self.identity.name,
        )

    def _aside(self, message: bytes, why: str) -> DockError:
        stranger = self.strangers.keep(message)
        if stranger is None:
            return UnknownDevice(why)
        self.wake.set()
        return KeptAside(stranger.name, stranger.kid)

    def check(self, authorization: str) -> Visitor:
        """Return who a request is from; raises TokenWrong, Revoked."""
        visitor = self.tokens.check(authorization)
        if visitor.kid in self.server.revoked:
            raise Revoked
        return visitor

    def custody_receipt(self, *, kid: bytes, rec_id: bytes, last_seq: int, tail: bytes) -> bytes:
        """Return a signed custody receipt: this dock holds a copy."""
        receipt = CustodyReceipt(
            rec_id=rec_id,
            kid=kid,
            last_seq=last_seq,
            tail=tail,
            held_at_ms=self.clock.utc_ms(),
            dock=self.identity.name,
        )
        return receipt.encode(self.identity.signer, self.identity.chain)

    def server_client(self, *, welcomed: Callable[[Welcome], None] | None = None) -> DoorClient:
        """Return a client of the server's door that speaks as this dock; raises ServerAway when no door is known."""
        if not self.identity.door_url:
            raise ServerAway("no door is configured (--door).")
        context = client_context(
            trust_pem=self.identity.trust_pem,
            identity=self.identity.tls,
            uses=[USE_DOOR],
            revocations=self.identity.revocations(),
        )
        return DoorClient(self.identity.door_url, context=context, inventory=self._own_inventory, welcomed=welcomed)

    def ask_server(self, deed: Callable[[DoorClient], dict[str, Any]]) -> dict[str, Any]:
        """Do one thing at the server's door on behalf of a person or a camera; raises ServerAway, DoorError."""
        with self.server_client() as client:
            try:
                client.greet()
                return deed(client)
            except DoorUnreachable as problem:
                raise ServerAway(problem.what) from problem

    def _own_inventory(self, hello: Hello) -> bytes:
        inventory = Inventory(nonce=hello.nonce, door=hello.door, boot=0, next_rc=0)
        return inventory.encode(self.identity.signer, self.identity.chain)

    def learn(self, server: FromServer) -> None:
        """Take in what the server said; revoked devices lose their tokens at once."""
        self.server = server
        self.tokens.revoke(server.revoked)

    def _drop_old_receipts(self, kid: bytes, inventory: Inventory) -> None:
        listed = {row.rec_id for row in inventory.last}
        self.spool.forget_receipts(kid, listed)


def _queue(inventory: Inventory) -> tuple[bytes, ...]:
    """Flagged recordings first, then by the camera's own counter; the camera refines it by what only it knows."""
    rows = sorted(inventory.last, key=lambda row: (not row.evidential, row.rc))
    return tuple(row.rec_id for row in rows)


def _use_of(leaf: x509.Certificate) -> x509.ObjectIdentifier | None:
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return next((usage for usage in usages if usage in USES), None)
