"""What a device takes home from the door."""

from dataclasses import replace

import pytest

from openbwv.custody import EventType, check_tlog_proof, event_matches, parse_tlog_proof, parse_vkey
from openbwv.recording import USE_LOG, Inventory, SoftwareSigner, cbor, check_chain
from openbwv.server.ingest import hello
from openbwv.server.ingest.models import Aside, AsideKind
from openbwv.server.trail import log
from openbwv.server.trail.actions import log_event
from openbwv.shared.door import Welcome

pytestmark = pytest.mark.django_db


def test_the_logs_key_comes_with_the_agencys_certificate_for_it(door):
    _, answer = door.hello_dock()
    welcome = Welcome.from_json(answer)
    leaf = check_chain(list(welcome.log_certificate), use=USE_LOG).leaf
    assert leaf.public_key().public_bytes_raw() == parse_vkey(welcome.log_vkey).public


def test_a_log_that_began_after_another_is_opened_for_the_device(keyd, running_log, clock, request):
    log_event(EventType.LOG_GENERATION, actor_label="./bwv restore", details={"old_size": 7}, clock=clock)
    running_log.drain()
    door = request.getfixturevalue("door")  # its first entries come after
    beginning = Welcome.from_json(door.hello_dock()[1]).log_beginning
    check_tlog_proof(beginning.proof, beginning.leaf, log.vkey())
    assert parse_tlog_proof(beginning.proof).index == 0
    event = cbor.decode(beginning.event)
    assert event_matches(beginning.leaf, event, beginning.salt)
    assert (event["type"], event["details"]) == (EventType.LOG_GENERATION, {"old_size": 7})


def test_the_first_log_of_a_force_began_after_none(door, running_log, clock):
    log_event(EventType.CONFIG, actor_label="lou", clock=clock)
    running_log.drain()
    assert Welcome.from_json(door.hello_dock()[1]).log_beginning is None


def test_a_later_log_is_not_offered_before_it_has_begun(door, monkeypatch):
    second = replace(hello.force(), generation=2)
    monkeypatch.setattr(hello, "force", lambda: second)
    assert Welcome.from_json(door.hello_dock()[1]).log_vkey is None


def test_a_stranger_whom_a_dock_reports_is_kept_aside_once_and_counted(door):
    stranger = door.stranger()
    message = Inventory(nonce=bytes(32), door="Lewisham-1", boot=1, next_rc=1).encode(
        SoftwareSigner(stranger.key), stranger.chain
    )
    for _ in range(2):
        assert door.ask("POST", "/strangers", message)[0] == 201
    [aside] = Aside.objects.all()
    assert (aside.kind, aside.code, aside.times) == (AsideKind.HELLO, "unknown-device", 2)
    assert aside.sender_kid == door.dock.kid
    assert door.ask("POST", "/strangers", b"junk")[0] == 400


def test_only_a_dock_reports_strangers(door):
    door.hello(door.camera.key, door.camera.chain)
    status, answer, _ = door.ask("POST", "/strangers", b"junk")
    assert (status, answer["error"]["code"]) == (403, "not-your-recording")


def test_an_inventory_that_answers_no_nonce_of_ours_is_not_kept(door):
    stranger = door.stranger()
    assert door.hello(stranger.key, stranger.chain, nonce=bytes(32))[0] == 403
    assert not Aside.objects.exists()
    assert door.hello(stranger.key, stranger.chain)[0] == 202
    assert Aside.objects.get().sender_kid == "stranger"
