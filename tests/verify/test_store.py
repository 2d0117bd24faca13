"""A folder of recordings: order, counters, receipts, journal, and what a removed recording leaves behind."""

import secrets
import shutil

import pytest

from openbwv import recording as r
from tests.recording.factory import NOW_MS, Agency, Camera, flip_last, read_all, resign
from tests.verify.conftest import codes, unseen


def store(root, *recorded):
    for rec in recorded:
        rec.write(root / "rec" / "2026-11-18" / rec.rec_id.hex())
    (root / "receipts").mkdir(exist_ok=True)
    return root


def folder_of(root, rec):
    return root / "rec" / "2026-11-18" / rec.rec_id.hex()


def receipt(agency, rec, kid, *, signer=None, **changes):
    reader, entries = read_all(rec.manifest)
    cts = b"".join(entry.fragment.ct for entry in entries if entry.fragment)
    import hashlib

    facts = {
        "rec_id": rec.rec_id, "kid": kid, "last_seq": reader.next_seq - 1, "tail": reader.tail,
        "media_length": len(rec.media_bin), "media_sha256_of_cts": hashlib.sha256(cts).digest(), "stored_at_ms": NOW_MS,
        "replicas": 1, "server_id": "force-1", "leaf": b"", "leaf_event": b"", "leaf_salt": bytes(32), "proof": b"",
    }  # fmt: skip
    return r.EvidenceReceipt(**(facts | changes)).encode(*(signer or agency.signer(r.USE_RECEIPT)))


def put_receipt(root, rec, data):
    (root / "receipts" / f"{rec.rec_id.hex()}.cbor").write_bytes(data)


@pytest.fixture
def three(camera):
    return [camera.record(2) for _ in range(3)]


def test_three_in_order_are_genuine(agency, three, judge, tmp_path):
    code, shown = judge(store(tmp_path / "store", *three), agency)
    assert (code, shown["closed"], len(shown["recordings"])) == (0, True, 3)
    assert {part["verdict"] for part in shown["recordings"]} == {"genuine"}
    assert "predecessor-elsewhere" not in unseen(shown)


def test_without_a_trust_file_it_cannot_tell(three, judge, tmp_path):
    code, shown = judge(store(tmp_path / "store", *three))
    assert (code, codes(shown)) == (2, {"signer-not-checked"})


def test_one_recording_of_several_names_a_predecessor_elsewhere(agency, three, judge, tmp_path):
    code, shown = judge(store(tmp_path / "store", three[2]), agency)
    assert (code, "predecessor-elsewhere" in unseen(shown)) == (0, True)


def test_a_tail_cut_off_afterwards_contradicts_the_next_recording(agency, three, judge, tmp_path):
    root = store(tmp_path / "store", *three)
    cut = folder_of(root, three[1])
    (cut / "manifest.cbor").write_bytes(b"".join(three[1].entries[:3]))
    (cut / "media.bin").write_bytes(b"".join(three[1].media[:2]))
    assert judge(cut, agency)[0] == 0, "by itself it looks like a power cut"
    code, shown = judge(root, agency)
    assert (code, codes(shown)) == (1, {"predecessor-differs"})


def test_a_removed_recording_is_missed(agency, three, judge, tmp_path):
    root = store(tmp_path / "store", *three)
    shutil.rmtree(folder_of(root, three[1]))
    code, shown = judge(root, agency)
    assert (code, codes(shown)) == (2, {"missing-recording"})


def test_a_wiped_recording_is_explained_by_its_receipt(agency, camera, three, judge, tmp_path):
    root = store(tmp_path / "store", *three)
    shutil.rmtree(folder_of(root, three[1]))
    put_receipt(root, three[1], receipt(agency, three[1], camera.signer.kid))
    code, shown = judge(root, agency)
    assert (code, codes(shown), unseen(shown) & {"predecessor-elsewhere"}) == (0, set(), set())


def test_a_hole_of_two_needs_two_receipts(agency, camera, judge, tmp_path):
    four = [camera.record(1) for _ in range(4)]
    root = store(tmp_path / "store", four[0], four[3])
    put_receipt(root, four[2], receipt(agency, four[2], camera.signer.kid))
    assert judge(root, agency)[0] == 2
    put_receipt(root, four[1], receipt(agency, four[1], camera.signer.kid))
    assert judge(root, agency)[0] == 0


def test_a_receipt_from_before_explains_no_later_hole(agency, camera, judge, tmp_path):
    four = [camera.record(1) for _ in range(4)]
    root = store(tmp_path / "store", four[1], four[3])
    put_receipt(root, four[0], receipt(agency, four[0], camera.signer.kid))
    assert judge(root, agency)[0] == 2


def test_a_receipt_with_another_tail_is_a_change(agency, camera, three, judge, tmp_path):
    root = store(tmp_path / "store", three[0], three[2])
    put_receipt(root, three[1], receipt(agency, three[1], camera.signer.kid, tail=bytes(32)))
    code, shown = judge(root, agency)
    assert code == 1
    assert "predecessor-differs" in codes(shown)


@pytest.mark.parametrize(
    "change",
    [
        {"tail": bytes(32)},
        {"last_seq": 99},
        {"kid": bytes(32)},
        {"media_length": 1},
        {"media_sha256_of_cts": bytes(32)},
    ],
)
def test_a_receipt_beside_its_recording_must_agree_in_every_value(change, agency, camera, three, judge, tmp_path):
    root = store(tmp_path / "store", *three)
    put_receipt(root, three[2], receipt(agency, three[2], camera.signer.kid))
    assert judge(root, agency)[0] == 0
    put_receipt(root, three[2], receipt(agency, three[2], **{"kid": camera.signer.kid} | change))
    code, shown = judge(root, agency)
    assert (code, codes(shown)) == (1, {"receipt-differs"})


def test_a_receipt_signed_by_the_wrong_key_or_damaged_is_a_change(agency, camera, three, judge, tmp_path):
    root = store(tmp_path / "store", *three)
    for data in (receipt(agency, three[0], camera.signer.kid, signer=agency.signer(r.USE_DOCK)), b"\xd2garbage"):
        put_receipt(root, three[0], data)
        code, shown = judge(root, agency)
        assert (code, codes(shown)) == (1, {"receipt-wrong"})


@pytest.mark.parametrize(("name", "expected"), [("Thornbury Police", 1), ("Elsewhere Police", 2)])
def test_a_receipt_of_another_agency_is_judged_like_a_signer(name, expected, agency, three, judge, tmp_path):
    root = store(tmp_path / "store", *three)
    data = receipt(agency, three[0], r.parse_entry(three[0].entries[0]).kid, signer=Agency(name).signer(r.USE_RECEIPT))
    put_receipt(root, three[0], data)
    assert judge(root, agency)[0] == expected


def tombstone(camera, rec, rc):
    return r.Wiped(rec.rec_id, rc, 5, rec.tail, bytes(32), NOW_MS).encode(camera.signer, camera.chain)


def test_a_tombstone_says_which_number_its_receipt_explains(agency, camera, judge, tmp_path):
    """With a clock that was wrong, ids do not grow with time; the tombstone's number still explains the hole."""
    four = [camera.record(1)]
    camera.utc_ms -= 10**10
    four += [camera.record(1) for _ in range(2)]
    camera.utc_ms += 10**10
    four.append(camera.record(1))
    root = store(tmp_path / "store", four[0], four[3])
    for rec in four[1:3]:
        put_receipt(root, rec, receipt(agency, rec, camera.signer.kid))
    assert judge(root, agency)[0] == 2
    for number, rec in enumerate(four[1:3], 2):
        (root / "receipts" / f"{rec.rec_id.hex()}.wiped.cbor").write_bytes(tombstone(camera, rec, number))
    assert judge(root, agency)[0] == 0
    (root / "receipts" / f"{four[1].rec_id.hex()}.cbor").unlink()
    assert judge(root, agency)[0] == 2, "a tombstone alone is the camera's word, not the server's"


def test_a_tombstone_that_is_not_the_cameras_explains_nothing(agency, camera, judge, tmp_path):
    three = [camera.record(1) for _ in range(3)]
    root = store(tmp_path / "store", three[0], three[2])
    put_receipt(root, three[1], receipt(agency, three[1], camera.signer.kid))
    assert judge(root, agency)[0] == 0
    path = root / "receipts" / "x.wiped.cbor"
    path.write_bytes(tombstone(agency.camera("0418"), three[1], 9))
    assert judge(root, agency)[0] == 0
    path.write_bytes(tombstone(camera, three[1], 9))
    assert judge(root, agency)[0] == 2
    path.write_bytes(tombstone(camera, three[1], 2)[:-1])
    assert codes(judge(root, agency)[1]) == {"receipt-wrong"}


def test_tombstones_without_a_hole_do_no_harm(agency, camera, three, judge, tmp_path):
    root = store(tmp_path / "store", *three)
    assert judge(root, agency)[0] == 0
    (root / "receipts" / "old.wiped.cbor").write_bytes(tombstone(camera, three[0], 1))
    assert judge(root, agency)[0] == 0


def clone(camera) -> Camera:
    """A second device with the same key."""
    twin = object.__new__(Camera)
    twin.__dict__ = dict(camera.__dict__)
    return twin


def test_two_recordings_that_follow_the_same_one_are_a_cloned_key(agency, camera, judge, tmp_path):
    first = camera.record(1)
    twin = clone(camera)
    code, shown = judge(store(tmp_path / "store", first, camera.record(1), twin.record(1)), agency)
    assert code == 1
    assert codes(shown) == {"two-successors", "counter-twice"}


def test_two_versions_of_one_recording_are_equivocation(agency, camera, judge, tmp_path):
    rec = camera.record(2)
    root = store(tmp_path / "store", rec)
    other = resign(rec.entries[-1], camera.signer, lambda payload: payload.update({5: payload[5] + 1}))
    folder = rec.write(root / "rec" / "2026-11-18" / "copy")
    (folder / "manifest.cbor").write_bytes(b"".join(rec.entries[:-1]) + other)
    code, shown = judge(root, agency)
    assert (code, codes(shown)) == (1, {"equivocation"})


def test_the_same_recording_twice_is_no_harm(agency, camera, judge, tmp_path):
    rec = camera.record(2)
    root = store(tmp_path / "store", rec)
    rec.write(root / "rec" / "elsewhere" / "copy")
    assert judge(root, agency)[0] == 0


def test_recordings_of_two_cameras_do_not_disturb_each_other(agency, camera, judge, tmp_path):
    other = agency.camera("0418")
    mixed = [camera.record(1), other.record(1), camera.record(1), other.record(1)]
    assert judge(store(tmp_path / "store", *mixed), agency)[0] == 0


def test_the_worst_verdict_counts(agency, camera, three, judge, tmp_path):
    root = store(tmp_path / "store", *three)
    media = folder_of(root, three[0]) / "media.bin"
    media.write_bytes(flip_last(media.read_bytes()))
    code, shown = judge(root, agency)
    assert code == 1
    assert sorted(part["verdict"] for part in shown["recordings"]) == ["changed", "genuine", "genuine"]
    assert not shown["proves"]


def test_a_recording_of_another_force_among_ours(agency, three, judge, tmp_path):
    root = store(tmp_path / "store", *three, Agency("Elsewhere Police").camera().record(1))
    code, shown = judge(root, agency)
    assert (code, codes(shown), shown["signer"]) == (2, {"signer-unknown"}, "unknown")


def test_a_folder_that_was_being_made_when_the_power_went(agency, camera, three, judge, tmp_path):
    root = store(tmp_path / "store", *three)
    torn = root / "rec" / "2026-11-18" / "torn"
    torn.mkdir()
    (torn / "key.cbor").write_bytes(three[0].key_cbor)
    (torn / "manifest.cbor").write_bytes(b"")
    code, shown = judge(root, agency)
    assert (code, "torn-creation" in unseen(shown)) == (0, True)
    assert judge(torn, agency)[0] == 1, "by itself there is nothing that holds"


def test_what_lies_beside_is_listed_as_not_checked(agency, camera, judge, tmp_path):
    folder = camera.record(1).write(tmp_path / "rec")
    (folder / "orphan.bin").write_bytes(b"torn")
    code, shown = judge(folder, agency)
    assert (code, {"key.cbor", "orphan.bin"} <= unseen(shown)) == (0, True)


def test_what_is_no_part_of_a_recording_is_named_and_not_vouched_for(agency, camera, judge, tmp_path):
    """A good manifest beside a film from elsewhere, or beside folders with changed recordings."""
    folder = camera.record(1).write(tmp_path / "rec")
    assert "beside" not in unseen(judge(folder, agency)[1])
    (folder / "evidence.mp4").write_bytes(b"from elsewhere")
    changed = camera.record(1)
    changed.media[1] = bytes(len(changed.media[1]))
    changed.write(folder / "2026-11-18")
    code, shown = judge(folder, agency)
    assert code == 0
    assert [item["where"] for item in shown["not_checked"] if item["code"] == "beside"] == [
        "2026-11-18",
        "evidence.mp4",
    ]
    for number in range(100):
        (folder / f"{number}.txt").touch()
    assert len([item for item in judge(folder, agency)[1]["not_checked"] if item["code"] == "beside"]) == 51


def journal_of(camera):
    builder = r.JournalBuilder(chain_id=secrets.token_bytes(16), signer=camera.signer, chain=camera.chain)
    entries = [builder.open(r.JournalBody(bt=1), mono_ns=1)]
    entries += [builder.event(r.EventKind.BOOT, mono_ns=at, public={1: at}) for at in (5, 3)]
    return entries


def test_the_journal_is_judged_too(agency, camera, three, judge, tmp_path):
    root, entries = store(tmp_path / "store", *three), journal_of(camera)
    cases = {
        b"".join(entries): None,
        entries[0] + entries[2]: "sequence-gap",
        b"".join(entries) + b"\xd2": "uncovered-bytes",
    }
    for data, code in cases.items():
        (root / "journal.cbor").write_bytes(data)
        assert codes(judge(root, agency)[1]) == ({code} if code else set())
    (root / "journal.cbor").write_bytes(b"".join(journal_of(Agency().camera())))
    assert codes(judge(root, agency)[1]) == {"signer-same-name"}


def test_links_out_of_the_folder_are_not_followed(agency, camera, three, judge, tmp_path):
    root = store(tmp_path / "store", *three)
    elsewhere = camera.record(1, close=False).write(tmp_path / "elsewhere" / "x")
    (root / "rec" / "link").symlink_to(elsewhere.parent)
    assert len(judge(root, agency)[1]["recordings"]) == 3
