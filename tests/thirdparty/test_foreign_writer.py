"""A recording written by the document alone, with none of our code, is genuine, opens, and is in the grammar."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv import recording as r
from openbwv.command import run
from openbwv.verify.cli import main
from tests.recording.test_cddl import valid

SCRIPT = Path(__file__).with_name("foreign_writer.py")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    subprocess.run([sys.executable, SCRIPT, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def entries(foreign):
    reader = r.ManifestReader()
    found = reader.feed((foreign / "rec" / "manifest.cbor").read_bytes())
    reader.finish()
    return found


def test_the_script_imports_none_of_our_code():
    for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.startswith(("openbwv", "tests"))]


def test_their_recording_is_genuine(foreign, capsys):
    assert run(main, [str(foreign / "rec"), "--trust", str(foreign / "trust.pem")]) == 0
    assert capsys.readouterr().out.startswith("GENUINE")


def test_their_recording_with_one_byte_changed_is_not(foreign, tmp_path):
    for name in ("manifest.cbor", "media.bin"):
        data = (foreign / "rec" / name).read_bytes()
        for other in ("manifest.cbor", "media.bin"):
            (tmp_path / other).write_bytes((foreign / "rec" / other).read_bytes())
        (tmp_path / name).write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        assert run(main, [str(tmp_path), "--trust", str(foreign / "trust.pem")]) == 1


def test_their_wrapped_key_opens_and_decrypts(foreign, entries):
    epoch = ec.derive_private_key(int((foreign / "epoch.hex").read_text(), 16), ec.SECP256R1())
    key_cbor = (foreign / "rec" / "key.cbor").read_bytes()
    opened = entries[0]
    dek = r.unwrap_dek(
        key_cbor, epoch_private=epoch, rec_id=opened.rec_id, kid=opened.kid, dc=opened.body.dc, epoch_id="their epoch"
    )
    media, plain = (foreign / "rec" / "media.bin").read_bytes(), b""
    key = r.media_key(dek, opened.rec_id)
    for info in (entry.fragment for entry in entries if entry.fragment):
        plain += r.open_sealed(key, opened.rec_id, info.seq, 0, media[info.offset : info.offset + info.n])
    assert plain == (foreign / "plain.bin").read_bytes()
    assert r.commit_key_commitment(r.commit_key(dek, opened.rec_id)) == opened.body.cc


def test_their_entries_are_in_the_grammar(foreign, entries):
    private = "$$private //= (? 70 => text)"
    assert all(valid("entry", entry.raw) and valid("payload", entry.signed.payload, private) for entry in entries)
    assert valid("key-cbor", (foreign / "rec" / "key.cbor").read_bytes())
