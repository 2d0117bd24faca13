"""A stored recording with real signed entries and sealed parts in the vault."""

import secrets
import uuid

import pytest

from openbwv import recording as r
from openbwv.server.checking import run_check
from openbwv.server.vault.models import KeyWrap, ManifestPart, ObjectKind, Part, StoredObject
from openbwv.server.vault.store import vault_store
from tests.recording.factory import Agency
from tests.server import cast
from tests.server.log_fixture import running_log  # noqa: F401  a fixture


@pytest.fixture
def codes(clock):
    """Return a function that checks the rooms named and gives the codes it found, in order."""

    def look(*only, media=True):
        return [each.code for each in run_check(clock=clock, only=only, media=media).disagreements]

    return look


@pytest.fixture
def camera():
    return Agency().camera()


@pytest.fixture
def stored(db, force_files, avery, camera):
    """Return a function that stores a recording of `seconds` parts, as the door would have."""

    def store(number=1, seconds=5, **facts):
        made = camera.record(seconds)
        vault = vault_store()
        entries = r.ManifestReader().feed(made.manifest)
        row = cast.recording(
            officer=avery,
            number=number,
            id=uuid.UUID(bytes=made.rec_id),
            next_seq=len(made.entries),
            tail=made.tail,
            fragments=len(made.media),
            **facts,
        )

        def keep(data, kind):
            return StoredObject.objects.create(key=vault.put(data), kind=kind, length=len(data), recording=row)

        half = len(made.entries) // 2
        for first, run in ((0, made.entries[:half]), (half, made.entries[half:])):
            ManifestPart.objects.create(
                recording=row,
                first_seq=first,
                last_seq=first + len(run) - 1,
                object=keep(b"".join(run), ObjectKind.MANIFEST),
            )
        infos = [entry.fragment for entry in entries if entry.fragment]
        for group in (slice(0, 3), slice(3, None)):
            offsets, at = [], 0
            for info in infos[group]:
                offsets.append([info.seq, at, info.n])
                at += info.n
            Part.objects.create(
                recording=row,
                first_seq=offsets[0][0],
                last_seq=offsets[-1][0],
                length=at,
                object=keep(b"".join(made.media[group]), ObjectKind.MEDIA),
                offsets=offsets,
            )
        KeyWrap.objects.create(
            recording=row, kek_id="kek-1", blob=secrets.token_bytes(60), derived_blob=secrets.token_bytes(60)
        )
        return row

    return store
