"""The one door out of the vault: permission, event, then bytes (custody rule 2).

Footage leaves in three ways, all of them here: to a person's viewing (`viewing`, served by `media`), to a named job
(`open_for_job`: export, release, index, thumbnail), and as something made from it earlier (`read_thumbnail`,
`read_release`). Whoever asks has been judged by `people.rights`; the event is in the log before the key comes.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.evidence.models import Recording, State
from openbwv.server.people.models import Person
from openbwv.server.people.rights import require
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.errors import NotDerived, NotStored
from openbwv.server.vault.models import ObjectKind, StoredObject
from openbwv.server.vault.opened import OpenedRecording, SealedRecording, find_derived, put_derived, read_derived
from openbwv.server.vault.release import derived_key_of, release_keys
from openbwv.server.vault.sealed_object import open_chunks
from openbwv.server.vault.store import vault_store
from openbwv.shared.clock import Clock

PURPOSES = ("export", "release", "index", "thumbnail")
THUMBNAIL = "thumbnail"


@contextlib.contextmanager
def open_for_job(
    *,
    recording: Recording,
    purpose: str,
    actor: Person | None = None,
    why: str = "",
    request: Any = None,
    clock: Clock,
    sealed: bool = False,
) -> Iterator[OpenedRecording | SealedRecording]:
    """Open a stored recording for one job: KEY_RELEASE {purpose} is in the log before the key is asked for.

    `purpose` is one of PURPOSES; `request` what it is for, if any (its reference is logged). With `sealed` no key is
    asked for and only ciphertext can be read. Raises NotStored, LogNotRunning, KeydUnavailable and what keyd refuses.
    """
    if purpose not in PURPOSES:
        raise ValueError(f"no job has the purpose {purpose!r}")
    _check_stored(recording)
    if sealed:
        yield SealedRecording(recording)
        return
    details = {"purpose": purpose} | ({"request": request.reference} if request is not None else {})
    with transaction.atomic():
        event = log_event(
            EventType.KEY_RELEASE,
            recording=recording,
            actor=actor,
            actor_label="" if actor else f"job {purpose}",
            why=why,
            rule=f"job-{purpose}",
            details=details,
            clock=clock,
        )
    yield OpenedRecording(recording, release_keys(recording, event))


def read_thumbnail(recording: Recording, person: Person, clock: Clock) -> bytes:
    """Return the still of a recording, JPEG; raises NotPermitted, NotDerived. A restricted one shows none in lists."""
    require(person, "see", recording)
    if recording.restricted or recording.thumbnail_id is None:
        raise NotDerived(
            what=f"{recording.reference} shows no picture here.",
            remedy="It is restricted, or its picture has not been made yet.",
        )
    row = find_derived(recording, THUMBNAIL)
    return b"".join(read_derived(row, derived_key_of(recording)))


def read_release(stored_object: StoredObject, clock: Clock) -> bytes:
    """Return a release copy in the clear. The caller has checked who asks and logged RELEASE or VIEW for it."""
    return b"".join(release_chunks(stored_object))


def release_chunks(stored_object: StoredObject) -> Iterator[bytes]:
    """Yield a release copy in the clear, a MiB at a time; the same conditions as `read_release`."""
    if stored_object.kind != ObjectKind.RELEASE or stored_object.recording is None:
        raise NotDerived(what="This is not a release copy.", remedy="Make the release anew.")
    return read_derived(stored_object, derived_key_of(stored_object.recording))


def keep_bundle(recording: Recording, name: str, chunks: Iterator[bytes]) -> StoredObject:
    """Keep a bundle, which was made through `open_for_job`, sealed until it is fetched; raises NotStored."""
    return put_derived(recording, derived_key_of(recording), ObjectKind.DERIVED, name, chunks)


def bundle_chunks(stored_object: StoredObject) -> Iterator[bytes]:
    """Yield a bundle in the clear, a MiB at a time, also when the object is removed as soon as this has returned.

    The caller has judged who asks and logged that it leaves.
    """
    recording = stored_object.recording
    if recording is None:
        raise NotDerived(what="This bundle is gone.", remedy="Ask for it again.")
    sealed, key = vault_store().opened(stored_object.key), derived_key_of(recording)
    return open_chunks(sealed, key=key, rec_id=recording.rec_id, kind=stored_object.kind, name=stored_object.name)


def _check_stored(recording: Recording) -> None:
    if recording.state not in (State.STORED, State.DELETING):
        raise NotStored(
            what=f"{recording.reference} cannot be opened: {State(recording.state).label.lower()}.",
            remedy="Wait until it has been uploaded whole; what was deleted has a certificate instead.",
        )
