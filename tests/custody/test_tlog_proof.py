"""The proof that is handed out holds offline, for one entry of one log, and every byte of it counts."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from scitt_cose import merkle

from openbwv.custody import CustodyError, NoteRejected, ProofRejected, check_tlog_proof, parse_tlog_proof
from tests.custody.conftest import Force, entries


@pytest.fixture
def proof(force: Force) -> bytes:
    return force.grown(300).tlog_proof(258)


def test_it_is_the_text_of_the_specification(force, proof):
    lines = proof.decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1] == "index 258"
    empty = lines.index("")
    assert all(len(base64.b64decode(line)) == 32 for line in lines[2:empty])
    assert "\n".join(lines[empty + 1 :]) == force.place.note


def test_it_holds_for_its_entry_and_for_no_other(force, proof):
    assert check_tlog_proof(proof, b"entry 258", force.vkey).size == 300
    for other in (b"entry 257", b"entry 25", b"entry 2588", b""):
        with pytest.raises(ProofRejected):
            check_tlog_proof(proof, other, force.vkey)


def test_scitt_cose_reads_its_hashes_the_same(proof):
    parsed = parse_tlog_proof(proof)
    every = [entry.hex() for entry in entries(300)]
    path = [step.hex() for step in parsed.hashes]
    assert path == merkle.inclusion_proof(every, 258)
    assert merkle.verify_inclusion(every[258], 258, 300, path, merkle.merkle_root(every))


def test_every_byte_counts(force, proof):
    for place in range(len(proof)):
        changed = proof[:place] + bytes([proof[place] ^ 1]) + proof[place + 1 :]
        with pytest.raises(CustodyError):
            check_tlog_proof(changed, b"entry 258", force.vkey)


def test_cut_anywhere_it_is_rejected(force, proof):
    for end in range(len(proof)):
        with pytest.raises(CustodyError):
            check_tlog_proof(proof[:end], b"entry 258", force.vkey)


def test_a_proof_of_another_log_is_rejected(force, proof):
    other = Force(key=Ed25519PrivateKey.generate())
    theirs = other.grown(300).tlog_proof(258)
    assert check_tlog_proof(theirs, b"entry 258", other.vkey)
    with pytest.raises(NoteRejected):
        check_tlog_proof(theirs, b"entry 258", force.vkey)


def test_extra_data_is_carried_and_proves_nothing(force, proof):
    header, rest = proof.split(b"\n", 1)
    with_extra = header + b"\nextra " + base64.b64encode(b"anything") + b"\n" + rest
    assert parse_tlog_proof(with_extra).extra == b"anything"
    assert check_tlog_proof(with_extra, b"entry 258", force.vkey).size == 300


def test_the_only_entry_of_a_log_has_a_proof_without_hashes(force):
    proof = force.grown(1).tlog_proof(0)
    assert parse_tlog_proof(proof).hashes == ()
    assert check_tlog_proof(proof, b"entry 0", force.vkey).size == 1


def test_there_is_no_proof_of_an_entry_that_is_not_there_yet(force):
    log = force.grown(3)
    with pytest.raises(ProofRejected):
        log.tlog_proof(3)


@pytest.mark.parametrize("text", [b"", b"c2sp.org/tlog-proof@v1\n\n", b"\xff", b"x" * 300_000])
def test_what_is_no_proof_is_rejected(force, text):
    with pytest.raises(CustodyError):
        check_tlog_proof(text, b"entry", force.vkey)
