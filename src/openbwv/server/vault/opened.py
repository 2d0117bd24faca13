"""A recording whose key was released to a job or a viewing: its fragments in the clear, in memory, for a while.

Only `door` and `viewing` make one, after their event is in the log. Plaintext never touches a disk here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction

from openbwv.recording import FragmentInfo, commit_key, derived_key, media_key, open_sealed
from openbwv.recording.seal import MEDIA
from openbwv.server.evidence.models import Recording, State
from openbwv.server.vault.errors import NotDerived, NotStored
from openbwv.server.vault.media_map import FragmentTable, HeldFragment, fragment_table, held_fragments, manifest_runs
from openbwv.server.vault.models import ObjectKind, StoredObject
from openbwv.server.vault.sealed_object import open_chunks, seal_chunks
from openbwv.server.vault.store import vault_store


@dataclass(frozen=True)
class Keys:
    """What opens one recording's fragments and checks them. The recording's own key is not kept."""

    media: bytes
    commit: bytes
    derived: bytes

    @classmethod
    def of(cls, dek: bytes, rec_id: bytes) -> "Keys":
        """Derive them from the recording's key."""
        return cls(media_key(dek, rec_id), commit_key(dek, rec_id), derived_key(dek, rec_id))


class SealedRecording:
    """What can be read of a recording without its key."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.table: FragmentTable = fragment_table(recording)
        self._held: dict[int, HeldFragment] = held_fragments(recording)
        self._store = vault_store()

    def manifest_bytes(self) -> Iterator[bytes]:
        """Yield the signed entries as they came."""
        return manifest_runs(self.recording)

    def sealed_fragments(self) -> Iterator[tuple[int, bytes]]:
        """Yield (entry number, ciphertext) of every fragment, in order; raises NotStored, ObjectMissing."""
        for info in self.table.fragments:
            yield info.seq, self.sealed_fragment(info)

    def sealed_fragment(self, info: FragmentInfo) -> bytes:
        """Return the ciphertext of one fragment; raises NotStored while it is not here."""
        held = self._held.get(info.seq)
        if held is None:
            raise NotStored(
                what=f"Fragment {info.seq} of {self.recording.reference} is not here.",
                remedy="It is still on the camera or on its way; try again when it has been docked.",
            )
        return self._store.read(held.key, offset=held.offset, length=held.length)

    def has(self, seq: int) -> bool:
        """Say whether a fragment's bytes are here."""
        return seq in self._held

    def orphan_bytes(self) -> Iterator[bytes] | None:
        """Return what recovery set aside on the camera, in pieces: not evidence; None when there is none."""
        rows = list(StoredObject.objects.filter(recording=self.recording, kind=ObjectKind.ORPHAN).order_by("id"))
        return (chunk for row in rows for chunk in vault_store().chunks(row.key, length=row.length)) if rows else None


class OpenedRecording(SealedRecording):
    """A recording in the clear."""

    def __init__(self, recording: Recording, keys: Keys) -> None:
        super().__init__(recording)
        self._keys = keys

    @property
    def commit_key(self) -> bytes:
        """The key that compares decrypted footage with the camera's signature, and opens nothing."""
        return self._keys.commit

    def fragments(self) -> Iterator[tuple[int, bytes]]:
        """Yield (entry number, plaintext) of every fragment, the init unit first, in order."""
        for info in self.table.fragments:
            yield info.seq, self.fragment(info)

    def fragment(self, info: FragmentInfo) -> bytes:
        """Return one fragment in the clear; raises NotStored, ObjectMissing, SealError."""
        return open_sealed(self._keys.media, self.recording.rec_id, info.seq, MEDIA, self.sealed_fragment(info))

    def put_derived(self, kind: str, name: str, data: bytes | Iterable[bytes]) -> StoredObject:
        """Keep something made from the recording, sealed under a key that dies with it; replaces one of that name."""
        return put_derived(self.recording, self._keys.derived, kind, name, data)

    def get_derived(self, name: str) -> bytes:
        """Return what `put_derived` kept under `name`; raises NotDerived."""
        return b"".join(read_derived(find_derived(self.recording, name), self._keys.derived))


def put_derived(recording: Recording, key: bytes, kind: str, name: str, data: bytes | Iterable[bytes]) -> StoredObject:
    """Seal `data` under the derived key and keep it durably; an object of the same kind and name is replaced.

    Raises NotStored, and keeps nothing, when the recording's erasing has begun meanwhile.
    """
    pieces = [data] if isinstance(data, bytes) else data
    store = vault_store()
    object_key, file = store.new()
    with file:
        for chunk in seal_chunks(pieces, key=key, rec_id=recording.rec_id, kind=kind, name=name):
            file.write(chunk)
        file.commit()
    with transaction.atomic():
        if Recording.objects.select_for_update(of=("self",)).get(pk=recording.pk).state != State.STORED:
            store.remove(object_key)
            raise NotStored(
                what=f"{recording.reference} is being deleted; nothing made from it is kept any more.",
                remedy="It has a certificate instead.",
            )
        old = list(StoredObject.objects.filter(recording=recording, kind=kind, name=name))
        for row in old:
            row.delete()
        made = StoredObject.objects.create(
            key=object_key, kind=kind, name=name, length=file.length, recording=recording
        )
        transaction.on_commit(lambda: [store.remove(row.key) for row in old])
    return made


def find_derived(recording: Recording, name: str) -> StoredObject:
    """Return the row of something made from a recording; raises NotDerived."""
    row = StoredObject.objects.filter(recording=recording, kind=ObjectKind.DERIVED, name=name).first()
    if row is None:
        raise NotDerived(
            what=f"There is no {name} of {recording.reference} yet.", remedy="It is made a little after the upload."
        )
    return row


def read_derived(row: StoredObject, key: bytes) -> Iterator[bytes]:
    """Yield the plaintext of a derived object; raises SealBroken, ObjectMissing."""
    sealed = vault_store().chunks(row.key, length=row.length)
    return open_chunks(sealed, key=key, rec_id=row.recording.rec_id, kind=row.kind, name=row.name)
