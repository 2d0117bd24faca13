"""Stored vectors: what was written once must read for ever, byte for byte."""

import shutil
from pathlib import Path

import pytest

from openbwv import recording as r
from openbwv.command import run
from openbwv.verify.cli import main

VECTORS = Path(__file__).with_name("vectors")
CASES = {"foreign": ("foreign/rec", "foreign/trust.pem"), "ours": ("ours", "ours-trust.pem")}


@pytest.mark.parametrize("case", CASES)
def test_a_stored_vector_is_genuine(case):
    path, trust = (VECTORS / name for name in CASES[case])
    assert run(main, [str(path), "--trust", str(trust)]) == 0


@pytest.mark.parametrize("case", CASES)
def test_a_stored_vector_with_any_file_changed_is_not(case, tmp_path):
    path, trust = (VECTORS / name for name in CASES[case])
    copy = tmp_path / "copy"
    shutil.copytree(path, copy)
    for file in [file for file in copy.rglob("*") if file.name in ("manifest.cbor", "media.bin", "journal.cbor")]:
        whole = file.read_bytes()
        file.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
        assert run(main, [str(copy), "--trust", str(trust)]) == 1, file
        file.write_bytes(whole)
    assert run(main, [str(copy), "--trust", str(trust)]) == 0


def test_what_we_read_from_a_vector_is_what_we_would_write():
    for path in [*VECTORS.rglob("manifest.cbor"), *VECTORS.rglob("journal.cbor")]:
        reader = r.JournalReader() if path.name == "journal.cbor" else r.ManifestReader()
        for entry in reader.feed(path.read_bytes()):
            payload = r.cbor.decode(entry.signed.payload)
            assert r.cbor.encode(payload) == entry.signed.payload
            known = {key: value for key, value in payload[6].items() if key < 64}
            assert entry.body.encode() == known
        reader.finish()
