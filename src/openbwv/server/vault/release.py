"""Getting a recording's key from the key service: show it the leaf that says why, and keep nothing."""

from openbwv.server.evidence.models import Recording
from openbwv.server.trail.actions import event_map, wait_for_leaf
from openbwv.server.trail.models import Event
from openbwv.server.vault.errors import KeyMissing, NotStored
from openbwv.server.vault.keys import Shown, Wrap, key_client
from openbwv.server.vault.models import KeyWrap
from openbwv.server.vault.opened import Keys


def shown_of(event: Event, *, timeout_s: float = 2.0) -> Shown:
    """Return what proves `event` to the key service, waiting until the log has it; raises LogNotRunning.

    Call it outside the event's transaction.
    """
    proof = wait_for_leaf(event, timeout_s=timeout_s)
    return Shown(leaf=bytes(event.leaf), event=event_map(event), salt=bytes(event.salt), proof=proof)


def release_keys(recording: Recording, event: Event) -> Keys:
    """Return the keys of a recording for a VIEW or KEY_RELEASE event about it.

    Raises LogNotRunning, KeydUnavailable, ReleaseRefused, KeyDestroyed, KeyMissing, NotStored.
    """
    wrap = wrap_of(recording)
    dek = key_client().release(wrap, rec_id=recording.rec_id, shown=shown_of(event))
    return Keys.of(dek, recording.rec_id)


def derived_key_of(recording: Recording) -> bytes:
    """Return the key of what was made from a recording; it opens no footage."""
    return key_client().release_derived(wrap_of(recording), rec_id=recording.rec_id)


def wrap_of(recording: Recording) -> Wrap:
    """Return a recording's wrapped key; raises NotStored when it was deleted, KeyMissing while it is not wrapped."""
    row = KeyWrap.objects.filter(recording=recording).first()
    if row is not None:
        return Wrap(row.kek_id, bytes(row.blob), bytes(row.derived_blob))
    if recording.is_erased:
        raise NotStored(
            what=f"{recording.reference} was deleted.", remedy="Its certificate says what was destroyed and when."
        )
    raise KeyMissing(
        what=f"The key of {recording.reference} is not ready: not all of it is here, or it waits for the key service.",
        remedy="Try again in a moment; if it stays so, see whether ./bwv keyd and ./bwv worker run.",
    )
