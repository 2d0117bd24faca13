"""The demo's judge of the custody log agrees with the log where it is true, and only there."""

import base64

import pytest

from openbwv.demo.publiclog import note_is_signed, root_of, size_and_root
from tests.custody.conftest import Force

SIZES = (1, 2, 3, 71, 255, 256, 257, 300, 513)


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_the_one_the_checkpoint_signs(size):
    force = Force()
    force.grown(size)
    note = force.storage.read("checkpoint").decode()
    assert size_and_root(note)[0] == size
    assert root_of(lambda address: force.storage.read(address.removeprefix("/log/")), size) == size_and_root(note)[1]


def test_one_changed_hash_gives_another_root():
    force = Force()
    force.grown(71)

    def fetch(address):
        tile = bytearray(force.storage.read(address.removeprefix("/log/")))
        tile[40] ^= 1
        return bytes(tile)

    assert root_of(fetch, 71) != size_and_root(force.storage.read("checkpoint").decode())[1]


def test_only_the_named_key_s_signature_over_this_very_text_counts():
    force = Force()
    force.grown(3)
    note = force.storage.read("checkpoint").decode()
    assert note_is_signed(note, force.vkey)
    assert not note_is_signed(note.replace("\n3\n", "\n4\n"), force.vkey)
    assert not note_is_signed(note.replace(force.name, "other.example/log"), force.vkey)
    assert not note_is_signed(note.partition("\n\n")[0], force.vkey)
    name, hash_, key = force.vkey.split("+", 2)
    other = bytearray(base64.b64decode(key))
    other[5] ^= 1
    assert not note_is_signed(note, f"{name}+{hash_}+{base64.b64encode(other).decode()}")
