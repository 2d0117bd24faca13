"""`./bwv init` makes a whole force, once, and says where everything is."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

from openbwv.recording import PRETEND_OID, USE_DOOR, check_chain
from openbwv.server.vault.force import read_force
from openbwv.server.vault.keyd import keyring
from openbwv.shared import agency

pytestmark = pytest.mark.sqlite

PASSPHRASE = "a passphrase for this test"


def run(folder, *arguments, passphrase=PASSPHRASE, environment=None, stdin=subprocess.DEVNULL):
    given = {name: value for name, value in os.environ.items() if not name.startswith("BWV_")}
    if passphrase is not None:
        (folder / "pass").write_text(passphrase + "\n")
        given["BWV_KEYRING_PASSPHRASE_FILE"] = str(folder / "pass")
    return subprocess.run(
        [sys.executable, "-m", "openbwv", "init", *map(str, arguments)],
        env=given | (environment or {}),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("init")
    done = run(folder, "--state", folder / "s", "--name", "Test Force", "--admin", "lou", "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_it_says_what_it_made(made):
    folder, told = made
    force = read_force(folder / "s")
    assert (force.name, force.fingerprint, force.vkey) == ("Test Force", told["fingerprint"], told["vkey"])
    assert told["admin"]["username"] == "lou"
    assert len(told["admin"]["password"]) >= 16
    trust = x509.load_pem_x509_certificate((folder / "s" / "trust.pem").read_bytes())
    assert not any(extension.oid == PRETEND_OID for extension in trust.extensions)


def test_passphrase_and_recovery_sheet_open_the_keyring(made):
    folder, told = made
    sheet = Path(told["recovery_sheet"]).read_text(encoding="utf-8")
    code = re.search(r"([A-Z2-7]{4}-){7}[A-Z2-7]{4}", sheet).group(0)
    for secret in (PASSPHRASE, code):
        assert keyring.load(folder / "s" / "keyring", secret).vkey == told["vkey"]
    assert told["fingerprint"][:8] in sheet


def test_nothing_secret_may_be_read_by_others(made):
    folder, told = made
    for path in (*(folder / "s").rglob("*"), folder / "s"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.name not in ("trust.pem", "force.json", "log.vkey", "door.pem", "crl.pem", "server.sqlite3"):
            assert not mode & 0o077, f"{path}: {mode:o}"
    assert not stat.S_IMODE(os.stat(told["recovery_sheet"]).st_mode) & 0o077


def test_no_file_holds_a_secret_in_the_clear(made):
    folder, told = made
    secrets = [PASSPHRASE.encode(), told["admin"]["password"].encode()]
    for path in (folder / "s").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(secret in data for secret in secrets), path


def test_the_door_has_a_certificate_of_this_force(made):
    folder, _ = made
    chain = x509.load_pem_x509_certificates((folder / "s" / "tls" / "door.pem").read_bytes())
    facts = check_chain([agency.to_der(each) for each in chain], use=USE_DOOR)
    assert facts.san_uri == "urn:bwv:door:door"


def test_a_force_that_is_there_is_never_overwritten(made):
    folder, _ = made
    before = (folder / "s" / "keyring").read_bytes()
    done = run(folder, "--state", folder / "s", "--name", "Other", "--admin", "lou")
    assert done.returncode == 73
    assert "not empty" in done.stderr
    assert (folder / "s" / "keyring").read_bytes() == before


def test_a_try_that_broke_off_is_begun_anew(tmp_path):
    state = tmp_path / "s"
    state.mkdir()
    (state / "init-unfinished").write_text("x")
    (state / "keyring").write_text("half")
    done = run(tmp_path, "--state", state, "--name", "Again", "--admin", "lou", "--json")
    assert done.returncode == 0, done.stderr
    assert not (state / "init-unfinished").exists()


def test_pretend_is_written_into_the_ca_at_creation(tmp_path):
    (tmp_path / "admin").write_text("a long password for lou\n")
    options = ("--pretend", "--admin-password-file", tmp_path / "admin", "--json")
    done = run(tmp_path, "--state", tmp_path / "s", "--name", "Pretend", "--admin", "lou", *options)
    told = json.loads(done.stdout)
    assert told["pretend"] is True
    assert "password" not in told["admin"]
    trust = x509.load_pem_x509_certificate((tmp_path / "s" / "trust.pem").read_bytes())
    assert any(extension.oid == PRETEND_OID for extension in trust.extensions)


@pytest.mark.parametrize(
    ("passphrase", "name", "status"), [("short", "Force", 78), (None, "Force", 78), (PASSPHRASE, "", 64)]
)
def test_what_is_missing_is_named_before_anything_is_made(tmp_path, passphrase, name, status):
    done = run(tmp_path, "--state", tmp_path / "s", "--name", name, "--admin", "lou", passphrase=passphrase)
    assert done.returncode == status
    assert not (tmp_path / "s").exists()


def test_without_a_terminal_everything_missing_is_named_at_once(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 64
    assert "--state, --name, --admin" in done.stderr


def test_on_a_terminal_it_asks_for_what_is_missing(tmp_path):
    ours, theirs = os.openpty()
    try:
        os.write(ours, f"{tmp_path / 's'}\n\nAsked Force\nlou\n".encode())  # an empty answer is asked for again
        done = run(tmp_path, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert read_force(tmp_path / "s").name == "Asked Force"
    assert "Administrator: lou" in done.stdout
