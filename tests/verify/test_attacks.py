"""Every attack of the design's table, by verdict, exit code and reason. No decryption key is needed for any of them."""

import pytest

from openbwv import recording as r
from tests.recording.factory import Agency, malleate, resign
from tests.verify.conftest import codes


def flip(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1
    return bytes(changed)


def write(folder, entries, media):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.cbor").write_bytes(b"".join(entries))
    (folder / "media.bin").write_bytes(b"".join(media))
    return folder


# Entries: 0 OPEN, 1 init, 2 3 fragments, 4 marker, 5 6 fragments, 7 CLOSE. Media: 0 init, 1-4 fragments.
ATTACKS = {
    "entry removed": (lambda e, m: (e[:3] + e[4:], m), "sequence-gap"),
    "event removed": (lambda e, m: (e[:4] + e[5:], m), "sequence-gap"),
    "entries reordered": (lambda e, m: ([*e[:2], e[3], e[2], *e[4:]], m), "sequence-gap"),
    "entry doubled": (lambda e, m: (e[:3] + e[2:], m), "sequence-gap"),
    "fragment bit flipped": (lambda e, m: (e, [*m[:2], flip(m[2], 5), *m[3:]]), "fragment-substituted"),
    "fragments swapped": (lambda e, m: (e, [m[0], m[2], m[1], *m[3:]]), "fragment-substituted"),
    "fragment missing": (lambda e, m: (e, [*m[:2], *m[3:]]), "fragment-substituted"),
    "last fragment missing": (lambda e, m: (e, m[:-1]), "fragment-missing"),
    "all media missing": (lambda e, m: (e, []), "fragment-missing"),
    "media appended": (lambda e, m: (e, [*m, b"x"]), "uncovered-bytes"),
    "OPEN dropped": (lambda e, m: (e[1:], m), "open-missing"),
    "everything dropped": (lambda e, m: ([], m), "open-missing"),
    "second OPEN": (lambda e, m: ([e[0], *e], m), "second-open"),
    "entry after CLOSE": (lambda e, m: ([*e, e[-1]], m), "entry-after-close"),
    "malleated copy after CLOSE": (lambda e, m: ([*e, malleate(e[-1])], m), "entry-after-close"),
    "payload edited": (lambda e, m: ([*e[:4], flip(e[4], -67), *e[5:]], m), "signature-wrong"),
    "signature edited": (lambda e, m: ([*e[:4], flip(e[4], -1), *e[5:]], m), "signature-wrong"),
    "manifest cut inside an entry": (lambda e, m: ([*e[:-1], e[-1][:-1]], m), "uncovered-bytes"),
    "entries cut, media left": (lambda e, m: (e[:5], m), "uncovered-bytes"),
    "zeros after the manifest": (lambda e, m: ([*e, bytes(512)], m), "uncovered-bytes"),
    "garbage after the manifest": (lambda e, m: ([*e, b"\x93garbage"], m), "uncovered-bytes"),
    "tag spelled longer": (lambda e, m: ([*e[:4], b"\xd8\x12" + e[4][1:], *e[5:]], m), "not-deterministic"),
    "array spelled longer": (lambda e, m: ([*e[:4], b"\xd2\x98\x04" + e[4][2:], *e[5:]], m), "not-deterministic"),
    "text instead of entries": (lambda e, m: (["\n".join(map(str, e)).encode()], m), "uncovered-bytes"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_on_one_recording(attack, agency, camera, judge, tmp_path):
    rec = camera.record()
    change, why = ATTACKS[attack]
    folder = write(tmp_path / "rec", *change(rec.entries, rec.media))
    for believed in (agency, None):
        code, shown = judge(folder, believed)
        assert (code, shown["verdict"]) == (1, "changed")
        assert why in codes(shown)
        assert not shown["proves"]


def test_intact_is_genuine_and_closed(agency, camera, judge, tmp_path):
    code, shown = judge(camera.record().write(tmp_path / "rec"), agency)
    assert (code, shown["verdict"], shown["closed"], shown["through_seq"]) == (0, "genuine", True, 7)
    assert (shown["signer"], shown["reasons"]) == ("trusted", [])


def test_a_power_cut_between_entries_is_genuine_and_not_closed(agency, camera, judge, tmp_path):
    rec = camera.record()
    code, shown = judge(write(tmp_path / "rec", rec.entries[:6], rec.media[:4]), agency)
    assert (code, shown["closed"], shown["through_seq"]) == (0, False, 5)
    assert any("not closed" in text for text in shown["proves"])


@pytest.mark.parametrize("seq", [0, 2, 7])
def test_a_malleated_entry_changes_nothing(seq, agency, camera, judge, tmp_path):
    """(r, n-s) verifies as (r, s) does: chain, tail and verdict must not notice."""
    rec = camera.record()
    entries = [malleate(entry) if n == seq else entry for n, entry in enumerate(rec.entries)]
    assert entries != rec.entries
    code, shown = judge(write(tmp_path / "rec", entries, rec.media), agency)
    assert (code, shown["closed"]) == (0, True)


@pytest.mark.parametrize("same_camera", [True, False])
def test_an_entry_and_fragment_of_another_recording_do_not_fit(same_camera, agency, camera, judge, tmp_path):
    one = camera.record()
    other = (camera if same_camera else agency.camera("0418")).record()
    entries = [*one.entries[:3], other.entries[3], *one.entries[4:]]
    media = [*one.media[:2], other.media[2], *one.media[3:]]
    code, shown = judge(write(tmp_path / "rec", entries, media), agency)
    assert code == 1
    assert codes(shown) == {"wrong-recording" if same_camera else "wrong-key"}


def test_open_of_another_key_with_this_ones_chain(agency, camera, judge, tmp_path):
    """The chain is unsigned: it counts only as far as its leaf is the key that signed."""
    rec, other = camera.record(), agency.camera("0418")
    opened = resign(rec.entries[0], other.signer, lambda payload: None)
    code, shown = judge(write(tmp_path / "rec", [opened, *rec.entries[1:]], rec.media), agency)
    assert (code, codes(shown)) == (1, {"wrong-key"})


def test_a_chain_swapped_for_another_agencys_is_not_this_key(agency, camera, judge, tmp_path):
    rec = camera.record()
    foreign = Agency().camera().chain
    signed = r.parse_entry(rec.entries[0]).signed
    opened = b"\xd2" + r.cbor.encode([signed.protected, {33: foreign}, signed.payload, signed.signature])
    code, shown = judge(write(tmp_path / "rec", [opened, *rec.entries[1:]], rec.media), agency)
    assert (code, codes(shown) & {"wrong-key", "signer-same-name"}) == (1, {"wrong-key"})


def test_every_byte_of_open_counts(agency, camera):
    rec = camera.record(1)
    for position in range(len(rec.entries[0])):
        manifest = flip(rec.entries[0], position) + b"".join(rec.entries[1:])
        with_media = r.verify_recording([manifest], _stream(rec.media_bin), trust=agency.trust)
        assert with_media.verdict == "changed", position


def test_every_byte_of_a_whole_recording_counts(agency, camera):
    rec = camera.record(2)
    manifest, media = rec.manifest, rec.media_bin
    for position in range(len(rec.entries[0]), len(manifest)):
        verdict = r.verify_recording([flip(manifest, position)], _stream(media), trust=agency.trust)
        assert verdict.verdict == "changed", position
    for position in range(len(media)):
        verdict = r.verify_recording([manifest], _stream(flip(media, position)), trust=agency.trust)
        assert verdict.verdict == "changed", position


def _stream(data):
    import io

    return io.BytesIO(data)


def test_a_camera_that_lies_about_its_counts(agency, camera, judge, tmp_path):
    rec = camera.record()

    def one_more(payload):
        payload[6][2] += 1

    closed = resign(rec.entries[-1], camera.signer, one_more)
    code, shown = judge(write(tmp_path / "rec", [*rec.entries[:-1], closed], rec.media), agency)
    assert (code, codes(shown)) == (1, {"close-counts"})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: p.update({4: bytes(32)}), "chain-broken"),
        (lambda p: p.update({5: 1}), "time-went-back"),
        (lambda p: p.update({7: 1}), "malformed"),
        (lambda p: p[6].update({9: 1}), "malformed"),
        (lambda p: p[6].update({1: 31}), "malformed"),
        (lambda p: p[6].update({2: {1: 1, 7: 7}}), "malformed"),
        (lambda p: p[6].update({2: {}}), "malformed"),
        (lambda p: p.update({1: 9}), "malformed"),
        (lambda p: p.update({1: 4}), "malformed"),
    ],
)
def test_a_camera_that_signs_what_the_format_forbids(change, code, agency, camera, judge, tmp_path):
    rec = camera.record()
    entries = [*rec.entries[:4], resign(rec.entries[4], camera.signer, change)]
    exit_code, shown = judge(write(tmp_path / "rec", entries, rec.media[:3]), agency)
    assert (exit_code, codes(shown)) == (1, {code})


@pytest.mark.parametrize("level", ["payload", "protected"])
def test_signed_but_not_deterministic_inside(level, agency, camera, judge, tmp_path):
    """A camera (or its thief) signs a second spelling of an entry: refused, or two readers could read two things."""
    rec = camera.record()
    signed = r.parse_entry(rec.entries[4]).signed
    protected, payload = signed.protected, signed.payload
    if level == "payload":
        payload = payload.replace(b"\xa6\x01\x02", b"\xa6\x01\x18\x02", 1)
    else:
        protected = protected.replace(b"\xa3\x01\x26", b"\xb8\x03\x01\x26", 1)
    assert (protected, payload) != (signed.protected, signed.payload)
    signature = camera.signer.sign(r.sig_structure(protected, payload))
    entry = b"\xd2" + r.cbor.encode([protected, {}, payload, signature])
    code, shown = judge(write(tmp_path / "rec", [*rec.entries[:4], entry], rec.media[:3]), agency)
    assert (code, codes(shown)) == (1, {"not-deterministic"})


def test_unknown_keys_from_64_up_are_kept_and_ignored(agency, camera, judge, tmp_path):
    rec = camera.record()

    def extend(payload):
        payload[64] = "another maker's"
        payload[6][70] = [1, {"any": b"thing"}]

    entry = resign(rec.entries[4], camera.signer, extend)
    code, shown = judge(write(tmp_path / "rec", [*rec.entries[:4], entry], rec.media[:3]), agency)
    assert (code, shown["through_seq"]) == (0, 4)


@pytest.mark.parametrize("use", [r.USE_DOCK, r.USE_RECEIPT, r.USE_EXPORT])
def test_a_key_of_the_agency_that_is_no_cameras_cannot_record(use, agency, judge, tmp_path):
    thief = agency.camera()
    thief.chain = agency.certify(thief.key.public_key(), use)
    code, shown = judge(thief.record().write(tmp_path / "rec"), agency)
    assert (code, codes(shown)) == (1, {"certificate-use"})


@pytest.mark.parametrize(("years", "source", "expected"), [(-2, 1, 1), (2, 1, 1), (-2, 0, 0), (2, 0, 0)])
def test_dates_are_compared_only_with_a_clock_that_was_set(years, source, expected, agency, camera, judge, tmp_path):
    clock = r.ClockState(camera.utc_ms + years * 365 * 86_400_000, 50, r.ClockSource(source), 0)
    code, shown = judge(camera.record(clock=clock).write(tmp_path / "rec"), agency)
    assert code == expected
    assert codes(shown) == ({"certificate-dates"} if expected else set())
    assert expected or "certificate-dates" in {reason["code"] for reason in shown["not_checked"]}
