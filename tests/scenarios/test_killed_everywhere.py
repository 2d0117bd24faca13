"""SIGKILL to every process of the server at every step of ingest and of deletion: the end is as if none had died.

The processes are real; each dies at a named place, is started again, and whoever was waiting asks again. In the end
nothing is lost or there twice, `check` finds nothing, the erased keys are in no file, the certificates hold.
"""

import contextlib
import json
import os
import time
from dataclasses import replace

import pytest

from openbwv.recording import DestructionCertificate, Trust
from openbwv.server.vault.store import ANCHOR_FILE
from openbwv.shared import door as protocol
from openbwv.shared.receipts import OwnFacts, check_evidence_receipt
from openbwv.shared.revocation import Revocations
from openbwv.shared.upload import Orphan, Progress, announce, finish, send_media
from tests.scenarios.killing import HOUR_MS, LONG_S, Kill, MortalForce
from tests.scenarios.test_door_over_tls import parcel
from tests.scenarios.windows import files_holding, windows_of_each
from tests.server.footage import sha256
from tests.server.vault.test_viewing import real_units

INGEST = "server.ingest."
QUICK_INGEST = [
    Kill("door", INGEST + "hello:take_inventory", "after"),
    Kill("door", "server.vault.store:Store.put", "after"),  # entries durable, no row
    Kill("door", INGEST + "manifest:_store", "after"),  # rows committed, no answer
    Kill("door", INGEST + "parts:PartJob.take", "after"),  # in the middle of a part
    Kill("door", "shared.durable:NewFile.commit", "after", 2),  # the second file: a part, synced and named, no row
    Kill("door", INGEST + "parts:_finish", "after"),  # its row committed, no answer
    Kill("door", INGEST + "complete:_take_in", "after"),
    Kill("worker", "shared.log_folder:CheckpointFile.swap", "after"),
    Kill("worker", "server.trail.sequencer:Sequencer._free", "before"),
    Kill("keyd", "server.vault.keyd.ledger:Ledger.wrapped", "after"),
    Kill("door", INGEST + "complete:complete", "after"),
]
EVERY_INGEST = [
    *QUICK_INGEST,
    Kill("door", INGEST + "side_objects:_keep_key", "after"),
    Kill("worker", "custody.log:Log.append", "before"),
    Kill("door", INGEST + "complete:wrap_key", "after"),
    Kill("door", INGEST + "hello:say_hello", "after"),
    Kill("door", INGEST + "tokens:issue_token", "after"),
    Kill("door", INGEST + "manifest:take_manifest", "before"),
    Kill("door", "shared.durable:NewFile.commit", "before"),
    Kill("door", "server.evidence.arrival:announce_recording", "after"),
    Kill("door", "server.evidence.arrival:take_entries", "after"),
    Kill("door", INGEST + "side_objects:_keep_key", "before"),
    Kill("door", INGEST + "parts:PartJob.take", "before"),
    Kill("door", INGEST + "parts:_finish", "before"),
    Kill("door", "shared.durable:NewFile.commit", "before", 2),
    Kill("door", INGEST + "parts:_make_rows", "after"),
    Kill("door", INGEST + "side_objects:_keep_orphan", "before"),
    Kill("door", INGEST + "side_objects:_keep_orphan", "after"),
    Kill("door", INGEST + "complete:_take_in", "before"),
    Kill("door", "server.evidence.arrival:mark_stored", "after"),
    Kill("door", INGEST + "complete:_sign", "before"),
    Kill("door", INGEST + "complete:_sign", "after"),
    Kill("worker", "shared.log_folder:LogFolder.write_once", "after"),
    Kill("worker", "shared.log_folder:LogFolder.write_once", "after", 2),
    Kill("worker", "shared.log_folder:CheckpointFile.swap", "before"),
    Kill("worker", "shared.log_folder:LogFolder.publish_checkpoint", "after"),
    Kill("worker", "server.trail.sequencer:Sequencer._free", "after"),
    Kill("keyd", "server.vault.keyd.operations:Operations._open_camera_wrap", "before"),
    Kill("keyd", "server.vault.keyd.operations:Operations._wrap_both", "after"),
    Kill("keyd", "server.vault.keyd.service:_Handler._answer", "after"),  # whatever was asked is done and not told
]
SWEEP, ERASING, CERTIFYING = (f"server.retention.{name}:" for name in ("sweep", "erasing", "certifying"))
VAULT, CLIENT, KEYD = "server.vault.actions:", "server.vault.keys:KeyClient.", "server.vault.keyd."
QUICK_PROPOSE = [Kill("worker", SWEEP + "_propose", "after")]
EVERY_PROPOSE = [Kill("worker", SWEEP + "begin_deletion", "after"), *QUICK_PROPOSE]
ERASE = [
    Kill("worker", SWEEP + "authorise", "before"),
    Kill("worker", SWEEP + "authorise", "after"),
    Kill("worker", ERASING + "mark_deleting", "before"),
    Kill("worker", ERASING + "mark_deleting", "after"),
    Kill("worker", VAULT + "drop_key", "before"),
    Kill("keyd", KEYD + "ledger:Ledger.drop", "before"),
    Kill("keyd", KEYD + "ledger:Ledger.drop", "after"),  # written, not answered
    Kill("worker", VAULT + "drop_key", "after"),
    Kill("worker", ERASING + "remove", "before"),
    Kill("worker", VAULT + "remove_recording_bytes", "after"),  # in the transaction
    Kill("worker", ERASING + "scrub", "after"),
    Kill("worker", VAULT + "unlink_leaving", "before"),  # committed, the files still there
    Kill("worker", "server.vault.store:Store.remove", "after"),  # one file gone, the others still there
    Kill("worker", ERASING + "remove", "after"),
    Kill("worker", SWEEP + "truncate_journal", "before"),
    Kill("worker", CERTIFYING + "_sign", "before"),
    Kill("worker", CERTIFYING + "_sign", "after"),
    Kill("worker", CERTIFYING + "sign_phase_1", "after"),
]
QUICK_ERASE = [ERASE[place] for place in (3, 6, 9, 11, 14, 16)]
ROTATE = [
    Kill("worker", VAULT + "_begin", "after"),
    Kill("worker", CLIENT + "new_kek", "before"),
    Kill("keyd", KEYD + "keyring:Keyring.add_kek", "after"),
    Kill("worker", CLIENT + "wrap_anew", "before"),
    Kill("worker", CLIENT + "wrap_anew", "after"),
    Kill("worker", VAULT + "_wrap_some", "after"),
    Kill("worker", VAULT + "_confirm_all", "after"),
    Kill("worker", CLIENT + "destroy_kek", "before"),
    Kill("keyd", KEYD + "keyring:Keyring.destroy_kek", "before"),
    Kill("keyd", KEYD + "sealed_file:SealedFile.write", "before"),
    Kill("keyd", KEYD + "keyring:Keyring.destroy_kek", "after"),  # destroyed, not answered
    Kill("worker", CLIENT + "destroy_kek", "after"),
    Kill("worker", VAULT + "_log_both", "after"),  # in the transaction
    Kill("worker", VAULT + "rotate_retention_key", "after"),
]
QUICK_ROTATE = [ROTATE[place] for place in (4, 10, 12)]
QUICK_SECOND = [Kill("worker", CERTIFYING + "_sign", "after")]
EVERY_SECOND = [Kill("worker", CERTIFYING + "_sign", "before"), *QUICK_SECOND]
SETS = {
    "quick": (QUICK_INGEST, QUICK_PROPOSE, QUICK_ERASE, QUICK_ROTATE, QUICK_SECOND),
    "every": (EVERY_INGEST, EVERY_PROPOSE, ERASE, ROTATE, EVERY_SECOND),
}
DAY_MS = 24 * HOUR_MS
SWEEP_AGAIN_H, ROTATE_AGAIN_H = 11 / 60, 1.1  # a little more than the jobs' intervals
pytestmark = [pytest.mark.sqlite, pytest.mark.timeout(1500)]


class Story:
    """One force, what its camera recorded, and what became of it."""

    def __init__(self, folder, sets):
        self.sets = sets
        self.force = MortalForce(folder, [kill for kills in sets for kill in kills])
        self.footage = []
        self.receipts = {}
        self.wraps = []

    def begin(self):
        """Start everything; two people approve how long footage is kept."""
        force = self.force
        force.start_keyd()
        deed = ["--state", force.state, "--as", "lou", "--reason", "the cast", "--password-stdin", "--json"]
        for name, role in {"indra": "records", "gale": "investigator"}.items():
            force.run(
                "person", "add", name, "--name", name.title(), "--role", role, *deed, told="correct horse battery\n"
            )
        self.policy("propose", "--days", 31, "--least-days", 7, who="indra")
        self.policy("show", 1, who="lou")
        self.policy("approve", 1, who="lou")
        force.start_worker()
        force.start_door()
        self.key, self.chain = force.device("dock", "Lewisham-1")
        self.camera = force.camera("0417")

    def policy(self, *words, who):
        """Run `./bwv policy` as somebody."""
        self.force.run("policy", *words, "--as", who, "--reason", "a rule", "--json", "--state", self.force.state)

    # ── ingest ────────────────────────────────────────────────────────────────────────────────────────────────────

    def ingest(self, kill=None, *, days_ago=30, units=None, tries=5):
        """Record and upload; a death on the way is met as a dock meets it: ask what is held, send the rest."""
        footage = self.camera.record(utc_ms=self.force.clock.utc_ms() - days_ago * DAY_MS, units=units)
        self.footage.append(footage)
        orphan = self.orphan_of(footage)
        sent = replace(parcel(footage), orphan=Orphan(len(orphan), sha256(orphan), lambda: iter([orphan])))
        if kill is not None:
            self.force.orders.give(kill)
        self.send(footage, sent, kill)
        if kill is not None and not self.force.orders.obeyed():
            assert tries, f"nobody comes to {kill}"
            self.ingest(kill, days_ago=days_ago, tries=tries - 1)  # the worker's own job was faster than the door

    @staticmethod
    def orphan_of(footage):
        """Return what recovery would have set aside."""
        return b"behind the last entry of " + footage.rec_id

    def send(self, footage, sent, kill):
        """Upload until the receipt is here; raise again who died."""
        deadline = time.monotonic() + LONG_S
        while footage.rec_id not in self.receipts:
            assert time.monotonic() < deadline, f"no receipt after {kill}"
            with contextlib.suppress(protocol.DoorUnreachable, protocol.DoorBusy):
                self.receipts[footage.rec_id] = self.once(sent)
            if kill is not None and self.force.orders.obeyed() and kill.who in self.force.processes:
                self.force.bury(kill.who)
                self.force.raise_again(kill.who)
                kill = None

    def once(self, sent):
        """Send what is missing and ask for the receipt."""
        with self.force.client(self.key, self.chain, "Lewisham-1") as client:
            client.greet()
            announce(client, sent)
            send_media(client, sent, progress=Progress())
            return finish(client, sent)

    # ── deletion ──────────────────────────────────────────────────────────────────────────────────────────────────

    def leap(self, hours):
        """Let days pass while the worker is off; a person says that the clock is right."""
        force = self.force
        force.stop("worker")
        force.move_clock(hours)
        deed = ["--as", "indra", "--reason", "it was switched off", "--json", "--state", force.state]
        force.run("retention", "--confirm-clock", *deed)

    def die_in(self, kills, *, hours):
        """Have the worker, or the key service it asks, die at each place in turn."""
        force = self.force
        done = False  # a job that was cut is run again at once, one that was refused is due again after `hours`
        for kill in kills:
            if "worker" in force.processes:
                force.stop("worker", kill=True)
            force.orders.give(kill)
            if done:
                force.move_clock(hours)
            done = kill.who == "keyd"
            force.start_worker()
            force.bury(kill.who)
            if kill.who == "keyd":
                force.start_keyd()
        if "worker" in force.processes:
            force.stop("worker", kill=True)
        force.start_worker()

    def until(self, sql, wanted, what):
        """Wait until a query gives `wanted`."""
        deadline = time.monotonic() + LONG_S
        while self.force.query(sql) != [(wanted,)]:
            assert time.monotonic() < deadline, f"{what}: {self.force.query(sql)} instead of {wanted}"
            time.sleep(0.2)

    def delete(self):
        """Let everything but the newest recording be deleted, and its keys be rotated away."""
        _, propose, erase, rotate, second = self.sets
        count = len(self.footage) - 1
        deletions = "SELECT COUNT(*) FROM retention_deletion"
        self.wraps = self.force.query("SELECT blob, derived_blob FROM vault_keywrap JOIN evidence_recording ON "
                                      "recording_id = evidence_recording.id ORDER BY rc")[:count]  # fmt: skip
        for path in (self.force.state / "vault").rglob("*/*/*"):
            os.utime(path, (time.time() - 7200,) * 2)  # old enough for the daily look at files that a kill left
        self.leap(3.6 * 24)
        self.die_in(propose, hours=SWEEP_AGAIN_H)
        self.until(deletions, count, "proposals")
        self.leap(3.1 * 24)
        self.die_in(erase, hours=SWEEP_AGAIN_H)
        self.until("SELECT COUNT(*) FROM retention_certificate", count, "first phases")
        self.force.stop("worker", kill=True)
        self.force.move_clock(ROTATE_AGAIN_H)
        self.die_in(rotate, hours=ROTATE_AGAIN_H)
        self.until("SELECT COUNT(*) FROM vault_rotation WHERE state='done'", 1, "rotations")
        self.force.move_clock(SWEEP_AGAIN_H)
        self.die_in(second, hours=SWEEP_AGAIN_H)
        self.until(deletions + " WHERE state='irrecoverable'", count, "second phases")

    # ── what is looked at in the end ──────────────────────────────────────────────────────────────────────────────

    @property
    def trust(self):
        return Trust.load((self.force.state / "trust.pem").read_bytes())

    def check(self):
        """Return the report of `./bwv check` once the worker has caught up; its disagreements must go."""
        deadline = time.monotonic() + 60
        while True:
            report = self.force.run("check", "--json", "--state", self.force.state, status=None)
            if not report["disagreements"] or time.monotonic() > deadline:
                return report


@pytest.fixture(scope="module", params=["quick", pytest.param("every", marks=pytest.mark.long)])
def story(request, tmp_path_factory):
    made = Story(tmp_path_factory.mktemp("force"), SETS[request.param])
    try:
        made.begin()
        yield made
    finally:
        made.force.close()


@pytest.fixture(scope="module")
def ingested(story):
    for kill in story.sets[0]:
        story.ingest(kill)
    story.ingest(days_ago=0, units=real_units())
    return story


@pytest.fixture(scope="module")
def deleted(ingested):
    ingested.after_ingest = ingested.check()
    ingested.delete()
    return ingested


@pytest.fixture(scope="module")
def exported(deleted):
    """The story after Gale took the one recording that is kept with her."""
    force = deleted.force
    ((reference,),) = force.query("SELECT reference FROM evidence_recording WHERE state='stored'")
    words = ["--to", force.folder / "bundle", "--as", "gale", "--reason", "a case", "--state", force.state]
    force.run("export", reference, *words)
    return deleted


def test_whoever_died_in_ingest_every_recording_is_there_once_and_whole(ingested):
    force = ingested.force
    for footage in ingested.footage:
        ((pk, state),) = force.query("SELECT id, state FROM evidence_recording WHERE id=?", footage.hex)
        assert state == "stored"
        assert force.query("SELECT COUNT(*) FROM trail_event WHERE type=10 AND recording_id=?", pk) == [(1,)]
        assert force.query("SELECT COUNT(*) FROM vault_keywrap WHERE recording_id=?", pk) == [(1,)]
        assert force.query("SELECT COUNT(*) FROM vault_pendingkey WHERE recording_id=?", pk) == [(0,)]
        assert stored_media(force, pk) == footage.media
        signed = force.query("SELECT signed FROM ingest_receipt WHERE recording_id=?", pk)
        assert signed == [(ingested.receipts[footage.rec_id],)]


def test_every_receipt_would_permit_the_wipe(ingested):
    vkey = (ingested.force.state / "log.vkey").read_text().strip()
    for footage in ingested.footage:
        signed = ingested.receipts[footage.rec_id]
        check_evidence_receipt(
            signed,
            own=own_facts(footage, ingested.camera),
            trust=ingested.trust,
            log_vkey=vkey,
            revocations=Revocations(),
        )


def test_check_finds_nothing_after_ingest(ingested):
    report = ingested.check()
    assert report["disagreements"] == []
    assert report["looked_at"]["stored recordings"] == len(ingested.footage)


def test_whoever_died_in_deletion_all_but_one_are_erased_and_certified_twice(deleted):
    force = deleted.force
    *gone, kept = deleted.footage
    for footage in gone:
        ((pk, state),) = force.query("SELECT id, state FROM evidence_recording WHERE id=?", footage.hex)
        assert state == "erased"
        for table in ("vault_keywrap", "vault_pendingkey", "vault_part", "vault_manifestpart", "vault_storedobject"):
            assert force.query(f"SELECT COUNT(*) FROM {table} WHERE recording_id=?", pk) == [(0,)]
        told = "SELECT type FROM trail_event WHERE recording_id=? AND type BETWEEN 40 AND 43 ORDER BY leaf_index"
        assert force.query(told, pk) == [(40,), (41,), (43,)]
        signed = "SELECT phase1, phase2 FROM retention_certificate JOIN retention_deletion d ON d.id=deletion_id"
        (phases,) = force.query(signed + " WHERE d.recording_id=?", pk)
        bodies = [DestructionCertificate.decode(each, trust=deleted.trust).body for each in phases]
        assert [(body.phase, body.rec_id) for body in bodies] == [(1, footage.rec_id), (2, footage.rec_id)]
        assert bodies[1].leaves.kek > bodies[0].leaves.erased > bodies[0].leaves.authorised > 0
    assert force.query("SELECT state FROM evidence_recording WHERE id=?", kept.hex) == [("stored",)]
    assert stored_media(force, kept.hex) == kept.media
    assert force.query("SELECT COUNT(*) FROM trail_event WHERE type=51") == [(1,)]


def test_no_file_of_theirs_and_no_copy_of_their_keys_is_left(deleted):
    """The retention key is destroyed; what it wrapped, and what the camera wrapped, is not even there to be tried."""
    *gone, kept = deleted.footage
    force = deleted.force
    named = {key for (key,) in force.query("SELECT key FROM vault_storedobject")}
    assert {path.name for path in (force.state / "vault").rglob("*") if path.is_file()} == named | {ANCHOR_FILE}
    wanted = {footage.dek for footage in gone} | {footage.key_cbor[-48:] for footage in gone}
    wanted |= {blob for pair in deleted.wraps for blob in pair}
    assert len(wanted) == 4 * len(gone)
    assert files_with(force.folder, wanted) == {}
    assert files_with(force.folder, {kept.tail}), "the search itself finds what is there"


def test_check_finds_nothing_after_deletion(deleted):
    assert deleted.after_ingest["disagreements"] == []
    report = deleted.check()
    assert report["disagreements"] == []
    assert report["looked_at"]["erased recordings"] == len(deleted.footage) - 1


def test_the_one_that_is_kept_can_still_be_opened_and_is_genuine(exported):
    force = exported.force
    assert "GENUINE" in force.run("verify", force.folder / "bundle", "--trust", force.state / "trust.pem")


def test_whoever_died_no_file_holds_a_window_of_the_footage_but_the_bundle_that_was_handed_out(exported):
    """The bundle's two films are what a person asked for and was given; that they are found shows that others would."""
    windows = windows_of_each(([plain for _, plain in footage.plain] for footage in exported.footage), 60)
    assert files_holding(windows, exported.force.folder) == ["bundle/data/master.mp4", "bundle/data/view.mp4"]


def stored_media(force, pk):
    """Return a recording's sealed fragments as the vault's files hold them, each once, in order."""
    pieces = []
    rows = "SELECT o.key, p.offsets FROM vault_part p JOIN vault_storedobject o ON o.id=p.object_id"
    for key, offsets in force.query(rows + " WHERE p.recording_id=?", pk):
        data = (force.state / "vault" / key[:2] / key[2:4] / key).read_bytes()
        pieces += [(seq, data[offset : offset + length]) for seq, offset, length in json.loads(offsets)]
    return b"".join(data for _, data in sorted(pieces))


def own_facts(footage, camera):
    """Return what the camera knows of its recording."""
    orphan = Story.orphan_of(footage)
    return OwnFacts(
        rec_id=footage.rec_id,
        kid=camera.kid,
        last_seq=footage.last_seq,
        tail=footage.tail,
        media_length=len(footage.media),
        media_sha256_of_cts=sha256(b"".join(sha256(data) for _, data in footage.sealed)),
        orphan_length=len(orphan),
        orphan_sha256=sha256(orphan),
    )


def files_with(folder, wanted):
    """Return which of the byte strings stand in which file."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if hits := [each.hex()[:16] for each in wanted if each in data]:
                found[path.name] = hits
    return found
