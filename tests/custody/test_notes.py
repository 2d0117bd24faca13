"""A checkpoint is believed for the log's signature alone."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openbwv.custody import Checkpoint, NoteRejected, make_vkey, open_note, parse_vkey, sign_checkpoint, unverified_size
from openbwv.custody.notes import NOTE_LIMIT_BYTES
from tests.custody.conftest import ORIGIN, Force

STATE = Checkpoint(ORIGIN, 7, bytes(range(32)))


@pytest.fixture
def note(force: Force) -> str:
    return sign_checkpoint(STATE, sign=force.key.sign, vkey=force.vkey)


def test_a_checkpoint_is_the_lines_of_the_specification(note):
    lines = note.split("\n")
    assert lines[:4] == [ORIGIN, "7", base64.b64encode(STATE.root).decode(), ""]
    assert lines[4].startswith(f"\u2014 {ORIGIN} ")
    assert lines[5:] == [""]


def test_what_was_signed_is_read_back(force, note):
    assert open_note(note, force.vkey) == STATE
    assert open_note(note.encode(), force.vkey) == STATE
    assert unverified_size(note) == 7


def test_every_byte_of_the_note_counts(force, note):
    data = note.encode()
    for place in range(len(data)):
        for flip in (0x01, 0x80):
            changed = data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]
            with pytest.raises(NoteRejected):
                open_note(changed, force.vkey)


def test_a_note_cut_anywhere_is_rejected(force, note):
    data = note.encode()
    for end in range(len(data)):
        with pytest.raises(NoteRejected):
            open_note(data[:end], force.vkey)


def test_lines_under_other_keys_are_carried_and_ignored(force, note):
    witness = Ed25519PrivateKey.generate()
    line = base64.b64encode(b"\1\2\3\4" + witness.sign(b"x")).decode()
    assert open_note(f"{note}\u2014 witness.example {line}\n", force.vkey) == STATE
    with pytest.raises(NoteRejected):  # a malformed line spoils the note
        open_note(f"{note}\u2014 witness.example !!\n", force.vkey)


def test_another_log_s_key_opens_nothing(force, note):
    other = Force(key=Ed25519PrivateKey.generate())
    with pytest.raises(NoteRejected, match="not signed by the key"):
        open_note(note, other.vkey)
    renamed = Force(name="other.example/log")
    with pytest.raises(NoteRejected):
        open_note(note, renamed.vkey)


def test_the_log_s_key_under_a_checkpoint_of_another_name_is_rejected(force):
    text = Checkpoint("other.example/log", 7, STATE.root).text()
    key = parse_vkey(force.vkey)
    signature = base64.b64encode(key.key_id + force.key.sign(text.encode())).decode()
    with pytest.raises(NoteRejected, match=r"other\.example"):
        open_note(f"{text}\n\u2014 {ORIGIN} {signature}\n", force.vkey)


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n07\n{base64.b64encode(STATE.root).decode()}\n",
        f"{ORIGIN}\n-7\n{base64.b64encode(STATE.root).decode()}\n",
        f"{ORIGIN}\n99999999999999999999\n{base64.b64encode(STATE.root).decode()}\n",
        f"{ORIGIN}\n9999999999999999999\n{base64.b64encode(STATE.root).decode()}\n",
        f"{ORIGIN}\n7\n{base64.b64encode(STATE.root[:31]).decode()}\n",
        f"{ORIGIN}\n7\nnot base64\n",
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n\n7\n{base64.b64encode(STATE.root).decode()}\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_rejected(force, text):
    key = parse_vkey(force.vkey)
    signature = base64.b64encode(key.key_id + force.key.sign(text.encode())).decode()
    with pytest.raises(NoteRejected):
        open_note(f"{text}\n\u2014 {ORIGIN} {signature}\n", force.vkey)


def test_lines_of_later_extensions_are_allowed_when_signed(force):
    text = STATE.text() + "an extension of the future\n"
    key = parse_vkey(force.vkey)
    signature = base64.b64encode(key.key_id + force.key.sign(text.encode())).decode()
    assert open_note(f"{text}\n\u2014 {ORIGIN} {signature}\n", force.vkey) == STATE


@pytest.mark.parametrize(
    "note", [b"\xff\xfe", "a\rb\n\n\u2014 x y\n", "a" * (NOTE_LIMIT_BYTES + 1), "", "\n\n\n", "\ud800"]
)
def test_what_is_no_note_at_all_is_rejected(force, note):
    with pytest.raises(NoteRejected):
        open_note(note, force.vkey)


def test_the_writer_checks_what_it_was_given_to_publish(force):
    with pytest.raises(NoteRejected):
        sign_checkpoint(STATE, sign=lambda _: bytes(64), vkey=force.vkey)
    with pytest.raises(NoteRejected):
        sign_checkpoint(Checkpoint("another", 1, bytes(32)), sign=force.key.sign, vkey=force.vkey)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "tab\tin", "nl\n"])
def test_a_log_needs_a_name_that_a_note_can_carry(name):
    with pytest.raises(NoteRejected):
        make_vkey(name, bytes(32))


@pytest.mark.parametrize("vkey", ["", "a+b", "a+00000000+AAAA", "force.example/log+00000000+AQ=="])
def test_a_malformed_verifier_key_is_refused(vkey):
    with pytest.raises(NoteRejected):
        parse_vkey(vkey)


def test_a_verifier_key_of_another_algorithm_is_refused(force):
    name, number, key = force.vkey.split("+", 2)
    other = base64.b64encode(b"\x04" + base64.b64decode(key)[1:]).decode()
    with pytest.raises(NoteRejected):
        parse_vkey(f"{name}+{number}+{other}")
    with pytest.raises(NoteRejected):
        make_vkey(name, bytes(31))
