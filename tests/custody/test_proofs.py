"""Our proofs are the same bytes as scitt-cose makes, and nothing but the true proof is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scitt_cose import merkle

from openbwv.custody import Edge, MemoryStorage, ProofRejected, leaf_hash, verify_consistency, verify_inclusion
from openbwv.custody.hashes import EMPTY_ROOT
from openbwv.custody.reader import LogReader
from tests.custody.conftest import Force, entries

SIZES = st.integers(1, 700)


def in_memory(size: int) -> tuple[LogReader, Edge]:
    """Return a reader of a log's tiles (no checkpoint is needed for these proofs) and its edge."""
    edge, files = Edge().extended(entries(size))
    storage = MemoryStorage({file.tile.path: file.data for file in files})
    return LogReader(storage, vkey=Force().vkey), edge


def hexed(size: int) -> list[str]:
    return [entry.hex() for entry in entries(size)]


@given(size=SIZES, data=st.data())
def test_roots_and_proofs_are_those_of_scitt_cose_byte_for_byte(size, data):
    reader, edge = in_memory(size)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    assert edge.root().hex() == merkle.merkle_root(hexed(size))
    assert [step.hex() for step in reader.inclusion_proof(index, size)] == merkle.inclusion_proof(hexed(size), index)
    ours = [step.hex() for step in reader.consistency_proof(old, size)]
    assert ours == merkle.consistency_proof(hexed(size), old, size)
    assert reader.root_at(old, size).hex() == merkle.merkle_root(hexed(old))


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025])
def test_every_index_at_the_sizes_where_tiles_begin_and_end(size):
    reader, edge = in_memory(size)
    for index in {0, 1, size // 2, size - 2, size - 1, 255, 256} & set(range(size)):
        path = reader.inclusion_proof(index, size)
        leaf = leaf_hash(entries(size)[index])
        verify_inclusion(leaf=leaf, index=index, size=size, proof=path, root=edge.root())
        assert merkle.verify_inclusion(hexed(size)[index], index, size, [s.hex() for s in path], edge.root().hex())


@given(size=st.integers(1, 400), data=st.data())
def test_an_inclusion_proof_with_anything_changed_is_refused(size, data):
    reader, edge = in_memory(size)
    index = data.draw(st.integers(0, size - 1))
    path = reader.inclusion_proof(index, size)
    good = {
        "leaf": leaf_hash(entries(size)[index]),
        "index": index,
        "size": size,
        "proof": path,
        "root": edge.root(),
    }
    verify_inclusion(**good)
    bad = [
        {"leaf": bytes(32)},
        {"root": bytes(32)},
        {"index": -1},
        {"index": size},
        {"proof": [*path, bytes(32)]},
        {"proof": [b"short", *path[1:]] if path else [b"short"]},
    ]
    if path:
        bad.append({"proof": path[:-1]})
        at = data.draw(st.integers(0, len(path) - 1))
        bad.append({"proof": [*path[:at], bytes(32), *path[at + 1 :]]})
    if size > 1:
        bad.append({"index": (index + 1) % size})
    for change in bad:
        with pytest.raises(ProofRejected):
            verify_inclusion(**{**good, **change})


@given(new=st.integers(1, 400), data=st.data())
def test_a_consistency_proof_with_anything_changed_is_refused(new, data):
    reader, edge = in_memory(new)
    old = data.draw(st.integers(0, new))
    path = reader.consistency_proof(old, new)
    good = {
        "old": old,
        "old_root": reader.root_at(old, new),
        "new": new,
        "new_root": edge.root(),
        "proof": path,
    }
    verify_consistency(**good)
    bad = [{"old_root": bytes(32)}, {"proof": [*path, bytes(32)]}, {"old": new + 1}]
    if old:
        bad.append({"new_root": bytes(32)})
    for at in range(len(path)):
        bad.append({"proof": [*path[:at], bytes(32), *path[at + 1 :]]})
        bad.append({"proof": path[:at] + path[at + 1 :]})
    for change in bad:
        with pytest.raises(ProofRejected):
            verify_consistency(**{**good, **change})


def test_a_proof_of_what_is_not_there_cannot_be_asked_for():
    reader, _ = in_memory(5)
    with pytest.raises(ProofRejected):
        reader.inclusion_proof(5, 5)
    with pytest.raises(ProofRejected):
        reader.consistency_proof(6, 5)
    with pytest.raises(ProofRejected):
        verify_inclusion(leaf=bytes(32), index=0, size=0, proof=[], root=EMPTY_ROOT)


def test_a_node_cannot_pass_for_an_entry():
    """RFC 6962: without the prefixes, the two children of a node would be an entry with the node's hash."""
    _, edge = in_memory(2)
    first, second = map(leaf_hash, entries(2))
    assert leaf_hash(first + second) != edge.root()


@given(sizes=st.lists(st.integers(0, 300), max_size=6))
def test_batches_of_any_size_lead_to_the_same_files_as_one(sizes):
    edge, files = Edge(), {}
    every = entries(sum(sizes))
    for size in sizes:
        before = edge
        edge, made = edge.extended(every[edge.size : edge.size + size])
        assert before.size + size == edge.size
        files |= {file.tile.path: file.data for file in made}
    whole, made = Edge().extended(every)
    assert edge == whole
    assert {file.tile.path: file.data for file in made}.items() <= files.items()
