"""Is every stored byte there, the signed one, and known? Is nothing left of what was erased?"""

import time
from collections.abc import Iterator

from openbwv.recording import BwvError, FragmentInfo, ManifestReader, PartChecker
from openbwv.server.checking.result import Context, Disagreement
from openbwv.server.evidence.models import Recording, State
from openbwv.server.vault.errors import VaultAway
from openbwv.server.vault.media_map import held_fragments, manifest_runs
from openbwv.server.vault.models import KeyWrap, ObjectKind, Part, PendingKey, StoredObject, leaving_objects
from openbwv.server.vault.store import Store, vault_store

YOUNG_S = 600
FROM_BACKUP = "Bring the file back from a backup and keep the bad one; until then the recording cannot be shown whole."
ERASE_AGAIN = "Run `./bwv retention --execute`; it finishes what was begun."


def walk_vault(context: Context) -> Iterator[Disagreement]:
    """Compare objects with files, then each recording's entries and fragments with what the camera signed."""
    store = vault_store()
    try:
        store.require()
    except VaultAway as problem:
        yield Disagreement(problem.code, "vault", problem.what, problem.remedy)
        return
    seen = set(leaving_objects().values_list("pk", flat=True))
    yield from _objects(store, context)
    for recording in Recording.objects.exclude(state=State.ERASED).order_by("pk").iterator(chunk_size=200):
        context.looked_at["recordings"] += 1
        yield from _recording(recording, context)
    for recording in Recording.objects.filter(state=State.ERASED).iterator(chunk_size=200):
        context.looked_at["erased recordings searched"] += 1
        yield from _erased(recording)
    yield from _leaving(seen)


def _leaving(seen: set[int]) -> Iterator[Disagreement]:
    """Report files of erased recordings that were there when the walk began and are there still."""
    for row in leaving_objects().filter(pk__in=seen):
        what = "its recording was erased, but the removal of this file was cut off"
        yield Disagreement("erased-remains", f"vault object {row.key}", what, ERASE_AGAIN)


def _objects(store: Store, context: Context) -> Iterator[Disagreement]:
    known: set[str] = set()
    for row in StoredObject.objects.order_by("pk").iterator(chunk_size=1000):
        known.add(row.key)
        context.looked_at["objects"] += 1
        where = f"vault object {row.key}"
        if row.recording_id is None and row.kind != ObjectKind.JOURNAL:
            continue  # on its way out: `_leaving` looks again when everything else has been looked at
        try:
            length = store.path(row.key).stat().st_size
        except OSError as problem:
            what = f"the {row.kind} object cannot be read: {problem.strerror}"
            yield Disagreement("object-missing", where, what, FROM_BACKUP)
            continue
        if length != row.length:
            what = f"the {row.kind} object has {length} bytes, the database says {row.length}"
            yield Disagreement("object-length", where, what, FROM_BACKUP)
    oldest = time.time() - YOUNG_S  # the system's clock, as file times are: what is younger may be an upload in hand
    for key in store.keys():  # noqa: SIM118  a Store is no dict
        if key not in known and store.path(key).stat().st_mtime < oldest:
            if StoredObject.objects.filter(key=key).exists():
                continue
            what = "no row of the database says what this file is; it may be left over from a crash"
            yield Disagreement(
                "object-unknown", f"vault object {key}", what, "Compare it with a backup, then remove it."
            )


def _recording(recording: Recording, context: Context) -> Iterator[Disagreement]:
    try:
        reader, fragments = _read_entries(recording)
        if (reader.next_seq, reader.tail) != (recording.next_seq, bytes(recording.tail)):
            recording.refresh_from_db()  # more may have arrived between reading the row and reading the entries
            reader, fragments = _read_entries(recording)
    except BwvError as problem:
        what = f"its signed entries do not hold: {problem.what}"
        yield Disagreement("manifest-broken", recording.reference, what, FROM_BACKUP)
        return
    if (reader.next_seq, reader.tail) != (recording.next_seq, bytes(recording.tail)):
        what = f"its entries end at number {reader.next_seq}, the database says {recording.next_seq}, or another tail"
        yield Disagreement("manifest-mismatch", recording.reference, what, FROM_BACKUP)
    if recording.state == State.STORED:
        held = held_fragments(recording)
        missing = [info.seq for info in fragments if info.seq not in held]
        if missing:
            what = f"{len(missing)} of its {len(fragments)} parts are not here, first number {missing[0]}"
            yield Disagreement("fragment-missing", recording.reference, what, FROM_BACKUP)
    if context.media:
        yield from _media(recording, {info.seq: info for info in fragments}, context)


def _read_entries(recording: Recording) -> tuple[ManifestReader, list[FragmentInfo]]:
    """Return a reader that has checked all stored entries, and the fragments they sign; raises BwvError."""
    reader = ManifestReader()
    fragments: list[FragmentInfo] = []
    for run in manifest_runs(recording):
        fragments += [entry.fragment for entry in reader.feed(run) if entry.fragment is not None]
    reader.finish()
    return reader, fragments


def _media(recording: Recording, signed: dict[int, FragmentInfo], context: Context) -> Iterator[Disagreement]:
    store = vault_store()
    for part in Part.objects.filter(recording=recording).select_related("object").order_by("first_seq"):
        where = f"{recording.reference}, vault object {part.object.key}"
        for seq, offset, length in part.offsets:
            info = signed.get(seq)
            if info is None:
                yield Disagreement("fragment-unsigned", where, f"no entry signs part {seq}", FROM_BACKUP)
                continue
            context.looked_at["parts hashed"] += 1
            checker = PartChecker([info])
            try:
                for chunk in store.chunks(part.object.key, offset=offset, length=length):
                    checker.feed(chunk)
                checker.finish()
            except BwvError as problem:
                yield Disagreement("fragment-mismatch", where, f"part {seq}: {problem.what}", FROM_BACKUP)


def _erased(recording: Recording) -> Iterator[Disagreement]:
    left = {
        "key": KeyWrap.objects.filter(recording=recording).count(),
        "wrapped key": PendingKey.objects.filter(recording=recording).count(),
        "object": StoredObject.objects.filter(recording=recording).count(),
    }
    for name, count in left.items():
        if count:
            what = f"it was erased, but {count} {name} of it is still here"
            yield Disagreement("erased-remains", recording.reference, what, ERASE_AGAIN)
