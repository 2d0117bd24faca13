"""Offline bundles: genuine ones, every kind of change, and a whole force that somebody forged."""

import json
import shutil

import bagit
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from openbwv import custody
from openbwv import recording as r
from openbwv.custody import EventType
from openbwv.verify.cli import main
from tests.recording.factory import Agency, flip_last, malleate
from tests.verify.bundle_factory import TAGMANIFEST, Force
from tests.verify.conftest import codes, unseen


@pytest.fixture(scope="module")
def force():
    return Force()


@pytest.fixture
def bundle(force, tmp_path):
    return force.bundle(tmp_path / "bundle")


def edit(path, change):
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize("sealed", [False, True])
def test_a_bundle_as_exported_is_genuine(sealed, force, judge, tmp_path):
    code, shown = judge(force.bundle(tmp_path / "bundle", sealed=sealed), force.agency)
    assert (code, shown["closed"], shown["signer"], shown["reasons"]) == (0, True, "trusted", [])
    assert {"other-events", "custody-text", "revocation"} <= unseen(shown)
    assert ("plaintext" in unseen(shown)) == sealed
    assert ("ciphertext" in unseen(shown)) == (not sealed)


def test_bagit_agrees_that_the_bag_is_whole(bundle):
    bagit.Bag(str(bundle)).validate()


def test_without_a_trust_file_it_cannot_tell(bundle, judge):
    code, shown = judge(bundle)
    assert (code, codes(shown), shown["signer"]) == (2, {"signer-not-checked"}, "unknown")


@pytest.mark.parametrize("name", ["data/master.mp4", "data/manifest.cbor", "data/receipt.cbor", "data/checkpoint"])
def test_one_byte_changed_is_changed(name, force, bundle, judge):
    edit(bundle / name, flip_last)
    code, shown = judge(bundle, force.agency)
    assert code == 1
    assert "bag-changed" in codes(shown)


def test_every_file_counts(force, bundle, judge):
    for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for change in (flip_last, lambda data: data[:-1], lambda data: data + b"\n"):
            path.write_bytes(change(whole))
            if path.name != "tagmanifest-sha512.txt":  # the second algorithm is for BagIt tools
                assert judge(bundle, force.agency)[0] == 1, path
        path.unlink()
        if path.name not in ("tagmanifest-sha512.txt",):
            assert judge(bundle, force.agency)[0] == 1, path
        path.write_bytes(whole)
    assert judge(bundle, force.agency)[0] == 0


def test_files_added_linked_or_listed_from_outside(force, bundle, judge, tmp_path):
    for name in ("data/extra.mp4", "extra.html"):
        (bundle / name).write_bytes(b"x")
        assert codes(judge(bundle, force.agency)[1]) == {"bag-added"}
        (bundle / name).unlink()
    (bundle / "data" / "link").symlink_to(tmp_path)
    assert codes(judge(bundle, force.agency)[1]) == {"bag-added"}
    (bundle / "data" / "link").unlink()
    edit(bundle / "manifest-sha256.txt", lambda data: data + b"0" * 64 + b"  ../outside\n")
    assert "bag-wrong" in codes(judge(bundle, force.agency)[1])


def test_a_bag_saved_again_after_tampering_is_whole_but_not_sealed(force, bundle, judge):
    """BagIt's checksums prove completeness, not origin: whoever changes a file can list it anew."""
    edit(bundle / "data" / "view.mp4", flip_last)
    bag = bagit.Bag(str(bundle))
    bag.save(manifests=True)
    bagit.Bag(str(bundle)).validate()
    code, shown = judge(bundle, force.agency)
    assert (code, codes(shown)) == (1, {"seal-wrong"})


def rebag(force, bundle, rec=None):
    """What a forger inside the export room could do: bag and seal anew."""
    bag = bagit.Bag(str(bundle))
    bag.save(manifests=True)
    received = r.BundleSeal.decode((bundle / f"{TAGMANIFEST}.cose").read_bytes()).body
    changed = rec or received
    force.seal(bundle, type("Rec", (), {"rec_id": changed.rec_id, "tail": changed.tail}), received.sealed)


def test_the_video_is_bound_to_the_camera_and_not_only_to_the_seal(force, bundle, judge):
    for name, code in (("master.mp4", "plaintext-changed"), ("commit.key", "key-mismatch")):
        whole = (bundle / "data" / name).read_bytes()
        edit(bundle / "data" / name, lambda data: (b"0" if data[:1] != b"0" else b"1") + data[1:])
        rebag(force, bundle)
        exit_code, shown = judge(bundle, force.agency)
        assert exit_code == 1
        assert code in codes(shown)
        (bundle / "data" / name).write_bytes(whole)
        rebag(force, bundle)
    assert judge(bundle, force.agency)[0] == 0


def test_sealed_media_is_bound_to_the_camera(force, judge, tmp_path):
    bundle = force.bundle(tmp_path / "bundle", sealed=True)
    edit(bundle / "data" / "media.bin", flip_last)
    rebag(force, bundle)
    assert codes(judge(bundle, force.agency)[1]) == {"fragment-substituted"}


def test_a_shortened_recording_contradicts_receipt_and_seal(force, judge, tmp_path):
    rec = force.camera.record()

    def shorten(folder):
        (folder / "manifest.cbor").write_bytes(b"".join(rec.entries[:4]))
        (folder / "master.mp4").write_bytes(b"".join(rec.plain[:3]))

    code, shown = judge(force.bundle(tmp_path / "bundle", rec=rec, spoil=shorten), force.agency)
    assert (code, codes(shown)) == (1, {"seal-wrong", "receipt-differs"})


def test_malleated_entries_are_the_same_entries(force, judge, tmp_path):
    rec = force.camera.record()

    def spoil(folder):
        (folder / "manifest.cbor").write_bytes(b"".join(map(malleate, rec.entries)))

    assert judge(force.bundle(tmp_path / "bundle", rec=rec, spoil=spoil), force.agency)[0] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tail": bytes(32)}, "receipt-differs"),
        ({"rec_id": bytes(16)}, "receipt-differs"),
        ({"kid": bytes(32)}, "receipt-differs"),
        ({"last_seq": 3}, "receipt-differs"),
        ({"media_length": 3}, "receipt-differs"),
        ({"media_sha256_of_cts": bytes(32)}, "receipt-differs"),
        ({"leaf_salt": bytes(32)}, "ingest-wrong"),
        ({"leaf_event": b"\xa0"}, "ingest-wrong"),
        ({"leaf_event": b"\x00"}, "ingest-wrong"),
        ({"leaf": b"not a leaf"}, "ingest-wrong"),
        ({"proof": b"not a proof"}, "ingest-wrong"),
    ],
)
def test_a_receipt_for_something_else(changes, code, force, judge, tmp_path):
    exit_code, shown = judge(force.bundle(tmp_path / "bundle", receipt_changes=changes), force.agency)
    assert exit_code == 1
    assert code in codes(shown)


def test_a_receipt_whose_leaf_is_no_ingest(force, judge, tmp_path):
    bundle = force.bundle(tmp_path / "bundle", steps=(EventType.VIEW, EventType.EXPORT))
    assert codes(judge(bundle, force.agency)[1]) == {"ingest-wrong"}


def test_a_receipt_whose_ingest_is_not_among_the_events(force, judge, tmp_path):
    def spoil(folder):
        lines = (folder / "custody.jsonl").read_text().splitlines(keepends=True)
        (folder / "custody.jsonl").write_text("".join(lines[1:]))

    assert codes(judge(force.bundle(tmp_path / "b", spoil=spoil), force.agency)[1]) == {"ingest-wrong"}


def after_a_restore(force, folder, *, origin="force.example/log/generation-2", chain=None, **changes):
    """Write a bundle whose ingest stands in the log before a restore; `chain` is the certificate that comes along."""
    rec = force.camera.record()
    ingest = force.happen(EventType.INGEST, rec.rec_id, bytes(16), tail=rec.tail.hex())
    before, receipt = force.log_chain, force.receipt(rec, ingest, **changes)
    force.begin_log(origin, ed25519.Ed25519PrivateKey.generate())

    def spoil(data):
        (data / "receipt.cbor").write_bytes(receipt)
        if chain != "none":
            (data / "earlier-log-chain.pem").write_bytes(r.to_pem(chain or before))

    return force.bundle(folder, rec=rec, spoil=spoil, steps=(EventType.VIEW, EventType.EXPORT))


def test_an_ingest_in_the_log_before_a_restore_is_genuine(judge, tmp_path):
    force = Force()
    code, shown = judge(after_a_restore(force, tmp_path / "b"), force.agency)
    assert (code, codes(shown)) == (0, set())


def test_without_the_earlier_logs_certificate_nobody_can_tell(judge, tmp_path):
    force = Force()
    code, shown = judge(after_a_restore(force, tmp_path / "b", chain="none"), force.agency)
    assert (code, codes(shown)) == (2, {"ingest-elsewhere"})


@pytest.mark.parametrize(
    "change",
    [
        {"chain": Force("Elsewhere Police").log_chain},
        {"chain": Force().log_chain},
        {"chain": Force().exports[1]},
        {"origin": "force.example/other/generation-2"},
        {"origin": "force.example/log/generation-0"},
        {"origin": "force.example/log/generation-" + "9" * 5000},
        {"leaf_salt": bytes(32)},
        {"proof": b"not a proof"},
    ],
    ids=["another force", "an impostor", "another use", "another log", "not earlier", "endless", "salt", "proof"],
)
def test_an_earlier_log_that_does_not_hold(change, judge, tmp_path):
    force = Force()
    code, shown = judge(after_a_restore(force, tmp_path / "b", **change), force.agency)
    assert (code, codes(shown)) == (1, {"ingest-wrong"})


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [("Elsewhere Police", 2, "signer-unknown"), ("Thornbury Police", 1, "signer-same-name")],
)
def test_an_earlier_log_of_another_agency_is_judged_like_a_signer(name, code, reason, judge, tmp_path):
    """The key did sign that log, but somebody else certified it."""
    force, key = Force(), ed25519.Ed25519PrivateKey.generate()
    force.begin_log("force.example/log", key)
    chain = Agency(name).certify(key.public_key(), r.USE_LOG, "log")
    exit_code, shown = judge(after_a_restore(force, tmp_path / "b", chain=chain), force.agency)
    assert (exit_code, codes(shown)) == (code, {reason})


def test_an_ingest_event_without_a_tail_is_none(force, judge, tmp_path):
    rec = force.camera.record()
    ingest = force.happen(EventType.INGEST, rec.rec_id, bytes(16))
    receipt = force.receipt(rec, ingest)
    bundle = force.bundle(tmp_path / "b", rec=rec, spoil=lambda data: (data / "receipt.cbor").write_bytes(receipt))
    assert codes(judge(bundle, force.agency)[1]) == {"ingest-wrong"}


def rewrite(folder, change):
    path = folder / "custody.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    change(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def retell(row, **changes):
    event = r.cbor.decode(bytes.fromhex(row["event"])) | changes
    row["event"] = r.cbor.encode(event).hex()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda rows: retell(rows[1], actor="somebody else"), "event-differs"),
        (lambda rows: retell(rows[1], type=33), "event-differs"),
        (lambda rows: rows[1].update(salt="00" * 32), "event-differs"),
        (lambda rows: rows[1].update(salt="00"), "proof-wrong"),
        (lambda rows: rows[1].update(index=rows[2]["index"]), "proof-wrong"),
        (lambda rows: rows[1].update(index=10**6), "proof-wrong"),
        (lambda rows: rows[1].update(index=-1), "custody-line"),
        (lambda rows: rows[1].update(index="../../x"), "custody-line"),
        (lambda rows: rows[1].update(leaf=rows[2]["leaf"]), "event-differs"),
        (lambda rows: rows[1].pop("event"), "custody-line"),
        (lambda rows: rows[1].update(event="zz"), "custody-line"),
        (lambda rows: rows[1].update(event="80"), "custody-line"),
        (lambda rows: rows.insert(0, "text"), "custody-line"),
        (lambda rows: rows.insert(0, [[]]), "custody-line"),
    ],
)
def test_custody_lines_that_do_not_hold(change, code, force, judge, tmp_path):
    bundle = force.bundle(tmp_path / "bundle", spoil=lambda folder: rewrite(folder, change))
    exit_code, shown = judge(bundle, force.agency)
    assert exit_code == 1
    assert code in codes(shown)


@pytest.mark.parametrize("field", ["type", "t", "subj"])
def test_an_event_whose_leaf_tells_another_kind_time_or_pseudonym(field, force, judge, tmp_path):
    """The log commits to both; a server that lets them differ would show one thing to oversight, another to a court."""

    def lie(self, kind, rec_id, subj, **details):
        step = honest(kind, rec_id, subj, **details)
        if kind != EventType.VIEW:
            return step
        event = step[2] | {field: b"\x01" * 16 if field == "subj" else 33}
        leaf = custody.leaf(int(kind), step[2]["t"], subj, custody.commit_event(event, step[3]))
        return force.log.append([leaf])[0], leaf, event, step[3]

    honest = force.happen
    force.happen = lie.__get__(force)
    try:
        bundle = force.bundle(tmp_path / "b")
    finally:
        del force.happen
    assert codes(judge(bundle, force.agency)[1]) == {"event-differs"}


@pytest.mark.parametrize("text", ["[" * 100_000, '{"index": ', "\x00", "x" * (1 << 20) + "y"])
def test_custody_files_that_are_no_json(text, force, judge, tmp_path):
    bundle = force.bundle(tmp_path / "b", spoil=lambda folder: (folder / "custody.jsonl").write_text(text))
    assert "custody-line" in codes(judge(bundle, force.agency)[1])


def test_an_event_of_another_recording_does_not_belong(force, judge, tmp_path):
    other = force.bundle(tmp_path / "other")
    taken = json.loads((other / "data" / "custody.jsonl").read_text().splitlines()[1])

    def mix(folder):
        rewrite(folder, lambda rows: rows.append(taken))
        (folder / "proofs" / f"{taken['index']}.tlog-proof").write_bytes(force.reader.tlog_proof(taken["index"]))

    assert codes(judge(force.bundle(tmp_path / "b", spoil=mix), force.agency)[1]) == {"event-elsewhere"}


@pytest.mark.parametrize("name", ["log.vkey", "log-chain.pem", "checkpoint"])
def test_the_log_of_another_force(name, force, judge, tmp_path):
    foreign = Force("Elsewhere Police").bundle(tmp_path / "foreign") / "data"
    code, shown = judge(
        force.bundle(tmp_path / "b", spoil=lambda f: shutil.copy(foreign / name, f / name)), force.agency
    )
    assert code == 1
    assert codes(shown) & {"log-key-wrong", "checkpoint-wrong"}


def test_a_seal_by_another_key_of_the_agency_is_no_seal(force, judge, tmp_path):
    rec = force.camera.record()
    bundle = force.bundle(tmp_path / "b", rec=rec)
    exports, force.exports = force.exports, force.receipts
    force.seal(bundle, rec)
    force.exports = exports
    assert codes(judge(bundle, force.agency)[1]) == {"seal-wrong"}
    force.seal(bundle, rec, tail=bytes(32))
    assert codes(judge(bundle, force.agency)[1]) == {"seal-wrong"}


@pytest.mark.parametrize(("name", "expected"), [("Thornbury Police", 1), ("Elsewhere Police", 2)])
def test_a_seal_of_another_agency_is_judged_like_a_signer(name, expected, force, judge, tmp_path):
    rec = force.camera.record()
    bundle = force.bundle(tmp_path / "b", rec=rec)
    exports, force.exports = force.exports, Force(name).exports
    force.seal(bundle, rec)
    force.exports = exports
    code, shown = judge(bundle, force.agency)
    assert (code, shown["signer"]) == (expected, "unknown")


def test_a_whole_forged_force_is_never_genuine(force, judge, tmp_path):
    """Own CA under the true name, own camera, log, receipts, exports: consistent in itself, and a lie."""
    forger = Force("Thornbury Police")
    bundle = forger.bundle(tmp_path / "bundle")
    folder = forger.camera.record().write(tmp_path / "rec")
    forger.agency.write_trust(bundle / "trust.pem")
    for path in (bundle, folder):
        assert judge(path)[0] in (1, 2)
        assert judge(path, force.agency)[0] == 1
    (bundle / "trust.pem").unlink()
    assert judge(bundle)[0] == 2
    assert judge(folder)[0] == 2
    code, shown = judge(bundle, force.agency)
    assert (code, codes(shown), shown["signer"]) == (1, {"signer-same-name"}, "unknown")


def test_both_or_neither_of_master_and_media(force, judge, tmp_path):
    def both(folder):
        (folder / "media.bin").write_bytes(b"x")

    def neither(folder):
        (folder / "master.mp4").unlink()

    for name, spoil in (("both", both), ("neither", neither)):
        code, shown = judge(force.bundle(tmp_path / name, spoil=spoil), force.agency)
        assert code == 1
        assert "bundle-incomplete" in codes(shown)


def test_the_events_that_are_proved_are_shown_in_words(force, bundle, tmp_path, capsys):
    trust = force.agency.write_trust(tmp_path / "trust.pem")
    assert main([str(bundle), "--trust", str(trust)]) == 0
    shown = capsys.readouterr().out
    assert "view  gale: matter 12" in shown
    assert "ingest" in shown
