"""When a new log key counts: every reason to refuse it, one at a time."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openbwv.custody import (
    EventType,
    LogReader,
    MemoryPlace,
    MemoryStorage,
    commit_event,
    create_log,
    leaf,
    make_vkey,
    parse_vkey,
)
from openbwv.recording import cbor
from openbwv.recording.errors import BwvError
from openbwv.shared import agency
from openbwv.shared.agency import Profile
from openbwv.shared.door import LogBeginning
from openbwv.shared.log_generation import LogKeyRefused, newer_log_key
from openbwv.shared.revocation import Revocations
from tests.dock.force import Force

ORIGIN = "thornbury.example/log"
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def force():
    return Force()


def make_log(force, name, *, key=None, profile=Profile.LOG, now_ms=None):
    """A log key called `name` with the certificate that `force` gave it: (vkey, chain, key)."""
    key = key or Ed25519PrivateKey.generate()
    certificate = agency.issue(
        agency_key=force.agency_key, agency=force.agency, public_key=key.public_key(), profile=profile, name="log",
        now_ms=now_ms,
    )  # fmt: skip
    return make_vkey(name, key.public_key().public_bytes_raw()), [certificate, force.agency], key


def der(chain):
    return [agency.to_der(each) for each in chain]


def opened(vkey, key, *, before):
    """The first entry of the log `vkey`, which says that it began after the log `before`."""
    storage = MemoryStorage()
    log = create_log(storage, vkey=vkey, sign=key.sign, outside=MemoryPlace())
    details = {"old_origin": parse_vkey(before).name, "old_size": 5, "old_root": bytes(32).hex()}
    event = {"type": int(EventType.LOG_GENERATION), "outcome": "done", "details": details}
    entry = leaf(event["type"], 0, bytes(16), commit_event(event, bytes(32)))
    log.append([entry])
    return LogBeginning(entry, cbor.encode(event), bytes(32), LogReader(storage, vkey=vkey).tlog_proof(0))


def ask(force, folder, pinned, vkey, chain, *, beginning=None, revocations=None):
    return newer_log_key(
        vkey, der(chain), pinned=pinned, folder=folder, trust=force.trust, revocations=revocations or Revocations(),
        beginning=beginning,
    )  # fmt: skip


def test_a_certified_later_generation_counts_and_there_is_no_way_back(force, tmp_path):
    first, first_chain, _ = make_log(force, ORIGIN)
    second, second_chain, second_key = make_log(force, f"{ORIGIN}/generation-2")
    fourth, fourth_chain, fourth_key = make_log(force, f"{ORIGIN}/generation-4")
    after_first = opened(second, second_key, before=first)
    after_second = opened(fourth, fourth_key, before=second)
    assert ask(force, tmp_path, first, first, first_chain) is None
    assert ask(force, tmp_path, first, second, second_chain, beginning=after_first) == second
    assert ask(force, tmp_path, second, fourth, fourth_chain, beginning=after_second) == fourth
    for vkey, chain in ((first, first_chain), (second, second_chain)):
        with pytest.raises(LogKeyRefused, match="later generation"):
            ask(force, tmp_path, fourth, vkey, chain)


def test_a_key_without_a_certificate_changes_nothing(force, tmp_path):
    first, _, _ = make_log(force, ORIGIN)
    second, _, _ = make_log(force, f"{ORIGIN}/generation-2")
    assert newer_log_key(
        second, [], pinned=first, folder=tmp_path, trust=force.trust, revocations=Revocations()
    ) is None  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_hold_is_refused(force, tmp_path):
    first, first_chain, first_key = make_log(force, ORIGIN)
    second, second_chain, second_key = make_log(force, f"{ORIGIN}/generation-2")
    true = opened(second, second_key, before=first)
    forger = Force()
    forged, forged_chain, _ = make_log(forger, f"{ORIGIN}/generation-2")
    renamed, renamed_chain, _ = make_log(force, f"{ORIGIN}/generation-3", key=first_key)
    stale, stale_chain, _ = make_log(force, f"{ORIGIN}/generation-3", now_ms=1)
    other, other_chain, _ = make_log(force, "elsewhere.example/log/generation-2")
    word, word_chain, _ = make_log(force, f"{ORIGIN}/generation-next")
    receipt = force.receipt
    assert ask(force, tmp_path, first, first, first_chain) is None  # its certificate is known from now on
    revoked = Revocations(1, frozenset([second_chain[0].serial_number]))
    with pytest.raises(LogKeyRefused, match="not shown"):
        ask(force, tmp_path, first, second, second_chain)
    for what, vkey, chain, list_ in [
        ("another agency's", forged, forged_chain, None),
        ("the old key renamed", renamed, renamed_chain, None),
        ("an older certificate", stale, stale_chain, None),
        ("another log", other, other_chain, None),
        ("no number", word, word_chain, None),
        ("a certificate for another key", second, stale_chain, None),
        ("a certificate for another use", second, [receipt.certificate, force.agency], None),
        ("a revoked key", second, second_chain, revoked),
        ("no vkey", "nonsense", second_chain, None),
    ]:
        try:
            taken = ask(force, tmp_path, first, vkey, chain, beginning=true, revocations=list_)
        except BwvError:
            continue
        pytest.fail(f"{what} was taken: {taken}")
    assert ask(force, tmp_path, first, second, second_chain, beginning=true) == second
