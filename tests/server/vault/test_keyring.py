"""The keyring file: two secrets open it, nothing else does, and nobody else may read it."""

import os
import stat

import cbor2
import pytest

from openbwv.server.vault.keyd import keyring, sealed_file
from openbwv.server.vault.keyd.errors import (
    KeyDestroyed,
    KeyringDamaged,
    KeyringExists,
    KeyringOpenToOthers,
    KeyUnknown,
    PassphraseWrong,
)
from openbwv.server.vault.keyd.ledger import Ledger
from openbwv.shared import agency, durable
from tests.server.vault.force_fixture import CHEAP, PASSPHRASE, RECOVERY, make_ring


def test_the_passphrase_and_the_recovery_code_open_the_same_keys(tmp_path):
    made = make_ring(tmp_path)
    for secret in (PASSPHRASE, RECOVERY, RECOVERY.lower().replace("-", " ")):
        opened = keyring.load(tmp_path / "keyring", secret)
        assert opened.vkey == made.vkey
        assert opened.epoch.public == made.epoch.public
        assert opened.kek.key == made.kek.key


@pytest.mark.parametrize("secret", ["", "another passphrase", PASSPHRASE + " ", RECOVERY[:-1], RECOVERY + "A"])
def test_no_other_secret_opens_it(tmp_path, secret):
    make_ring(tmp_path)
    with pytest.raises(PassphraseWrong):
        keyring.load(tmp_path / "keyring", secret)


def test_only_its_owner_may_read_it_and_others_are_noticed(tmp_path):
    make_ring(tmp_path)
    path = tmp_path / "keyring"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(KeyringOpenToOthers):
        keyring.load(path, PASSPHRASE)


def test_a_keyring_is_never_replaced_by_a_new_one(tmp_path):
    make_ring(tmp_path)
    before = (tmp_path / "keyring").read_bytes()
    with pytest.raises(KeyringExists):
        make_ring(tmp_path)
    assert (tmp_path / "keyring").read_bytes() == before


def test_every_changed_byte_is_noticed(tmp_path):
    make_ring(tmp_path)
    path = tmp_path / "keyring"
    good = path.read_bytes()
    for position in range(0, len(good), max(1, len(good) // 60)):
        bad = bytearray(good)
        bad[position] ^= 0x01
        path.write_bytes(bad)
        try:
            opened = keyring.load(path, PASSPHRASE)
        except (KeyringDamaged, PassphraseWrong):
            continue
        assert opened.vkey  # a byte of the other secret's slot: this secret is not concerned
        with pytest.raises((KeyringDamaged, PassphraseWrong)):
            keyring.load(path, RECOVERY)


@pytest.mark.parametrize("content", [b"", b"\x00", b"not a keyring", cbor2.dumps({"v": 2}), cbor2.dumps([1])])
def test_something_else_is_not_taken_for_a_keyring(tmp_path, content):
    path = tmp_path / "keyring"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(KeyringDamaged):
        keyring.load(path, PASSPHRASE)


def test_a_file_that_asks_for_all_memory_is_refused(tmp_path):
    make_ring(tmp_path)
    path = tmp_path / "keyring"
    outer = cbor2.loads(path.read_bytes())
    outer["slots"][0]["kdf"]["memory_kib"] = 1 << 30
    path.write_bytes(cbor2.dumps(outer))
    with pytest.raises(KeyringDamaged):
        keyring.load(path, PASSPHRASE)


def test_a_missing_keyring_says_where_it_may_be(tmp_path):
    with pytest.raises(KeyringDamaged) as caught:
        keyring.load(tmp_path / "keyring", PASSPHRASE)
    assert "backup --keys" in caught.value.remedy


def test_a_destroyed_key_is_not_in_the_file_any_more(tmp_path):
    ring = make_ring(tmp_path)
    old, key = ring.kek.id, ring.kek.key
    ring.add_kek(utc_ms=2_000)
    ring.destroy_kek(old)
    _, content = sealed_file.read(tmp_path / "keyring", PASSPHRASE)
    assert key not in content
    with pytest.raises(KeyDestroyed):
        keyring.load(tmp_path / "keyring", PASSPHRASE).kek_key(old)
    with pytest.raises(KeyUnknown):
        ring.kek_key("k0")


def test_the_version_it_replaces_is_overwritten(tmp_path):
    ring = make_ring(tmp_path)
    old = os.open(tmp_path / "keyring", os.O_RDONLY)
    before = os.pread(old, 1 << 20, 0)
    ring.add_kek(utc_ms=2_000)
    assert os.pread(old, 1 << 20, 0) != before
    os.close(old)


def test_a_full_disk_leaves_the_keyring_and_the_memory_as_they_were(tmp_path, monkeypatch):
    ring = make_ring(tmp_path)
    before = (tmp_path / "keyring").read_bytes()

    def full(*_arguments, **_options):
        raise durable.DiskFull(what="full", remedy="free some")

    monkeypatch.setattr(durable, "write_durably", full)
    for change in (ring.add_kek, ring.add_epoch):
        with pytest.raises(durable.DiskFull):
            change(utc_ms=5)
    with pytest.raises(durable.DiskFull):
        ring.destroy_kek(ring.kek.id)
    assert ring.kek.key is not None
    assert len(ring.keks) == len(ring.epochs) == 1
    assert (tmp_path / "keyring").read_bytes() == before


def test_a_log_that_ended_leaves_its_certificate(tmp_path, monkeypatch):
    """Receipts from before a restore lead to it, and have to be checkable for as long as the agency stands."""
    ring = make_ring(tmp_path)
    before = ring.origin, agency.to_der(ring.log_cert)
    ring.renew_log(origin=f"{ring.origin}/generation-2")
    again = keyring.load(tmp_path / "keyring", PASSPHRASE)
    assert again.earlier_logs == dict([before])
    assert again.origin.endswith("/generation-2")
    with monkeypatch.context() as patch:
        patch.setattr(keyring.sealed_file.SealedFile, "write", lambda *_a, **_k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ring.renew_log(origin=f"{before[0]}/generation-3")
    assert ring.earlier_logs == dict([before])


def test_the_ledger_survives_a_torn_last_record(tmp_path):
    path = tmp_path / "keyring.ledger"
    ledger = Ledger(path)
    ledger.wrapped(b"a" * 16)
    ledger.wrapped(b"b" * 16)
    ledger.drop(b"a" * 16)
    with path.open("ab") as file:
        file.write(b"\x01torn")
    again = Ledger(path)
    assert again.live == {b"b" * 16}
    assert again.dropped == {b"a" * 16}
    again.wrapped(b"c" * 16)
    assert Ledger(path).live == {b"b" * 16, b"c" * 16}


def test_the_cheap_cost_is_for_tests_alone():
    assert sealed_file.Cost().memory_kib >= 64 * 1024
    assert CHEAP.memory_kib < sealed_file.Cost().memory_kib
