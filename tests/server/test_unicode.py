"""Any Unicode: what people write comes back letter for letter, is what the log committed to, and is text on a page."""

import html
import json

import pytest

from openbwv.command import main
from openbwv.custody import event_matches
from openbwv.server.disclosure.models import Request
from openbwv.server.retention import actions
from openbwv.server.retention.models import Hold
from openbwv.server.trail.actions import event_map
from openbwv.server.trail.models import Event
from tests.server import cast
from tests.server.disclosure.test_public_pages import send

GOOD = {
    "family": "👩🏽‍👩🏽‍👧‍👦 \U0001f6a8",
    "right to left": "مرحبا \u202eabc\u202c שלום",
    "combining": "Z\u0335\u0321a\u0300\u0301l\u034eg\u0348o e\u0301 é",
    "script": "証拠 доказательство ΤΕΚΜΉΡΙΟ ਸਬੂਤ",
    "markup": "<script>alert('1')</script> & \"quoted\" {{ 7|add:7 }} {% now %}",
    "outside": "\U0010fffd \ufffd \ufeff",
    "statement": "'; DROP TABLE evidence_recording; --",
    "long": "é" * 200,
}


@pytest.fixture
def recording(avery):
    return cast.recording(officer=avery)


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_reason_is_kept_as_it_was_written_and_the_log_commits_to_it(recording, indra, clock, as_person, text):
    actions.place_hold(recording=recording, kind="person", reason=text, actor=indra, clock=clock)
    assert Hold.objects.get().reason == text
    event = Event.objects.get(type=21)
    assert event_matches(bytes(event.leaf), event_map(event), bytes(event.salt))
    page = as_person(indra).get(f"/recordings/{recording.reference}").content.decode()
    assert html.escape(text, quote=False) in html.unescape(page).replace("&", "&amp;") or html.escape(text) in page
    assert "<script>alert(" not in page


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_the_public_writes_as_it_likes(client, units, clock, text):
    send(client, name={"name": text[:80]}, description={"description": text})
    request = Request.objects.get()
    assert text.strip() in (request.description, request.description.strip())


@pytest.mark.parametrize("address", ["/library", "/library/", "/recordings/", "/people/", "/trail/", "/ask/open/"])
@pytest.mark.parametrize("text", [*GOOD.values(), "\x00", "a\x00b", "\ud800".encode("utf-8", "surrogatepass")])
def test_no_text_in_an_address_makes_a_page_fail(as_person, indra, recording, clock, address, text):
    client = as_person(indra)
    for name in ("q", "from", "officer", "page", "sort", "unit", "category"):
        assert client.get(address, {name: text}).status_code < 500, name


def test_nul_is_refused_with_words(client, units, clock):
    page = client.post("/ask/question/description", {"description": "a\x00b"})
    assert page.status_code == 400
    assert "Null characters are not allowed" in page.content.decode()


def test_bytes_that_are_no_unicode_on_the_command_line_are_named(recording, indra, state, clock, capsys, monkeypatch):
    monkeypatch.setenv("BWV_STATE", str(state))
    words = ["retention", "--confirm-clock", "--as", "indra", "--reason", "caf\udce9", "--json"]
    assert main(words) == 64
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], bool(error["remedy"])) == ("not-text", True)
    assert not Event.objects.filter(outcome="done", actor=indra).exists()
