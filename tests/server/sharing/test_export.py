"""The offline bundle: whole, sealed, logged, and judged by programs that are not the server's."""

import base64
import hashlib
import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from openbwv.custody import EventType
from openbwv.recording import from_pem
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.actions import revoke
from openbwv.server.fleet.revocation import publish_revocations
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.rights import ReasonMissing
from openbwv.server.sharing.actions import export_recording
from openbwv.server.sharing.errors import NotExportable, TargetExists
from openbwv.server.trail.errors import LogNotRunning
from openbwv.server.trail.models import Event
from openbwv.shared import agency
from openbwv.verify.cli import main as verify
from tests.browser.footage import encode
from tests.server.sharing.conftest import units_of

WHY = "For the defence, case 12/26"


@pytest.fixture
def bundle(stored, gale, clock, tmp_path):
    return export_recording(recording=stored, to=tmp_path / "bundle", actor=gale, reason=WHY, clock=clock)


def judged(path: Path, capsys, *more: str) -> tuple[int, dict]:
    capsys.readouterr()
    code = verify([str(path), "--json", *more])
    return code, json.loads(capsys.readouterr().out)


def test_a_bundle_is_genuine_for_whoever_trusts_the_force(bundle, state, capsys):
    code, answer = judged(bundle, capsys, "--trust", str(state / "trust.pem"))
    assert (code, answer["verdict"], answer["signer"]) == (0, "genuine", "trusted"), json.dumps(answer["reasons"])


def test_without_a_trust_file_nobody_can_tell_whose_it_is(bundle, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    code, answer = judged(bundle, capsys)
    assert (code, answer["verdict"]) == (2, "cannot-tell")


def test_the_master_is_byte_for_byte_what_the_camera_made(bundle, footage):
    assert (bundle / "data/master.mp4").read_bytes() == b"".join(unit for _, unit in footage.plain)


def test_the_viewing_copy_holds_the_same_packets_with_its_index_in_front(bundle):
    view = bundle / "data/view.mp4"
    assert packets_of(view) == packets_of(bundle / "data/master.mp4")
    head = view.read_bytes()
    assert 0 < head.index(b"moov") < head.index(b"mdat")


def packets_of(path: Path) -> list[str]:
    """Return each packet's stream and hash, by ffprobe."""
    command = ["ffprobe", "-v", "error", "-show_data_hash", "sha256", "-show_entries", "packet=codec_type,data_hash"]
    shown = subprocess.run([*command, "-of", "csv=p=0", str(path)], check=True, capture_output=True, text=True)
    lines = shown.stdout.split()
    assert lines
    return sorted(lines)


def test_bagit_finds_it_whole_and_says_so_when_a_byte_flips(bundle):
    command = [sys.executable, "-m", "bagit", "--validate", str(bundle)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    flip(bundle / "data/master.mp4", 5000)
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("name", ["data/master.mp4", "data/manifest.cbor", "data/custody.jsonl", "READ-ME-FIRST.html"])
def test_one_flipped_byte_in_any_file_is_changed(bundle, state, capsys, name):
    flip(bundle / name, 400)
    code, answer = judged(bundle, capsys, "--trust", str(state / "trust.pem"))
    assert (code, answer["verdict"]) == (1, "changed")


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_the_certificate_of_an_earlier_log_that_took_the_ingest_comes_along(stored, keyd, gale, clock, tmp_path):
    ring = keyd.ring
    plain = export_recording(recording=stored, to=tmp_path / "one", actor=gale, reason=WHY, clock=clock)
    ring.earlier_logs[ring.origin] = agency.to_der(ring.log_cert)
    after = export_recording(recording=stored, to=tmp_path / "two", actor=gale, reason=WHY, clock=clock)
    assert not (plain / "data/earlier-log-chain.pem").exists()
    chain = from_pem((after / "data/earlier-log-chain.pem").read_bytes())
    assert chain == [agency.to_der(ring.log_cert), agency.to_der(ring.agency_cert)]


def test_a_sealed_bundle_holds_ciphertext_and_asks_for_no_key(stored, footage, gale, clock, tmp_path, state, capsys):
    before = Event.objects.filter(type=EventType.KEY_RELEASE).count()
    folder = export_recording(
        recording=stored, to=tmp_path / "sealed", actor=gale, reason=WHY, sealed=True, clock=clock
    )
    assert (folder / "data/media.bin").read_bytes() == footage.media
    assert not (folder / "data/commit.key").exists()
    assert Event.objects.filter(type=EventType.KEY_RELEASE).count() == before
    code, answer = judged(folder, capsys, "--trust", str(state / "trust.pem"))
    assert (code, answer["verdict"]) == (0, "genuine"), answer


def test_the_events_say_who_why_and_which_bundle(bundle, stored, gale):
    release = Event.objects.get(type=EventType.KEY_RELEASE, recording=stored, details__purpose="export")
    export = Event.objects.get(type=EventType.EXPORT)
    assert release.actor == export.actor == gale
    assert release.why == export.why == WHY
    sealed = subprocess.run(["sha256sum", str(bundle / "tagmanifest-sha256.txt")], check=True, capture_output=True)
    assert sealed.stdout.decode().split()[0] == export.details["tagmanifest_sha256"]


@pytest.mark.parametrize("who", ["frankie", "avery", "blake", "devi", "lou"])
def test_who_may_not_export_gets_nothing(who, stored, clock, tmp_path, request):
    with pytest.raises(NotPermitted):
        export_recording(
            recording=stored, to=tmp_path / "b", actor=request.getfixturevalue(who), reason=WHY, clock=clock
        )
    assert not list(tmp_path.glob("*b*unfinished"))
    assert not (tmp_path / "b").exists()


def test_it_needs_a_reason_and_a_new_folder(stored, gale, clock, tmp_path):
    with pytest.raises(ReasonMissing):
        export_recording(recording=stored, to=tmp_path / "b", actor=gale, reason=" ", clock=clock)
    (tmp_path / "there").mkdir()
    with pytest.raises(TargetExists):
        export_recording(recording=stored, to=tmp_path / "there", actor=gale, reason=WHY, clock=clock)


def test_what_is_not_stored_cannot_be_exported(stored, gale, clock, tmp_path):
    stored.state = "arriving"
    stored.save()
    with pytest.raises(NotExportable):
        export_recording(recording=stored, to=tmp_path / "b", actor=gale, reason=WHY, clock=clock)


def test_when_the_log_stops_no_folder_appears(stored, gale, clock, tmp_path, monkeypatch):
    from openbwv.server.sharing import actions

    def stopped(_event):
        raise LogNotRunning(what="The log is not running.", remedy="Start it.")

    monkeypatch.setattr(actions, "wait_for_leaf", stopped)
    with pytest.raises(LogNotRunning):
        export_recording(recording=stored, to=tmp_path / "b", actor=gale, reason=WHY, clock=clock)
    assert not list(tmp_path.glob(".b*"))
    assert not (tmp_path / "b").exists()


def test_what_recovery_set_aside_travels_along_and_is_called_no_evidence(
    door, running_log, gale, clock, tmp_path, state, capsys
):
    made = door.camera.record(utc_ms=door.clock.utc_ms(), units=units_of(encode(fps=10, seconds=2, b_frames=False)))
    door.announce(made)
    door.send(made)
    orphan = b"half a fragment" * 100
    digest = hashlib.sha256(orphan).digest()
    headers = {"content-digest": f"sha-256=:{base64.b64encode(digest).decode()}:"}
    status, answer, _ = door.ask("PUT", f"/recordings/{made.hex}/orphan", orphan, headers=headers)
    assert status == 201, answer
    status, receipt, _ = door.complete(made, orphan_length=len(orphan), orphan_sha256=digest.hex())
    assert status == 200, receipt
    recording = Recording.objects.get(pk=uuid.UUID(bytes=made.rec_id))
    folder = export_recording(recording=recording, to=tmp_path / "b", actor=gale, reason=WHY, clock=clock)
    assert (folder / "data/orphan.bin").read_bytes() == orphan
    code, answer = judged(folder, capsys, "--trust", str(state / "trust.pem"))
    assert code == 0, answer["reasons"]
    assert any("orphan" in each["code"] for each in answer["not_checked"])


def test_the_agencys_list_of_revocations_travels_along_and_answers_who_signed(
    stored, door, harper, gale, clock, tmp_path, state, capsys
):
    clock.advance(60_000)
    revoke(device=door.camera_row, actor=harper, why="lost", clock=clock)
    publish_revocations(clock)
    folder = export_recording(recording=stored, to=tmp_path / "bundle", actor=gale, reason=WHY, clock=clock)
    beside = state / "revocations.pem"
    assert (folder / "data" / "revocations.pem").read_bytes() == beside.read_bytes()
    beside.unlink()  # the bundle's own list says it
    code, answer = judged(folder, capsys, "--trust", str(state / "trust.pem"))
    assert (code, answer["signer"]) == (0, "trusted"), json.dumps(answer["reasons"])
    assert "revoked-later" in {each["code"] for each in answer["not_checked"]}
