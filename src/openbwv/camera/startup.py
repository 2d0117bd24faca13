"""What a camera does before anything else: take the store, count the start, recover, read its identity, go on with
the journal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.counters import Counters
from openbwv.camera.disk import Reserve
from openbwv.camera.errors import NotEnrolled
from openbwv.camera.identity import Identity, load_identity
from openbwv.camera.journal import Journal
from openbwv.camera.recovery import Report, recover_store
from openbwv.camera.store import Store
from openbwv.camera.throwaway import make_test_identity
from openbwv.camera.timing import CameraClock
from openbwv.shared.clock import Clock, clock_from_environment

ALARM_DAMAGED = 2


@dataclass
class Started:
    """A camera that is ready for standby. `sentences` are for the officer; a dock may renew `identity`."""

    store: Store
    identity: Identity
    journal: Journal
    clock: CameraClock
    boots: int
    reserve: Reserve
    report: Report
    sentences: list[str]


@contextmanager
def started_in(path: Path, *, test_identity: bool = False) -> Iterator[Started]:
    """Start the camera of the store at `path` and hold its lock; raises StoreBusy and what `start_up` raises.

    The clock is this machine's, or that of a pretend force.
    """
    with Store(path).locked() as store:
        clock = clock_from_environment(store.identity_folder / "trust.pem")
        yield start_up(store, clock, test_identity=test_identity)


def start_up(store: Store, clock: Clock, *, test_identity: bool = False, name: str = "test") -> Started:
    """Start the camera in a store whose lock is held; raises NotEnrolled, IdentityDamaged, DiskFull, WriteFailed."""
    if test_identity:
        _refuse_mixing(store)
        make_test_identity(store.path, name=name, utc_ms=clock.utc_ms())
    identity = load_identity(store.identity_folder, utc_ms=clock.utc_ms())
    if identity.is_test and not test_identity:
        raise NotEnrolled(
            what="This store holds a test identity; no force accepts what it signs.",
            remedy="Add --test-identity to go on with it, or enrol the camera in a new store.",
        )
    counters = store.counters()
    boots = counters.boots + 1
    store.count(Counters(boots, counters.rc, counters.last_rec_id, counters.last_tail))
    camera_clock = CameraClock(clock, identity.sync)
    journal = Journal(
        store,
        identity.signer,
        identity.chain,
        mono_ns=clock.mono_ns,
        utc_ms=clock.utc_ms,
        clock_state=camera_clock.state,
    )
    sentences = [said for said in (journal.start(boots), *identity.warnings) if said]
    wiped = store.finish_wipes()
    sentences += [f"The wipe of {rec_id.hex()} was finished." for rec_id in wiped]
    report = recover_store(store.path, signer=identity.signer, bt=boots, mono_ns=clock.mono_ns())
    _note(report, store, journal, sentences)
    reserve = Reserve(store.path / layout.RESERVE)
    if not reserve.take():
        sentences.append("The storage is full: dock the camera. Nothing can be recorded.")
    return Started(store, identity, journal, camera_clock, boots, reserve, report, sentences)


def recover_again(started: Started) -> None:
    """Recover in a running camera what a fault left open; counts as a start, as CLOSE says which one wrote it."""
    store = started.store
    counters = store.counters()
    started.boots = counters.boots + 1
    store.count(Counters(started.boots, counters.rc, counters.last_rec_id, counters.last_tail))
    mono_ns = started.clock.mono_ns()
    started.journal.event(r.EventKind.BOOT, public={1: started.boots})
    started.report = recover_store(store.path, signer=started.identity.signer, bt=started.boots, mono_ns=mono_ns)
    started.sentences = []
    _note(started.report, store, started.journal, started.sentences)
    started.reserve.take()


def _refuse_mixing(store: Store) -> None:
    folder = store.identity_folder
    if (folder / "key.pem").exists() and not (folder / "test-identity").exists():
        raise NotEnrolled(
            what="This store belongs to an enrolled camera; a test identity would mix with its recordings.",
            remedy="Leave out --test-identity, or name another --store.",
        )


def _note(report: Report, store: Store, journal: Journal, sentences: list[str]) -> None:
    for done in report.recovered:
        public = {1: done.rec_id, 2: done.last_seq, 3: done.orphan_bytes}
        journal.event(r.EventKind.RECOVERED, public=public)
        counters = store.counters()
        if done.rc >= counters.rc:
            store.count(Counters(counters.boots, done.rc, done.rec_id, done.tail))
        sentences.append(
            f"Recovered the recording {done.rec_id.hex()} after a power loss: {done.media_bytes} bytes are signed"
            f" and kept, {done.orphan_bytes} unsigned bytes are set aside in orphan.bin."
        )
    for problem in report.problems:
        journal.event(r.EventKind.ALARM, public={1: ALARM_DAMAGED})
        sentences.append(f"{problem.what} {problem.remedy}")
    for folder in report.torn:
        sentences.append(f"The folder {folder.name} holds nothing: power was lost while it was made. It is kept.")
