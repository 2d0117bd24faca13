"""The command: exit codes, trust files, the commitment key, streaming, and failures that are no verdicts."""

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from openbwv import command
from openbwv import recording as r
from openbwv.command import run
from openbwv.verify import cli
from openbwv.verify.cli import main
from tests.recording.factory import Agency, flip_last
from tests.verify.conftest import codes, unseen


@pytest.fixture
def folder(camera, tmp_path):
    return camera.record().write(tmp_path / "rec")


def test_no_trust_file_cannot_tell_and_names_the_key(camera, folder, judge):
    code, shown = judge(folder)
    assert (code, shown["signer"], codes(shown)) == (2, "unknown", {"signer-not-checked"})
    text = shown["reasons"][0]["what"]
    assert camera.signer.kid.hex() in text
    assert "whose key that is was not checked" in text


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [("Thornbury Police", 1, "signer-same-name"), ("Elsewhere Police", 2, "signer-unknown")],
)
def test_another_root(name, code, reason, folder, judge):
    exit_code, shown = judge(folder, Agency(name))
    assert (exit_code, codes(shown), shown["signer"]) == (code, {reason}, "unknown")


def test_the_shape_of_the_answer(agency, folder, judge):
    _, shown = judge(folder, agency)
    assert list(shown) == [
        "verdict", "closed", "through_seq", "signer", "reasons", "not_checked", "proves", "does_not_prove",
    ]  # fmt: skip
    assert all(set(item) == {"code", "where", "what"} for item in shown["not_checked"])
    assert "revocation" in unseen(shown)


def test_an_installed_trust_file_is_used(agency, folder, judge, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "openbwv").mkdir(parents=True)
    agency.write_trust(tmp_path / "config" / "openbwv" / "trust.pem")
    assert judge(folder)[0] == 0
    assert judge(folder, Agency("Elsewhere Police"))[0] == 2, "--trust wins"


def test_a_trust_file_inside_the_path_counts_only_when_named(agency, folder, judge, monkeypatch):
    inside = folder / "openbwv" / "trust.pem"
    inside.parent.mkdir()
    agency.write_trust(inside)
    agency.write_trust(folder / "trust.pem")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    assert judge(folder)[0] == 2
    assert judge(folder, None, "--trust", folder / "trust.pem")[0] == 0


def test_an_installed_trust_file_that_is_none_is_said_so_and_is_no_verdict(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "openbwv").mkdir(parents=True)
    (tmp_path / "config" / "openbwv" / "trust.pem").write_text("not a certificate")
    assert run(main, [str(folder)]) == 64


def test_the_commitment_key_and_the_decrypted_video(agency, camera, judge, tmp_path):
    rec = camera.record()
    folder = rec.write(tmp_path / "rec")
    key, master = tmp_path / "commit.key", tmp_path / "master.mp4"
    key.write_text(rec.commit_key.hex() + "\n")
    master.write_bytes(b"".join(rec.plain))
    options = ("--commit-key", key, "--decrypted", master)
    code, shown = judge(folder, agency, *options)
    assert (code, "plaintext" in unseen(shown)) == (0, False)
    key.write_bytes(rec.commit_key)
    assert judge(folder, agency, *options)[0] == 0
    for spoilt, reason in (
        (rec.plain[0] + flip_last(rec.plain[1]) + b"".join(rec.plain[2:]), "plaintext-changed"),
        (b"".join(rec.plain) + b"x", "uncovered-bytes"),
        (b"".join(rec.plain)[:-1], "fragment-missing"),
    ):
        master.write_bytes(spoilt)
        code, shown = judge(folder, agency, *options)
        assert (code, codes(shown)) == (1, {reason})
    master.write_bytes(b"".join(rec.plain))
    key.write_text(bytes(32).hex())
    code, shown = judge(folder, agency, *options)
    assert (code, codes(shown)) == (1, {"key-mismatch"})


def test_muted_sound_is_not_decoded_with_the_key_either_and_that_is_said(agency, camera, judge, tmp_path):
    builder, rec = camera.start()
    public = {1: int(r.MuteReason.PRIVACY), 2: camera.mono_ns}
    rec.entries.append(builder.event(r.EventKind.MUTE_ON, mono_ns=camera.mono_ns, public=public))
    camera.add(builder, rec, 0, flags=r.FragFlag.MUTED)
    camera.finish(builder, rec)
    key, master = tmp_path / "commit.key", tmp_path / "master.mp4"
    key.write_bytes(rec.commit_key)
    master.write_bytes(b"".join(rec.plain))
    code, shown = judge(rec.write(tmp_path / "rec"), agency, "--commit-key", key, "--decrypted", master)
    assert (code, "muted-sound" in unseen(shown)) == (0, True)
    assert any("muted" in text and "never decoded" in text for text in shown["does_not_prove"])
    assert "muted-sound" not in unseen(judge(camera.record().write(tmp_path / "other"), agency)[1])


def test_a_media_file_that_is_not_there(agency, folder, judge):
    (folder / "media.bin").unlink()
    assert codes(judge(folder, agency)[1]) == {"fragment-missing"}
    (folder / "manifest.cbor").unlink()
    assert codes(judge(folder, agency)[1]) == {"open-missing"}


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["a", "b"], ["--unknown", "x"], ["/does/not/exist"], ["FOLDER", "--trust", "/does/not/exist"],
        ["FOLDER", "--trust", "FOLDER/manifest.cbor"], ["FOLDER", "--decrypted", "FOLDER/media.bin"],
        ["FOLDER", "--commit-key", "/does/not/exist"], ["FOLDER/manifest.cbor"], ["EMPTY"],
        ["FOLDER", "--commit-key", "FOLDER/media.bin"],
    ],
)  # fmt: skip
def test_bad_usage_is_64(arguments, folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    given = [a.replace("FOLDER", str(folder)).replace("EMPTY", str(tmp_path / "empty")) for a in arguments]
    try:
        code = run(main, given)
    except SystemExit as stop:  # argparse
        code = stop.code
    assert code == 64
    assert len(capsys.readouterr().err) > 20


def test_an_error_says_what_and_what_to_do_in_json(capsys):
    assert run(main, ["/does/not/exist", "--json"]) == 64
    shown = json.loads(capsys.readouterr().out)["error"]
    assert shown["code"] == "nothing-to-verify"
    assert shown["what"]
    assert shown["remedy"]


@pytest.mark.parametrize("problem", [RuntimeError("bug"), MemoryError(), RecursionError(), AssertionError()])
def test_an_internal_error_is_70_and_never_a_verdict(problem, agency, folder, monkeypatch, capsys):
    def broken(*args, **more):
        raise problem

    monkeypatch.setattr(cli, "verify_folder", broken)
    assert run(main, [str(folder)]) == 70
    assert "internal error" in capsys.readouterr().err


def test_a_traceback_in_a_real_process_ends_in_70(folder):
    code = (
        "import openbwv.verify.cli as cli, openbwv.command as c\n"
        "cli.verify_folder = lambda *a, **k: 1 / 0\n"
        f"raise SystemExit(c.main(['verify', {str(folder)!r}]))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 70


def test_a_reader_that_went_away_before_the_answer_is_141():
    """As a shell counts SIGPIPE: 0 would read as genuine, or as a deed that was done."""
    code = (
        "import sys, openbwv.command as c\n"
        "def deed(arguments):\n"
        "    sys.stdout.write('x' * 100_000)\n"
        "    sys.stdout.flush()\n"
        "    return 0\n"
        "raise SystemExit(c.run(deed, []))"
    )
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def test_an_unreadable_disk_is_74(folder, monkeypatch):
    def broken(*args, **more):
        raise OSError(5, "Input/output error", str(folder / "media.bin"))

    monkeypatch.setattr(cli, "verify_folder", broken)
    assert run(main, [str(folder)]) == 74


def test_a_reader_that_goes_away_does_not_change_the_verdict(agency, folder, tmp_path):
    script = Path(command.__file__).parents[1]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "openbwv", "verify", folder],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        cwd=script,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)},
    )
    os.close(write)
    assert done.returncode == 2, done.stderr


def test_the_command_is_on_the_table(agency, folder, tmp_path):
    trust = agency.write_trust(tmp_path / "trust.pem")
    done = subprocess.run(
        [sys.executable, "-m", "openbwv", "verify", folder, "--trust", trust],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("GENUINE")


def test_help_has_examples_and_exit_codes(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    shown = capsys.readouterr().out
    assert stop.value.code == 0
    assert "examples:" in shown
    assert "cannot tell" in shown


def test_a_terminal_is_not_obeyed_by_what_files_say(agency, folder, tmp_path, capsys):
    nasty = folder.rename(tmp_path / "rec\x1b[31m\udcff")
    run(main, [str(nasty)])
    assert "\x1b" not in capsys.readouterr().out


def test_memory_does_not_grow_with_the_recording(agency, camera, tmp_path):
    def peak(seconds):
        folder = camera.record(seconds, size=1 << 20).write(tmp_path / str(seconds))
        tracemalloc.start()
        cli.judge(folder, trust=None, commit_key=None, decrypted=None)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    small, large = peak(2), peak(24)
    assert large < small + (1 << 20), (small, large)
    assert large < 8 << 20


def test_a_long_manifest_is_not_held_either(agency, camera):
    builder, rec = camera.start()
    tracemalloc.start()

    def manifest():
        yield from rec.entries
        for _ in range(1500):
            yield builder.event(r.EventKind.MARKER, mono_ns=camera.mono_ns + 10**9, public={1: 1})

    import io

    verdict = r.verify_recording(manifest(), io.BytesIO(rec.media_bin), trust=agency.trust)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert verdict.through_seq == 1501
    assert used < 2 << 20
