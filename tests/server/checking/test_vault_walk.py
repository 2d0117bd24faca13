"""Every stored byte is there, signed and known; nothing is left of what was erased."""

import os
import time

import pytest

from openbwv.server.checking import run_check
from openbwv.server.evidence.models import Recording
from openbwv.server.vault.models import KeyWrap, ManifestPart, Part, StoredObject
from openbwv.server.vault.store import vault_store


def flip(row, place=10):
    path = vault_store().path(row.key)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_what_was_stored_well_agrees(stored, clock, codes):
    stored(1)
    stored(2)
    assert codes("vault") == []
    looked_at = run_check(clock=clock, only=["vault"]).looked_at
    assert looked_at == {"objects": 8, "recordings": 2, "parts hashed": 12}


def test_a_changed_byte_of_footage_is_found_only_by_hashing_and_that_is_said(stored, codes, clock):
    row = stored()
    flip(Part.objects.filter(recording=row).first().object)
    assert codes("vault") == ["fragment-mismatch"]
    assert codes("vault", media=False) == []
    assert "hashing of stored footage" in run_check(clock=clock, only=["vault"], media=False).left_out


def test_a_changed_byte_of_the_entries_is_found(stored, codes):
    row = stored()
    flip(ManifestPart.objects.filter(recording=row).last().object, place=40)
    assert codes("vault") == ["manifest-broken"]


def test_a_missing_file_is_found(stored, codes):
    row = stored()
    vault_store().path(Part.objects.filter(recording=row).last().object.key).unlink()
    assert codes("vault") == ["object-missing"] + ["fragment-mismatch"] * 3
    vault_store().path(ManifestPart.objects.filter(recording=row).first().object.key).unlink()
    assert codes("vault") == ["object-missing", "object-missing", "manifest-broken"]


def test_a_file_of_another_length_is_found(stored, codes):
    row = stored()
    path = vault_store().path(Part.objects.filter(recording=row).first().object.key)
    path.write_bytes(path.read_bytes() + b"more")
    assert codes("vault") == ["object-length"]


def test_parts_that_are_not_here_are_found(stored, codes):
    row = stored()
    Part.objects.filter(recording=row).last().delete()
    assert codes("vault") == ["fragment-missing"]


def test_a_recording_whose_row_names_another_end_is_found(stored, codes):
    row = stored()
    Recording.objects.filter(pk=row.pk).update(next_seq=row.next_seq - 1)
    assert codes("vault") == ["manifest-mismatch"]
    Recording.objects.filter(pk=row.pk).update(next_seq=row.next_seq, tail=bytes(32))
    assert codes("vault") == ["manifest-mismatch"]


def test_a_part_that_no_entry_signs_is_found(stored, codes):
    row = stored()
    part = Part.objects.filter(recording=row).first()
    part.offsets[0][0] = 999
    part.save()
    assert set(codes("vault")) == {"fragment-unsigned", "fragment-missing"}


@pytest.mark.parametrize(("age_s", "expected"), [(5, []), (3600, ["object-unknown"])])
def test_a_file_nobody_knows_is_found_once_it_is_no_upload_in_hand(stored, codes, age_s, expected):
    stored()
    key = vault_store().put(b"left over")
    moment = time.time() - age_s
    os.utime(vault_store().path(key), (moment, moment))
    assert codes("vault") == expected


def test_what_is_left_of_an_erased_recording_is_found(stored, codes):
    row = stored()
    Recording.objects.filter(pk=row.pk).update(state="erased")
    assert codes("vault") == ["erased-remains", "erased-remains"]
    KeyWrap.objects.filter(recording=row).delete()
    Part.objects.filter(recording=row).delete()
    ManifestPart.objects.filter(recording=row).delete()
    StoredObject.objects.filter(recording=row).delete()
    assert codes("vault") == []


def test_a_recording_without_a_key_is_found(stored, codes, state):
    row = stored()
    KeyWrap.objects.filter(recording=row).delete()
    assert codes("keys")[0] == "key-missing"


def test_a_key_service_that_does_not_answer_is_said(stored, codes):
    stored()
    assert codes("keys") == ["key-service-silent"]
