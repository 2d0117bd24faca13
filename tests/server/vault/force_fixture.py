"""A small force without Django: keyring, log, key service, and leaves written by hand."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from openbwv.custody import EventType, LogReader, commit_event, create_log, leaf, open_log
from openbwv.recording import dek_commitment, new_dek, wrap_dek
from openbwv.server.vault.keyd import keyring, sealed_file
from openbwv.server.vault.keyd.ledger import Ledger
from openbwv.server.vault.keyd.logwatch import LogWatch
from openbwv.server.vault.keyd.operations import Operations
from openbwv.server.vault.keys import Shown
from openbwv.shared.clock import FixedClock
from openbwv.shared.log_folder import checkpoint_file, log_folder

PASSPHRASE = "correct horse battery staple"
RECOVERY = "ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567"
CHEAP = sealed_file.Cost(memory_kib=64, iterations=1, lanes=1)
NOW_MS = 1_790_000_000_000


def make_ring(state: Path, *, pretend: bool = False) -> keyring.Keyring:
    """Make a keyring whose passphrase costs next to nothing to guess."""
    return keyring.create(
        state / "keyring",
        name="Test Force",
        origin="test.bwv/log",
        passphrase=PASSPHRASE,
        recovery_code=RECOVERY,
        pretend=pretend,
        utc_ms=1_000,
        cost=CHEAP,
    )


@dataclass
class Recorded:
    """A recording as far as its key goes."""

    rec_id: bytes
    kid: bytes
    dek: bytes
    key_cbor: bytes
    subject: bytes

    @property
    def dc(self) -> bytes:
        """The commitment that stands in OPEN."""
        return dek_commitment(self.dek)


class SmallForce:
    """Keyring, log and key service in one folder."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.clock = FixedClock(NOW_MS)
        self.ring = make_ring(state)
        self.log = create_log(
            log_folder(state), vkey=self.ring.vkey, sign=self.ring.log_key.sign, outside=checkpoint_file(state)
        )
        self.operations = self.restart()

    def restart(self) -> Operations:
        """Return a key service that has read everything from disk."""
        ring = keyring.load(self.state / "keyring", PASSPHRASE)
        watch = LogWatch(LogReader(log_folder(self.state), vkey=ring.vkey))
        ledger = Ledger(self.state / "keyring.ledger")
        self.operations = Operations(keyring=ring, ledger=ledger, watch=watch, clock=self.clock)
        return self.operations

    def ask(self, op: str, **arguments):
        """Do one operation."""
        return self.operations.perform({"op": op, **arguments})

    def record(self) -> Recorded:
        """Return a recording wrapped to the current epoch, as a camera would."""
        rec_id, kid, dek = secrets.token_bytes(16), secrets.token_bytes(32), new_dek(secrets.token_bytes)
        epoch = self.ask("public")["epoch"]
        wrapped = wrap_dek(dek, epoch_id=epoch["id"], epoch_public=epoch["public"], rec_id=rec_id, kid=kid)
        return Recorded(rec_id, kid, dek, wrapped, secrets.token_bytes(16))

    def rewrap(self, one: Recorded):
        """Have its key wrapped under the retention key."""
        return self.ask("rewrap", key_cbor=one.key_cbor, rec_id=one.rec_id, kid=one.kid, dc=one.dc)

    def write(self, kind: EventType, one: Recorded, **changes) -> Shown:
        """Append a leaf about a recording and return what proves it."""
        at_ms = self.clock.utc_ms()
        event = {
            "v": 1,
            "type": int(kind),
            "t": at_ms // 1000,
            "at_ms": at_ms,
            "subj": one.subject,
            "rec": one.rec_id,
            "actor": "gale",
            "why": "to prepare an interview",
            "rule": "",
            "outcome": "done",
            "details": {},
        } | changes
        salt = secrets.token_bytes(32)
        entry = leaf(int(kind), at_ms // 1000, one.subject, commit_event(event, salt))
        writer = open_log(
            log_folder(self.state),
            vkey=self.ring.vkey,
            sign=self.ring.log_key.sign,
            outside=checkpoint_file(self.state),
        )
        index = writer.append([entry])[0]
        proof = LogReader(log_folder(self.state), vkey=self.ring.vkey).tlog_proof(index)
        return Shown(leaf=entry, event=event, salt=salt, proof=proof)
