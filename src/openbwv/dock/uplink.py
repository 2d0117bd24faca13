"""Handing on what the spool holds to the evidence server, without anybody asking.

Rule: a contact begins with a hello and the manifests and keys of all recordings; then several parts are under way at
once, and which goes next is decided for each (openbwv.dock.order, openbwv.dock.desk). What the server holds is asked,
never remembered. A copy leaves the spool only on an evidence receipt that holds in full (openbwv.shared.receipts).

While the server is away nothing is lost, and cameras go on being copied as long as there is room. Bound: once the
server answers again it is tried within LONGEST_WAIT_S and the ten seconds that an attempt may hang; a request that
hung when it went away is given up after a minute. So nothing waits longer than that minute.
"""

import logging
import threading
from dataclasses import replace

from openbwv.custody import CustodyError
from openbwv.dock.backoff import Backoff
from openbwv.dock.contradictions import untold
from openbwv.dock.desk import CODE_ENTRIES_FIRST, Desk
from openbwv.dock.hall import FromServer, Hall
from openbwv.dock.held import HeldRecording
from openbwv.dock.sender import LONGEST_END_S, Senders
from openbwv.recording import EvidenceReceipt
from openbwv.recording.errors import BwvError
from openbwv.shared import upload
from openbwv.shared.door import DoorBusy, DoorError, DoorFull, DoorUnreachable, Welcome
from openbwv.shared.door_client import DoorClient
from openbwv.shared.receipts import ReceiptRefused, check_evidence_receipt

log = logging.getLogger("openbwv.dock")

IDLE_S = 5.0
GREET_AGAIN_S = 60.0
SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
PARTS_AT_ONCE, MOST_PARTS_AT_ONCE = 3, 8
KEPT_ASIDE = {202, 403, 409}  # what the door answers for signed things that it keeps aside
NS = 1_000_000_000


class Uplink:
    """One thread that speaks with the server, and `at_once` threads that send what the spool holds."""

    def __init__(self, hall: Hall, *, log_vkey: str | None, at_once: int = PARTS_AT_ONCE) -> None:
        self.hall = hall
        self.desk = Desk(hall.spool.all, mono_ns=hall.clock.mono_ns, at_once=at_once)
        self._senders = Senders(hall, self.desk, count=at_once, check=self._check)
        self._backoff = Backoff(shortest_s=SHORTEST_WAIT_S, longest_s=LONGEST_WAIT_S)
        self._log_vkey = log_vkey
        self._journals: dict[bytes, tuple[int, bytes]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._senders.start()

    def stop(self) -> None:
        """End after the requests under way."""
        self._stop.set()
        self.hall.wake.set()
        self.desk.stop()
        self._thread.join(timeout=LONGEST_END_S)
        self._senders.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self.hall.server_client(welcomed=self._learn) as client:
                    self._session(client)
            except (DoorUnreachable, DoorBusy, DoorFull) as problem:
                self._offline(problem.what)
            except BwvError as problem:
                log.warning("the server refuses this dock: %s", problem.what)
                self._offline(problem.what)
            except Exception:
                log.exception("the uplink failed and starts again")
                self._offline("internal error; see the dock's log")
            self.desk.close()
            self._stop.wait(self._backoff.wait_s())

    def _offline(self, why: str) -> None:
        self.hall.server = replace(self.hall.server, connected=False, trouble=why)

    def _session(self, client: DoorClient) -> None:
        """Work until the connection breaks (raises) or the stop is asked for."""
        self.desk.begin()
        self._journals.clear()
        began_ns, greeted_ns = self.hall.clock.mono_ns(), 0
        while not self._stop.is_set():
            now_ns = self.hall.clock.mono_ns()
            if not greeted_ns or now_ns - greeted_ns > GREET_AGAIN_S * NS:
                client.greet()
                self._renew(client)
                cameras = self._cameras(client)  # first: it may have to say hello again, and learn
                self.hall.server = replace(self.hall.server, cameras=cameras)
                greeted_ns = now_ns
            self.hall.wake.clear()
            if self._stop.is_set():  # asked for since the loop looked: its wake has just been cleared
                return
            self._errands(client)
            if self.desk.trouble is not None:
                raise self.desk.trouble
            if self.desk.moved or now_ns - began_ns > LONGEST_WAIT_S * NS:
                self._backoff.reset()
            self.desk.open()
            self.hall.wake.wait(IDLE_S)

    def _errands(self, client: DoorClient) -> None:
        """Do everything that is no part of a recording."""
        self._fetch_receipts(client)
        self._report_strangers(client)
        for held in self.desk.unannounced():
            self._announce(client, held)
        self._forward_journals(client)
        self._forward_counts(client)
        self._report_contradictions(client)

    def _announce(self, client: DoorClient, held: HeldRecording) -> None:
        """Send entries and key; what only concerns this recording must not hold up the others."""
        parcel = held.announcement()
        try:
            upload.announce(client, parcel)
        except (DoorUnreachable, DoorFull):
            raise
        except DoorError as problem:
            log.warning("recording %s is held up: %s", held.rec_id.hex(), problem.what)
            self.desk.hold_up(held, problem)
            return
        self.desk.announced(held, (len(parcel.entries), parcel.key_cbor is not None))

    def _learn(self, welcome: Welcome) -> None:
        self.desk.wants(welcome.queue)
        if welcome.crl:
            self.hall.identity.keep_crl(welcome.crl)
        self._keep_log_key(welcome)
        checkpoint = welcome.checkpoint
        if checkpoint and self._log_vkey:
            try:
                if not self.hall.identity.keep_checkpoint(checkpoint, self._log_vkey):
                    log.warning("the server's checkpoint contradicts the one held in %s", self.hall.identity.folder)
                    checkpoint = None
            except CustodyError as problem:
                log.warning("the server's checkpoint is refused: %s", problem.what)
                checkpoint = None
        self.hall.learn(
            FromServer(
                profile=welcome.profile,
                epoch_key=welcome.epoch_key,
                checkpoint=checkpoint or self.hall.server.checkpoint,
                revoked=welcome.revoked,
                crl=welcome.crl or self.hall.server.crl,
                log_vkey=welcome.log_vkey,
                log_certificate=welcome.log_certificate,
                log_beginning=welcome.log_beginning,
                connected=True,
                cameras=self.hall.server.cameras,
            )
        )

    def _keep_log_key(self, welcome: Welcome) -> None:
        if not self._log_vkey:
            return
        try:
            newer = self.hall.identity.newer_log_key(welcome, pinned=self._log_vkey)
        except BwvError as problem:
            log.warning("%s", problem.what)
            return
        if newer is not None:
            log.warning("the custody log began anew: %s", newer)
            self._log_vkey = newer

    def _cameras(self, client: DoorClient) -> list[dict[str, object]]:
        try:
            cameras = client.get("/fleet/cameras").get("cameras")
        except DoorUnreachable:
            raise
        except DoorError:
            return self.hall.server.cameras
        return [each for each in cameras if isinstance(each, dict)] if isinstance(cameras, list) else []

    def _check(self, held: HeldRecording, receipt: bytes) -> None:
        if not self._log_vkey:
            raise ReceiptRefused("this dock does not know the log's key; enrol it again")
        check_evidence_receipt(
            receipt,
            own=held.facts(),
            trust=self.hall.trust,
            log_vkey=self._log_vkey,
            revocations=self.hall.identity.revocations(),
            revoked_kids=self.hall.server.revoked,
        )

    def _fetch_receipts(self, client: DoorClient) -> None:
        """Fetch receipts for cameras that are here with recordings which another dock handed on."""
        spool = self.hall.spool
        for visit in self.hall.visits.here():
            wanted = {
                row.rec_id
                for row in visit.rows
                if not spool.has_receipt(visit.kid, row.rec_id) and spool.find(visit.kid, row.rec_id) is None
            }
            if not wanted:
                continue
            for receipt in client.receipts(visit.kid):
                try:
                    body = EvidenceReceipt.decode(receipt, trust=self.hall.trust).body
                except BwvError as problem:
                    log.warning("a receipt for %s is not passed on: %s", visit.name, problem.what)
                    continue
                if body.rec_id in wanted and body.kid == visit.kid:
                    spool.add_receipt(visit.kid, body.rec_id, receipt)

    def _renew(self, client: DoorClient) -> None:
        """Have this dock's own certificate renewed when it is due; the listeners take it up by themselves."""
        identity = self.hall.identity
        try:
            if identity.renew(client, utc_ms=self.hall.clock.utc_ms()):
                self.hall.identity = identity.read_again()
                log.warning("this dock's certificate was renewed")
        except DoorUnreachable:
            raise
        except BwvError as problem:
            log.warning("this dock's certificate was not renewed: %s", problem.what)

    def _report_strangers(self, client: DoorClient) -> None:
        for kid, message in self.hall.strangers.untold():
            try:
                client.report_stranger(message)
            except (DoorUnreachable, DoorFull):
                raise
            except DoorError as problem:
                log.warning("the server does not take the report of %s: %s", kid.hex()[:16], problem.what)
                continue
            self.hall.strangers.mark_told(kid)

    def _forward_counts(self, client: DoorClient) -> None:
        """Hand on what cameras signed of their counters; what the server keeps aside it has as well."""
        counts = self.hall.spool.counts
        for kid in self.hall.spool.layout.cameras():
            for waiting in counts.waiting(kid):
                try:
                    client.put_counts(kid, waiting.data)
                except (DoorUnreachable, DoorFull, DoorBusy):
                    raise
                except DoorError as problem:
                    log.warning("the counters of %s are not taken: %s", kid.hex()[:16], problem.what)
                    if problem.status not in KEPT_ASIDE:
                        continue
                counts.taken(waiting)

    def _report_contradictions(self, client: DoorClient) -> None:
        """Hand on entries that contradict the ones held here; the door's refusal says that it keeps them aside."""
        for each in untold(self.hall.spool.layout):
            try:
                client.put_manifest(each.rec_id, from_seq=each.seq, entries=each.entry)
            except (DoorUnreachable, DoorFull, DoorBusy):
                raise
            except DoorError as problem:
                if problem.status not in KEPT_ASIDE or problem.door_code == CODE_ENTRIES_FIRST:
                    continue  # its recording is not there yet
                log.warning("entry %d of %s was told to the server: %s", each.seq, each.rec_id.hex(), problem.what)
            each.mark_told()

    def _forward_journals(self, client: DoorClient) -> None:
        journals = self.hall.spool.journals
        for kid in self.hall.spool.layout.cameras():
            have = journals.end(kid)
            if not have[0] or self._journals.get(kid) == have:
                continue
            try:
                journals.hand_on(client, kid)
            except (DoorUnreachable, DoorFull):
                raise
            except DoorBusy:
                continue  # at the next look
            except DoorError as problem:
                log.warning("the journal of %s is held up: %s", kid.hex()[:16], problem.what)
            self._journals[kid] = have
