"""Footage goes in, is derived from and watched; afterwards no plaintext is in any file of the force."""

import contextlib
import re
import secrets
import subprocess
import sys

import httpx
import pytest

from openbwv.shared.upload import Progress, announce, finish, patiently, send_media
from tests.scenarios.force import RealForce, free_port, wait_until
from tests.scenarios.test_door_over_tls import NOW_MS, parcel
from tests.scenarios.windows import WINDOW, files_holding, windows_of
from tests.server.vault.test_viewing import real_units

pytestmark = pytest.mark.timeout(600)  # on a busy machine the force alone takes a minute to begin


@pytest.fixture(scope="module")
def force(tmp_path_factory):
    made = RealForce(tmp_path_factory.mktemp("force"))
    try:
        made.start_keyd()
        made.start_worker()
        made.start_door()
        made.pages = free_port()
        process = made.start("pages", "server", "--state", made.state, "--port", made.pages)
        assert "listening" in process.stdout.readline()
        yield made
    finally:
        made.close()


def add_person(force, username, role):
    password = secrets.token_urlsafe(12)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openbwv", "person", "add", username, "--name", username.title(), "--role", role),
            *("--as", "lou", "--reason", "scenario", "--state", str(force.state), "--password-stdin"),
        ],
        env=force.environment,
        input=password + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return password


def sign_in(force, username, password):
    client = httpx.Client(base_url=f"http://127.0.0.1:{force.pages}", follow_redirects=True, timeout=30)
    page = client.get("/account/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)
    answer = client.post(
        "/account/login/", data={"login": username, "password": password, "csrfmiddlewaretoken": token}
    )
    assert answer.status_code == 200, answer.text
    return client


def watch(force, client, reference, plain):
    """Watch everything as the player does, comparing with what the camera made."""
    page = client.get(f"/recordings/{reference}").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)
    answer = client.post(
        f"/recordings/{reference}/watch", data={"reason": "to prepare an interview", "csrfmiddlewaretoken": token}
    )
    assert answer.status_code == 200, answer.text[:500]
    media = re.search(r'data-media="([^"]+)"', answer.text).group(1)
    index = client.get(f"{media}index.json").json()
    assert index["mime"].startswith("video/mp4; codecs=")
    for part in [index["init"], *index["parts"]]:
        what = "init" if part is index["init"] else part["seq"]
        assert client.get(f"{media}{what}").content == plain[part["seq"]]
    return index


def test_after_upload_index_still_and_watching_no_file_holds_a_window_of_the_footage(force):
    key, chain = force.device("dock", "Lewisham-1")
    footage = force.camera().record(utc_ms=NOW_MS, units=[*real_units(), secrets.token_bytes(50_000)])
    with force.client(key, chain, "Lewisham-1") as client:
        client.greet()
        sent = parcel(footage)
        announce(client, sent)
        send_media(client, sent, progress=Progress())
        assert patiently(lambda: finish(client, sent), tries=60)
    ((reference,),) = force.query("SELECT reference FROM evidence_recording")
    password = add_person(force, "gale", "investigator")
    with contextlib.closing(sign_in(force, "gale", password)) as browser:
        index = watch(force, browser, reference, dict(footage.plain))
    assert len(index["parts"]) == len(footage.plain) - 1
    made = "SELECT COUNT(*) FROM vault_storedobject WHERE kind='derived' AND name='thumbnail'"
    wait_until(lambda: force.query(made)[0][0] == 1, seconds=60, what="the still")
    assert force.query("SELECT COUNT(*) FROM vault_watchgrant")[0][0] == 1
    assert files_holding(windows_of(plain for _, plain in footage.plain), force.folder) == []


def test_the_search_itself_finds_a_window_that_is_there(force):
    window = secrets.token_bytes(WINDOW)
    (force.state / "vault" / "planted").write_bytes(b"x" * 100_001 + window)
    assert files_holding([window], force.folder) == ["state/vault/planted"]
    (force.state / "vault" / "planted").unlink()
