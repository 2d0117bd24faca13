"""Does every recording that is kept have its key, under a key that still exists, and is the key service ours?"""

from collections.abc import Iterator

from openbwv.recording.errors import BwvError
from openbwv.server.checking.result import Context, Disagreement
from openbwv.server.evidence.models import Recording, State
from openbwv.server.trail import log
from openbwv.server.vault.keys import key_client
from openbwv.server.vault.models import KeyWrap, Rotation, RotationState

NO_KEY = (
    "Without its key it cannot be shown: dock the camera again if it still holds the recording, or restore a backup."
)


def walk_keys(context: Context) -> Iterator[Disagreement]:
    """Compare recordings with the key table, and the key table with the key service."""
    kept = Recording.objects.filter(state=State.STORED)
    for recording in kept.filter(key_wrap=None, pending_key=None):
        yield Disagreement("key-missing", recording.reference, "it is stored but has no key", NO_KEY)
    context.looked_at["keys"] += KeyWrap.objects.count()
    try:
        public = key_client().public()
        ours = log.vkey()
    except BwvError as problem:
        yield Disagreement("key-service-silent", "keyd", problem.what, problem.remedy)
        return
    if public["vkey"] != ours:
        what = "the key service signs another log than STATE/log.vkey names"
        yield Disagreement("log-key-mismatch", "keyd", what, "Start the key service with this force's keyring.")
    changing = Rotation.objects.filter(state=RotationState.WRAPPING)
    allowed = {str(public["kek_id"]), *changing.values_list("old_kek_id", flat=True)}
    allowed |= set(changing.values_list("new_kek_id", flat=True))
    stale = KeyWrap.objects.exclude(kek_id__in=allowed)
    for wrap in stale.select_related("recording"):
        what = f"its key is under {wrap.kek_id}, which is not the current retention key"
        yield Disagreement("key-stale", wrap.recording.reference, what, NO_KEY)
