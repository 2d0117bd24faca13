"""A reader written in Go from the format's documents alone gives the verdicts that ours gives, whatever it is shown."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from openbwv import recording as r
from openbwv.recording.certificates import PRETEND_OID
from openbwv.verify.cli import judge
from tests.recording import test_certificates as certificates
from tests.recording.factory import SECOND, Agency, malleate, resign
from tests.recording.test_timeline import MUTED, Script, shifted
from tests.thirdparty import dishonest
from tests.thirdparty.golang import build
from tests.verify.test_attacks import ATTACKS, flip, write

SOURCE = Path(__file__).parent / "go-reader"
VECTORS = Path(__file__).parents[1] / "recording" / "vectors"
WORDS = {0: "genuine", 1: "changed", 2: "cannot-tell"}
AGENCY = Agency()
PRE = r.FragFlag.PRE


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return build(SOURCE, tmp_path_factory.mktemp("go"))


@pytest.fixture(autouse=True)
def _no_installed_trust(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


@pytest.fixture
def both(reader, tmp_path):
    """Return `both(folder, trust file or None) -> verdict` of the two readers, who must agree."""

    def both(folder, trust=None):
        options = [] if trust is None else ["--trust", str(trust)]
        theirs = subprocess.run([reader, *options, folder], capture_output=True, text=True, check=False, timeout=60)
        ours = judge(folder, trust=trust and str(trust), commit_key=None, decrypted=None).verdict
        word = theirs.stdout.split("\n")[0]
        assert WORDS.get(theirs.returncode) == word, theirs.stdout + theirs.stderr
        assert word == ours.verdict, (theirs.stdout, ours.reasons)
        return word

    return both


@pytest.fixture
def trust(tmp_path):
    return AGENCY.write_trust(tmp_path / "trust.pem")


def test_the_program_uses_gos_standard_library_alone():
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(SOURCE.glob("*.go")))
    assert "github.com" not in text
    assert "golang.org" not in text


def test_what_the_camera_records(both, tmp_path):
    command = [sys.executable, "-m", "openbwv", "camera", "record", "--source", "testsrc2", "--seconds", "3"]
    command += ["--store", str(tmp_path / "store"), "--test-identity", "--fast", "--profile", "360p25"]
    command += ["--prebuffer", "2", "--mute", "1-2", "--marker", "1", "--category", "arrest"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    folder = Path(done.stdout.splitlines()[-1])
    assert both(folder, tmp_path / "store" / "trust.pem") == "genuine"
    assert both(folder) == "cannot-tell"
    media = folder / "media.bin"
    media.write_bytes(flip(media.read_bytes(), 5000))
    assert both(folder, tmp_path / "store" / "trust.pem") == "changed"


def test_the_stored_vectors(both, trust):
    assert both(VECTORS / "foreign" / "rec", VECTORS / "foreign" / "trust.pem") == "genuine"
    ours = sorted(path.parent for path in (VECTORS / "ours").rglob("manifest.cbor"))
    assert len(ours) == 2
    for folder in ours:
        assert both(folder, VECTORS / "ours-trust.pem") == "genuine"
        assert both(folder, VECTORS / "foreign" / "trust.pem") == "cannot-tell"
        assert both(folder, trust) == "changed"  # another authority of the same name


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_of_the_table(attack, both, trust, tmp_path):
    rec = AGENCY.camera().record()
    folder = write(tmp_path / "rec", *ATTACKS[attack][0](rec.entries, rec.media))
    assert [both(folder, trust), both(folder)] == ["changed", "changed"]


@pytest.mark.parametrize("name", ["manifest.cbor", "media.bin"])
def test_a_missing_file_is_an_empty_one(name, both, trust, tmp_path):
    folder = AGENCY.camera().record().write(tmp_path / "rec")
    (folder / name).unlink()
    assert both(folder, trust) == "changed"


def test_a_malleated_entry_and_one_of_another_recording(both, trust, tmp_path):
    camera = AGENCY.camera()
    rec, other = camera.record(), camera.record()
    entries = [malleate(entry) for entry in rec.entries]
    assert both(write(tmp_path / "rec", entries, rec.media), trust) == "genuine"
    entries = [*rec.entries[:3], other.entries[3], *rec.entries[4:]]
    media = [*rec.media[:2], other.media[2], *rec.media[3:]]
    assert both(write(tmp_path / "rec", entries, media), trust) == "changed"


def test_cut_anywhere(both, trust, tmp_path):
    """The manifest, with the media that its whole entries cover, at every border and a sample; media at a sample."""
    rec = AGENCY.camera().record()
    ends = [len(b"".join(rec.entries[:count])) for count in range(len(rec.entries) + 1)]
    inside = random.Random(1).sample(range(len(rec.manifest)), 30)
    for cut in sorted({*ends, *(end - 1 for end in ends[1:]), *(end + 1 for end in ends[:-1]), *inside}):
        whole = max(count for count, end in enumerate(ends) if end <= cut)
        covered = sum(r.parse_entry(entry).type == r.EntryType.FRAG for entry in rec.entries[:whole])
        found = both(write(tmp_path / "rec", [rec.manifest[:cut]], rec.media[:covered]), trust)
        assert found == ("genuine" if cut in ends[1:] else "changed"), cut
    for cut in random.Random(2).sample(range(len(rec.media_bin)), 10):
        assert both(write(tmp_path / "rec", rec.entries, [rec.media_bin[:cut]]), trust) == "changed"


def test_a_bit_flipped_anywhere(both, trust, tmp_path):
    rec = AGENCY.camera().record()
    for position in random.Random(3).sample(range(len(rec.manifest)), 60):
        folder = write(tmp_path / "rec", [flip(rec.manifest, position)], rec.media)
        assert both(folder, trust) == "changed", position


def nested(levels):
    value = 0
    for _ in range(levels):
        value = [value]
    return value


def track(**changes):
    row = {"id": 1, "kind": 1, "container": 1, "codec": 1, "timescale": 90_000} | changes
    return lambda p: p[6].update({16: [list(row.values())]})


def anchored(*row):
    return lambda p: p[6].update({11: list(row)})


def event(kind, public=None):
    body = {1: kind} if public is None else {1: kind, 2: public}
    return lambda p: p.update({6: body})


def closed(**changes):
    return lambda p: p[6].update({int(name[1:]): value for name, value in changes.items()})


# What a camera signs: the last entry kept (0 OPEN, 2 a fragment, 4 an event, 7 CLOSE), its change, and the verdict.
SIGNED = {
    "private key in the payload": (0, lambda p: p.update({64: "x"}), "genuine"),
    "private key in the body": (0, lambda p: p[6].update({64: {"a": b"", "b": [None, True, -5]}}), "genuine"),
    "private key in the clock": (0, lambda p: p[6][12].update({2**63: 1}), "genuine"),
    "unknown key": (0, lambda p: p[6].update({63: 1}), "changed"),
    "integers of 64 bits": (0, lambda p: p[6].update({64: [2**64 - 1, -(2**64)]}), "genuine"),
    "nested twelve deep": (0, lambda p: p.update({64: nested(11)}), "genuine"),
    "another version": (0, lambda p: p[6].update({1: 2}), "changed"),
    "reserved suite": (0, lambda p: p[6].update({2: 2}), "changed"),
    "not a UUIDv7": (0, lambda p: p.update({2: bytes(16)}), "genuine"),
    "private trigger": (0, lambda p: p[6].update({14: 64}), "changed"),
    "private clock source": (0, lambda p: p[6][12].update({3: 64}), "changed"),
    "half a predecessor": (0, lambda p: p[6].update({6: bytes(16)}), "changed"),
    "no track": (0, lambda p: p[6].update({16: []}), "changed"),
    "one track twice": (0, lambda p: p[6].update({16: p[6][16][:1] * 2}), "changed"),
    "reserved codec": (0, track(codec=2), "changed"),
    "private codec": (0, track(codec=64), "changed"),
    "reserved container": (0, track(container=2), "changed"),
    "true for a container": (0, track(container=True), "changed"),
    "true for a kind": (0, track(kind=True), "changed"),
    "largest track id": (0, track(id=2**63 - 1), "genuine"),
    "too large a track id": (0, track(id=2**63), "changed"),
    "largest timescale": (0, track(timescale=2**32), "genuine"),
    "too large a timescale": (0, track(timescale=2**32 + 1), "changed"),
    "no timescale": (0, track(timescale=0), "changed"),
    "an anchor": (0, anchored("log", 5, bytes(32), b""), "genuine"),
    "true for a size": (0, anchored("log", True, bytes(32), b""), "changed"),
    "too large a size": (0, anchored("log", 2**63, bytes(32), b""), "changed"),
    "half a nonce": (0, anchored("log", 5, bytes(32), bytes(16)), "changed"),
    "unknown flag": (2, lambda p: p[6].update({5: 16}), "changed"),
    "times of no track": (2, lambda p: p[6].update({4: [[9, 0, 1]]}), "changed"),
    "times of one track twice": (2, lambda p: p[6].update({4: p[6][4][:1] * 2}), "changed"),
    "no times": (2, lambda p: p[6].update({4: []}), "changed"),
    "an init unit with times": (2, lambda p: p[6].update({5: 4}), "changed"),
    "near the end of time": (2, lambda p: p[6].update({4: [[1, 90_000 * 9_223_371_000, 90_000]]}), "genuine"),
    "past the end of time": (2, lambda p: p[6].update({4: [[1, 90_000 * 9_223_372_000, 90_000]]}), "changed"),
    "past the end of numbers": (2, lambda p: p[6].update({4: [[1, 2**63 - 1, 2**63 - 1]]}), "changed"),
    "an empty ciphertext": (2, lambda p: p[6].update({1: 16}), "changed"),
    "private kind of event": (4, event(64, {1: "anything"}), "genuine"),
    "private kind with text keys": (4, event(64, {"a": 1}), "changed"),
    "unknown kind of event": (4, event(15), "changed"),
    "an event of the journal": (4, event(32, {1: 1}), "changed"),
    "no public part": (4, event(r.EventKind.MARKER), "changed"),
    "an instant that is none": (4, event(r.EventKind.MARKER, {1: -1}), "changed"),
    "below freezing": (4, event(r.EventKind.THERMAL, {1: 0, 2: -20}), "genuine"),
    "coldest": (4, event(r.EventKind.THERMAL, {1: 0, 2: -(2**63)}), "genuine"),
    "colder": (4, event(r.EventKind.THERMAL, {1: 0, 2: -(2**63) - 1}), "changed"),
    "unknown mute reason": (4, event(r.EventKind.MUTE_ON, {1: 6, 2: 10**18}), "changed"),
    "private mute reason": (4, event(r.EventKind.MUTE_ON, {1: 64, 2: 10**18}), "changed"),
    "private category": (4, event(r.EventKind.CATEGORY, {1: 64, 2: False}), "genuine"),
    "unknown category": (4, event(r.EventKind.CATEGORY, {1: 11, 2: False}), "changed"),
    "an earlier time": (4, lambda p: p.update({5: 1}), "changed"),
    "another predecessor": (4, lambda p: p.update({4: bytes(32)}), "changed"),
    "a private reason to close": (7, closed(_1=64), "changed"),
    "ends in another order": (7, lambda p: p[6][3].reverse(), "changed"),
    "an end too many": (7, lambda p: p[6][3].append([3, 0]), "changed"),
    "a fragment too many": (7, closed(_2=6), "changed"),
    "recovered": (7, lambda p: p.update({5: 0, 6: p[6] | {1: 6, 4: 2}}), "genuine"),
    "recovered in the same start": (7, closed(_1=6, _4=1), "changed"),
    "recovered in no start": (7, closed(_1=6), "changed"),
    "a later start and not recovered": (7, closed(_4=2), "changed"),
}


@pytest.mark.parametrize("case", SIGNED)
def test_what_a_camera_may_and_may_not_sign(case, both, trust, tmp_path):
    camera = AGENCY.camera()
    rec = camera.record()
    last, change, expected = SIGNED[case]
    entries = [*rec.entries[:last], resign(rec.entries[last], camera.signer, change)]
    media = rec.media[: sum(r.parse_entry(entry).type == r.EntryType.FRAG for entry in rec.entries[: last + 1])]
    assert both(write(tmp_path / "rec", entries, media), trust) == expected


def test_nested_deeper_than_readers_go(both, trust, tmp_path):
    """Our writer refuses to spell it, so it is spelled by hand."""
    camera = AGENCY.camera()
    signed = r.parse_entry(camera.record().entries[0]).signed
    for levels, expected in ((11, "genuine"), (12, "changed"), (200_000, "changed")):
        payload = r.cbor.decode(signed.payload) | {64: "here"}
        spelled = r.cbor.encode(payload).replace(b"\x64here", b"\x81" * levels + b"\x00")
        chain = camera.chain
        entry = r.sign1(spelled, typ="application/vnd.openbwv.entry+cbor", signer=camera.signer, x5chain=chain)
        assert both(write(tmp_path / "rec", [entry], []), trust) == expected, levels


@pytest.mark.parametrize("count", [60, pytest.param(800, marks=pytest.mark.long)])
def test_whatever_a_camera_signs_both_judge_it_alike(count, both, trust, tmp_path):
    chance, camera, words = random.Random(count), AGENCY.camera(), set()
    for _ in range(count):
        words.add(both(write(tmp_path / "rec", *dishonest.recording(camera, chance)), trust))
    assert words == {"genuine", "changed"}


def dropped(script):
    return script.event(r.EventKind.DROP, _1=script.zero)


SCRIPTS = {
    "mute": lambda: Script().fragments(3).mute(3).fragments(5, flags=MUTED).unmute(8).fragments(2),
    "mute within the edge": lambda: Script().fragments(3).mute(3.9).fragments(1).fragments(1, flags=MUTED),
    "flagged within the edge": lambda: Script().mute(1.099).fragments(2, flags=MUTED),
    "flagged outside the edge": lambda: Script().mute(1.1).fragments(2, flags=MUTED),
    "unflagged": lambda: Script().fragments(3).mute(3).fragments(2, flags=MUTED).fragments(1),
    "flagged before its event": lambda: Script().fragments(1, flags=MUTED).mute(0.95).fragments(1, flags=MUTED),
    "two short mutes": lambda: Script().mute(0.2).unmute(0.26).mute(0.5).unmute(0.56).fragments(1),
    "one short mute": lambda: Script().mute(0.2).unmute(0.26).fragments(1),
    "a mute that ends before it begins": lambda: Script().mute(0.5).unmute(0.2).fragments(1, flags=MUTED),
    "reaching back": lambda: Script().fragments(5).mute(3).fragments(1, flags=MUTED),
    "muted twice": lambda: Script().mute(0).mute(0).fragments(1, flags=MUTED),
    "unmuted unasked": lambda: Script().unmute(0).fragments(1),
    "pre-event": lambda: Script(pre_ms=5000).fragments(3, flags=PRE, late_ns=SECOND).fragments(1, late_ns=SECOND),
    "pre-event not announced": lambda: Script().fragments(1, flags=PRE),
    "pre-event late": lambda: Script(pre_ms=5000).fragments(1, flags=PRE, late_ns=15 * SECOND + 1),
    "pre-event at the last moment": lambda: Script(pre_ms=5000).fragments(1, flags=PRE, late_ns=15 * SECOND),
    "pre-event after others": lambda: Script(pre_ms=5000).fragments(1).fragments(1, flags=PRE),
    "a hole": lambda: Script().fragments(2).fragments(1, times=shifted(2, 251, 0)),
    "a hole in the sound": lambda: Script().fragments(2).fragments(1, times=shifted(2, 0, -51)),
    "a hole that is none": lambda: Script().fragments(2).fragments(1, times=shifted(2, -250, 50)),
    "a hole after a flag": lambda: Script().fragments(2).fragments(1, times=shifted(9), flags=8),
    "a hole after a drop": lambda: dropped(Script().fragments(2)).fragments(1, times=shifted(9)),
    "a drop and a second hole": lambda: dropped(Script().fragments(2)).fragments(1).fragments(1, times=shifted(9)),
    "a drop and sound that comes back later": lambda: (
        dropped(Script().fragments(2)).fragments(1, times=shifted(2)[:1]).fragments(1)
    ),
    "sound that goes and comes back": lambda: Script().fragments(2).fragments(1, times=shifted(2)[:1]).fragments(1),
}
WRONG = {
    "flagged outside the edge", "unflagged", "flagged before its event", "two short mutes", "reaching back",
    "muted twice", "unmuted unasked", "pre-event not announced", "pre-event late", "pre-event after others", "a hole",
    "a hole in the sound", "a drop and a second hole", "sound that goes and comes back",
}  # fmt: skip


@pytest.mark.parametrize("case", SCRIPTS)
def test_the_rules_of_the_timeline(case, both, tmp_path):
    script = SCRIPTS[case]()
    rec = script.camera.finish(script.builder, script.rec, second=script.second + 10_000)
    believed = script.camera.agency.write_trust(tmp_path / "trust.pem")
    expected = "changed" if case in WRONG else "genuine"
    assert both(write(tmp_path / "rec", rec.entries, rec.media), believed) == expected


def uses(*oids, critical=False):
    return [*certificates.LEAF[:2], (x509.ExtendedKeyUsage(oids), critical)]


def and_critical(extensions, oid):
    return [*extensions, (x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"\x05\x00"), True)]


CHAINS = {
    "bare": ({}, "genuine"),
    "critical use": ({"leaf": uses(r.USE_CAMERA, critical=True)}, "genuine"),
    "a foreign use beside": ({"leaf": uses(r.USE_CAMERA, ExtendedKeyUsageOID.CLIENT_AUTH)}, "genuine"),
    "two of our uses": ({"leaf": uses(r.USE_CAMERA, r.USE_DOCK)}, "changed"),
    "another use": ({"leaf": uses(r.USE_DOCK)}, "changed"),
    "no use": ({"leaf": certificates.LEAF[:2]}, "changed"),
    "any use": ({"leaf": uses(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)}, "changed"),
    "no key usage": ({"leaf": certificates.LEAF[::2]}, "changed"),
    "a leaf that certifies": ({"leaf": certificates.LEAF[1:] + certificates.CA[:1]}, "changed"),
    "unknown and critical": ({"leaf": and_critical(certificates.LEAF, "1.2.3.4")}, "changed"),
    "critical pretence": ({"root": and_critical(certificates.CA, PRETEND_OID.dotted_string)}, "changed"),
    "a root that may not certify": ({"root": certificates.LEAF[:2]}, "changed"),
    "another issuer's name": ({"leaf_issuer": "someone else"}, "changed"),
    "another issuer's key": ({"wrong_issuer": True}, "changed"),
}


@pytest.mark.parametrize("case", CHAINS)
def test_certificate_chains(case, both, tmp_path):
    camera = Agency().camera()
    change, expected = CHAINS[case]
    camera.chain = certificates.chain_of(leaf_key=camera.key, **change)
    believed = tmp_path / "trust.pem"
    believed.write_bytes(r.to_pem(camera.chain[-1:]))
    assert both(camera.record(1).write(tmp_path / "rec"), believed) == expected


@pytest.mark.parametrize(("days", "source"), [(-2, 1), (9000, 1), (-2, 0), (9000, 0), (1, 1)])
def test_dates_count_where_the_clock_was_set(days, source, both, trust, tmp_path):
    camera = AGENCY.camera()
    clock = r.ClockState(camera.utc_ms + days * 86_400_000, 50, r.ClockSource(source), 0)
    expected = "changed" if source and days != 1 else "genuine"
    assert both(camera.record(clock=clock).write(tmp_path / "rec"), trust) == expected
