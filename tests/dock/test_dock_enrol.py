"""How a dock gets its own identity, and what it does not take for one."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from openbwv.dock.errors import NotADock
from openbwv.dock.identity import enrol, load_identity, log_vkey
from openbwv.recording.errors import BwvError
from openbwv.shared import agency, door
from openbwv.shared.agency import Profile
from openbwv.shared.door import DoorForbids, DoorUnreachable
from tests.dock.force import Force


class Pages:
    """POST /fleet/enrol-dock of a server; `change` may spoil the answer."""

    def __init__(self, force):
        self.force, self.codes, self.asked = force, {"GOOD-CODE"}, []
        self.change = lambda answer: answer
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                pages.asked.append((self.path, value))
                status, answer = pages.answer(value)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, value):
        if value["code"] not in self.codes:
            return 403, {"error": {"code": "code-unknown", "what": "Unknown.", "remedy": "Ask for a new one."}}
        self.codes.remove(value["code"])
        request = agency.read_csr(door.from_base64(value["csr"], "csr"))
        certificate = agency.issue(
            agency_key=self.force.agency_key, agency=self.force.agency, public_key=request.public_key(),
            profile=Profile.DOCK, name="Lewisham-1", hosts=value["hosts"],
        )  # fmt: skip
        chain = [door.to_base64(agency.to_der(each)) for each in (certificate, self.force.agency)]
        return 201, self.change({
            "name": "Lewisham 1", "chain": chain, "trust": self.force.trust_pem.decode(),
            "door": "https://127.0.0.1:8443", "log_vkey": self.force.vkey, "crl": self.force.crl().decode(),
        })  # fmt: skip


@pytest.fixture
def pages(force):
    pages = Pages(force)
    yield pages
    pages.server.shutdown()
    pages.server.server_close()


def ask(pages, store, **changes):
    words = {"code": "GOOD-CODE", "name": "dock", "hosts": ["127.0.0.1"], "trust": None, "server_url": pages.url}
    return enrol(store=store, **(words | changes))


def test_a_good_code_gives_an_identity_that_loads_again(force, pages, tmp_path):
    identity = ask(pages, tmp_path / "dock", trust=force.trust_pem)
    assert (identity.name, identity.door_url) == ("Lewisham 1", "https://127.0.0.1:8443")
    again = load_identity(tmp_path / "dock")
    assert again.signer.kid == identity.signer.kid
    assert log_vkey(again) == force.vkey
    assert again.revocations().number == 1
    assert (tmp_path / "dock" / "identity" / "key.pem").stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in json.dumps(pages.asked)
    with pytest.raises(NotADock, match="already"):
        ask(pages, tmp_path / "dock")


def test_a_used_or_unknown_code_gives_nothing(pages, tmp_path):
    ask(pages, tmp_path / "one")
    with pytest.raises(DoorForbids) as refusal:
        ask(pages, tmp_path / "two")
    assert refusal.value.door_code == "code-unknown"
    assert not (tmp_path / "two").exists()


def test_a_server_of_another_force_than_expected_is_refused(pages, tmp_path):
    with pytest.raises(NotADock, match="another force"):
        ask(pages, tmp_path / "dock", trust=Force().trust_pem)
    assert not (tmp_path / "dock").exists()


def test_an_answer_that_does_not_belong_together_is_not_stored(force, pages, tmp_path):
    other = Force()
    stranger = [door.to_base64(each) for each in force.party("x", Profile.DOCK).chain]
    for number, change in enumerate(
        ({"trust": other.trust_pem.decode()}, {"chain": stranger}, {"chain": []}, {"chain": ["?"]}, {"trust": ""})
    ):
        pages.codes.add("GOOD-CODE")
        pages.change = lambda answer, change=change: answer | change
        with pytest.raises(BwvError):
            ask(pages, tmp_path / str(number))
        assert not (tmp_path / str(number)).exists()


def test_an_enrolment_cut_off_before_its_end_can_be_done_again(pages, tmp_path):
    ask(pages, tmp_path / "dock")
    (tmp_path / "dock" / "identity" / "dock.json").unlink()  # it is written last
    with pytest.raises(NotADock, match="dock enrol"):
        load_identity(tmp_path / "dock")
    pages.codes.add("GOOD-CODE")
    assert ask(pages, tmp_path / "dock").name == "Lewisham 1"


def test_no_server_at_the_address(pages, tmp_path):
    with pytest.raises(DoorUnreachable):
        ask(pages, tmp_path / "dock", server_url="http://127.0.0.1:9")
