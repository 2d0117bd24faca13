"""Go's golang.org/x/mod, the code behind Go's checksum database, judges our log.

Used: note.Open, CheckRecord, CheckTree on explicit proofs, each beside a tampered twin that it must refuse. Never
TileHashReader: before x/mod 0.40.0 it accepted a tampered tile (CVE-2026-56865).
"""

import base64
import json
import subprocess
from pathlib import Path

import pytest

from openbwv.custody import (
    NoteRejected,
    ProofRejected,
    leaf_hash,
    open_note,
    parse_tlog_proof,
    verify_consistency,
    verify_inclusion,
)
from tests.custody.conftest import Force, entries
from tests.thirdparty.golang import build

SOURCE = Path(__file__).parent / "go" / "checklog"
GOPATH = Path("/usr/share/gocode")
MODULE = GOPATH / "src" / "golang.org" / "x" / "mod" / "sumdb" / "tlog"
SIZE = 70_007
INDICES = [0, 1, 255, 256, 257, 65_535, 65_536, 69_999, 70_006]
OLDS = [1, 255, 256, 1000, 65_536, 60_001, 70_006, 70_007]


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Return a function that puts a question to the Go program."""
    program = build(SOURCE, tmp_path_factory.mktemp("go"), gopath=GOPATH, needs=MODULE)

    def put(**question):
        done = subprocess.run(
            [program], check=False, input=json.dumps(question).encode(), capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return put


@pytest.fixture(scope="module")
def force():
    force = Force()
    force.log = force.grown(SIZE)
    return force


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def record(force, index, **changes):
    root = changes.pop("root", force.log.root)
    entry = changes.pop("entry", entries(SIZE)[index])
    proof = changes.pop("proof", force.log.inclusion_proof(index, SIZE))
    return {
        "Index": index,
        "Size": SIZE,
        "Root": b64(root),
        "Entry": b64(entry),
        "Proof": [b64(step) for step in proof],
    }


def tree(force, old, **changes):
    old_root = changes.pop("old_root", force.log.root_at(old, SIZE))
    proof = changes.pop("proof", force.log.consistency_proof(old, SIZE))
    return {
        "Old": old,
        "New": SIZE,
        "OldRoot": b64(old_root),
        "NewRoot": b64(force.log.root),
        "Proof": [b64(step) for step in proof],
    }


def test_note_open_accepts_our_checkpoint_and_refuses_a_changed_one(ask, force):
    note = force.place.note
    changed = [
        note.replace(f"\n{SIZE}\n", f"\n{SIZE - 1}\n"),
        note.replace("force.example", "forge.example"),
        note[:-9],
    ]
    answer = ask(VKey=force.vkey, Notes=[note, *changed])
    assert answer["Notes"][0] == ""
    assert answer["Texts"][0] == "\n".join(note.split("\n")[:3]) + "\n"
    assert all(answer["Notes"][1:])


def test_check_record_accepts_our_inclusion_proofs_and_refuses_tampered_ones(ask, force):
    good = [record(force, index) for index in INDICES]
    bad = [record(force, index, entry=b"another entry") for index in INDICES]
    bad += [record(force, index, root=bytes(32)) for index in INDICES]
    for index in INDICES:
        proof = force.log.inclusion_proof(index, SIZE)
        bad.append(record(force, index, proof=[bytes(32), *proof[1:]]))
        bad.append(record(force, index, proof=proof[:-1]))
    answer = ask(Records=good + bad)["Records"]
    assert answer[: len(good)] == [""] * len(good)
    assert all(answer[len(good) :])


def test_check_tree_accepts_our_consistency_proofs_and_refuses_tampered_ones(ask, force):
    good = [tree(force, old) for old in OLDS]
    bad = [tree(force, old, old_root=bytes(32)) for old in OLDS]
    for old in OLDS[:-1]:
        proof = force.log.consistency_proof(old, SIZE)
        bad.append(tree(force, old, proof=[bytes(32), *proof[1:]]))
        bad.append(tree(force, old, proof=proof[:-1]))
    answer = ask(Trees=good + bad)["Trees"]
    assert answer[: len(good)] == [""] * len(good)
    assert all(answer[len(good) :])


def test_the_hashes_of_a_handed_out_proof_are_what_go_checks(ask, force):
    records = []
    for index in INDICES:
        proof = parse_tlog_proof(force.log.tlog_proof(index))
        checkpoint = open_note(proof.note, force.vkey)
        records.append(record(force, proof.index, proof=proof.hashes, root=checkpoint.root))
    assert ask(Records=records)["Records"] == [""] * len(INDICES)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 1000, 1537])
def test_go_makes_the_same_root_and_the_same_proofs_byte_for_byte(ask, size):
    force = Force()
    log = force.grown(size)
    indices = sorted({0, size // 2, size - 1})
    answer = ask(Entries=[b64(entry) for entry in entries(size)], Indices=indices, Olds=[*indices[1:], size])
    assert base64.b64decode(answer["Root"]) == log.root
    for index, theirs in zip(indices, answer["Inclusion"] or [], strict=True):
        proof = [base64.b64decode(step) for step in theirs]
        assert proof == log.inclusion_proof(index, size)
        leaf = leaf_hash(entries(size)[index])
        verify_inclusion(leaf=leaf, index=index, size=size, proof=proof, root=log.root)
        with pytest.raises(ProofRejected):
            verify_inclusion(leaf=bytes(32), index=index, size=size, proof=proof, root=log.root)
    for old, theirs in zip([*indices[1:], size], answer["Consistency"] or [], strict=True):
        proof = [base64.b64decode(step) for step in theirs]
        assert proof == log.consistency_proof(old, size)
        roots = {"old_root": log.root_at(old, size), "new_root": log.root}
        verify_consistency(old=old, new=size, proof=proof, **roots)
        with pytest.raises(ProofRejected):
            verify_consistency(old=old, new=size, proof=[*proof, bytes(32)], **roots)


def test_we_open_a_note_that_go_signed_and_refuse_it_changed(ask, force):
    text = "go.example/log\n7\n" + b64(force.log.root) + "\n"
    answer = ask(Name="go.example/log", Text=text)
    assert open_note(answer["Note"], answer["VKey"]).root == force.log.root
    with pytest.raises(NoteRejected):
        open_note(answer["Note"].replace("\n7\n", "\n8\n"), answer["VKey"])


def test_the_go_program_never_uses_the_tile_reader_that_was_broken():
    code = [line for line in (SOURCE / "main.go").read_text().splitlines() if not line.startswith("//")]
    assert not [line for line in code if "TileHashReader" in line]
