"""Watching (R7): the event first, then the key, then at most ten fragments beyond what was granted."""

import hashlib
import hmac
import io
import json
import time
from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest

from django.db import OperationalError, connections, transaction

from openbwv.custody import EventType
from openbwv.recording import load_public, parse_entry, verify_es256
from openbwv.server.evidence.models import Recording
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.errors import LogNotRunning
from openbwv.server.trail.models import Event
from openbwv.server.vault import actions, media, media_map, viewing
from openbwv.server.vault.errors import NotStored, ViewingClosed
from openbwv.server.vault.keyd.errors import KeydUnavailable
from openbwv.server.vault.models import ManifestPart, ViewingSession, WatchGrant
from tests.loops import run_at_once
from tests.server.footage import fake_units
from tests.server.test_frankie import fill


@pytest.fixture
def footage(door, running_log):
    viewing._kept.clear()
    media._known.clear()
    made = door.camera.record(utc_ms=door.clock.utc_ms(), seconds=25)
    door.upload(made)
    return made


@pytest.fixture
def watch(door, footage, gale, as_person, monkeypatch):
    """Return (session, get) of a viewing by Gale in the browser."""

    async def now(function, *arguments, **keywords):
        return function(*arguments, **keywords)

    monkeypatch.setattr(media, "in_thread", now)
    session = actions.start_viewing(
        recording=Recording.objects.get(), person=gale, reason="interview", rule="watch-any", clock=door.clock
    )
    client = as_person(gale)

    def get(what, *, client=client, session=session.pk, method="GET"):
        sent = []

        async def receive():
            return {"type": "http.request", "body": b""}

        async def send(message):
            sent.append(message)

        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        scope = {
            "type": "http",
            "method": method,
            "path": f"/media/{session}/{what}",
            "query_string": b"",
            "headers": [(b"cookie", cookie.encode())],
        }
        run_at_once(media.media_app(scope, receive, send))
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], body, dict(sent[0]["headers"])

    return session, get


def test_the_view_is_in_the_log_before_the_key_is_there(door, footage, gale, running_log):
    session = actions.start_viewing(recording=Recording.objects.get(), person=gale, reason="why", clock=door.clock)
    session.event.refresh_from_db()
    assert session.event.slug == "view"
    assert session.event.leaf_index is not None
    assert (session.event.actor, session.event.why) == (gale, "why")
    assert session.pk in viewing._kept


def test_without_the_log_nobody_watches_and_the_try_is_closed(door, footage, gale, monkeypatch):
    from openbwv.server.vault import release

    def stopped(_event, timeout_s=2.0):
        raise LogNotRunning(what="stopped", remedy="start it")

    monkeypatch.setattr(release, "wait_for_leaf", stopped)
    with pytest.raises(LogNotRunning):
        actions.start_viewing(recording=Recording.objects.get(), person=gale, clock=door.clock)
    session = ViewingSession.objects.get()
    assert session.closed_utc is not None
    assert session.pk not in viewing._kept
    assert [event.slug for event in Event.objects.order_by("id")][-2:] == ["view", "viewed"]


def test_without_the_key_service_nobody_watches(door, footage, gale, keyd):
    from openbwv.server.vault.keys import _clients

    keyd.server.shutdown()
    keyd.server.server_close()
    _clients.clear()
    with pytest.raises(KeydUnavailable):
        actions.start_viewing(recording=Recording.objects.get(), person=gale, clock=door.clock)


def test_what_is_not_here_cannot_be_watched(door, gale):
    made = door.camera.record(utc_ms=door.clock.utc_ms())
    door.announce(made)
    with pytest.raises(NotStored):
        actions.start_viewing(recording=Recording.objects.get(), person=gale, clock=door.clock)
    assert not Event.objects.filter(type=30).exists()


def test_every_fragment_comes_back_as_the_camera_made_it(watch, footage):
    _, get = watch
    status, body, headers = get("index.json")
    assert status == 200
    index = json.loads(body)
    assert headers[b"cache-control"] == b"no-store"
    assert index["rec_id"] == footage.hex
    plain = dict(footage.plain)
    assert get("init")[1] == plain[index["init"]["seq"]]
    commit = b64decode(index["commit_key"])
    public = load_public(b64decode(index["camera_spki"]))
    assert len(index["parts"]) == 25
    for part in index["parts"]:
        status, data, headers = get(str(part["seq"]))
        assert (status, data) == (200, plain[part["seq"]])
        assert headers[b"content-type"] == b"video/mp4"
        assert len(data) == part["len"]
        entry = parse_entry(b64decode(part["entry"]))
        verify_es256(public, entry.signed.signature, entry.signed.sig_structure)
        assert hmac.digest(commit, data, hashlib.sha256) == entry.body.pc


@pytest.mark.parametrize(("restricted", "over_it"), [(True, "DC Gale, Fri 20 Nov 2026, 14:02"), (False, None)])
def test_the_viewers_name_and_the_time_go_along_with_what_is_restricted(watch, restricted, over_it):
    _session, get = watch
    Recording.objects.update(restricted=restricted)
    ViewingSession.objects.update(opened_utc=datetime(2026, 11, 20, 14, 2, tzinfo=UTC))
    assert json.loads(get("index.json")[1])["overlay"] == over_it


def test_a_run_of_ten_is_granted_before_its_first_fragment_leaves(watch, footage, door):
    session, get = watch
    parts = json.loads(get("index.json")[1])["parts"]
    assert WatchGrant.objects.count() == 0
    get(str(parts[3]["seq"]))
    grant = WatchGrant.objects.get()
    assert (grant.first_index, grant.last_index, grant.from_ms, grant.to_ms) == (0, 9, 0, 10_000)
    get(str(parts[9]["seq"]))
    assert WatchGrant.objects.count() == 1
    get(str(parts[24]["seq"]))
    assert WatchGrant.objects.count() == 2
    actions.close_viewing(session=session, clock=door.clock)
    viewed = Event.objects.get(type=31)
    assert viewed.details["spans_ms"] == [[0, 10_000], [20_000, 25_000]]
    assert viewed.details["view"] == session.event_id


def test_a_closed_viewing_gives_nothing_and_closing_twice_is_one_event(watch, footage, door):
    session, get = watch
    for _ in range(2):
        actions.close_viewing(session=session, clock=door.clock)
    assert Event.objects.filter(type=31).count() == 1
    status, body, _ = get("index.json")
    assert (status, json.loads(body)["error"]["code"]) == (410, "viewing-closed")


def test_when_the_recording_is_erased_by_another_process_the_next_request_ends_and_the_key_is_forgotten(watch, door):
    session, get = watch
    assert get("init")[0] == 200
    kept = dict(viewing._kept)
    recording = session.recording
    for kind, hours in ((EventType.DELETE_PROPOSED, 72), (EventType.DELETE_AUTHORISED, 0)):
        with transaction.atomic():
            event = log_event(kind, recording=recording, actor_label="test", rule="test", clock=door.clock)
        door.clock.advance(hours * 3_600_000)
    actions.drop_key(recording=recording, authorised=event, clock=door.clock)
    viewing._kept.update(kept)  # the worker deletes; this process, which serves footage, still has the key
    assert get("init")[0] == 410
    assert session.pk not in viewing._kept


def test_a_key_goes_when_its_time_is_over_although_nobody_asks_again(door, footage, gale, monkeypatch):
    """The last viewing of the day, closed by the worker: its key must not stay here until the first of the next."""
    for open_for in (timedelta(minutes=10), timedelta(seconds=1)):
        monkeypatch.setattr(viewing, "OPEN_FOR", open_for)
        session = actions.start_viewing(recording=Recording.objects.get(), person=gale, clock=door.clock)
    deadline = time.monotonic() + 60
    while session.pk in viewing._kept and time.monotonic() < deadline:
        time.sleep(0.02)
    assert session.pk not in viewing._kept
    assert len(viewing._kept) == 1


def test_a_viewing_closed_elsewhere_ends_with_the_next_fragment_although_it_was_known_a_moment_ago(watch, door):
    session, get = watch
    parts = json.loads(get("index.json")[1])["parts"]
    assert get(str(parts[0]["seq"]))[0] == 200
    ViewingSession.objects.filter(pk=session.pk).update(closed_utc=datetime.now(UTC))
    assert get(str(parts[1]["seq"]))[0] == 410
    assert session.pk not in viewing._kept


def test_nothing_is_granted_once_viewed_has_listed_what_was(watch, door):
    """The worker closes the viewing between the look at it and the grant."""
    session, get = watch
    parts = json.loads(get("index.json")[1])["parts"]
    assert get(str(parts[0]["seq"]))[0] == 200
    known = viewing.find_viewing(session.pk)
    kept = dict(viewing._kept)
    actions.close_viewing(session=session, clock=door.clock)
    viewing._kept.update(kept)  # the worker's process; in this one the key is still there
    with pytest.raises(ViewingClosed):
        viewing.grant(known, 10)
    assert WatchGrant.objects.count() == 1


@pytest.mark.parametrize("seconds", [0, 6])
def test_between_two_fragments_only_the_viewings_own_row_is_read(
    watch, django_assert_num_queries, django_assert_max_num_queries, monkeypatch, seconds
):
    session, get = watch
    parts = json.loads(get("index.json")[1])["parts"]
    get(str(parts[0]["seq"]))
    assert get(str(parts[1]["seq"]))[0] == 200
    ViewingSession.objects.filter(pk=session.pk).update(last_asked_utc=datetime.now(UTC) - timedelta(seconds=seconds))
    with django_assert_max_num_queries(3):  # it was asked for anew: read, and noted when that is five seconds ago
        assert get(str(parts[2]["seq"]))[0] == 200
    asked, ask = [], viewing._row  # of the driver itself, which Django does not count
    monkeypatch.setattr(viewing, "_row", lambda name: asked.append(name) or ask(name))
    with django_assert_num_queries(0):
        assert get(str(parts[3]["seq"]))[0] == 200
    assert asked == [session.pk]


def test_a_viewing_closed_while_it_is_noted_that_somebody_watches_ends_with_the_next_fragment(watch, monkeypatch):
    """Another process closes it after the note and before the row is looked at again."""
    session, get = watch
    parts = json.loads(get("index.json")[1])["parts"]
    assert get(str(parts[0]["seq"]))[0] == 200
    ViewingSession.objects.filter(pk=session.pk).update(last_asked_utc=datetime.now(UTC) - timedelta(seconds=6))
    asked, ask = [], viewing._row

    def closing(name):
        asked.append(name)
        if len(asked) == 2:
            ViewingSession.objects.filter(pk=name).update(closed_utc=datetime.now(UTC))
        return ask(name)

    monkeypatch.setattr(viewing, "_row", closing)
    get(str(parts[1]["seq"]))
    assert len(asked) == 2
    assert get(str(parts[2]["seq"]))[0] == 410


def test_a_database_that_refuses_the_row_raises_djangos_error_so_that_it_gets_a_name(watch):
    session, _get = watch
    ours = connections["default"]

    class Refusing:
        def execute(self, *_):
            raise ours.Database.OperationalError("database is locked")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ours, "connection", Refusing())
        with pytest.raises(OperationalError, match="locked"):
            viewing.find_viewing(session.pk)


def test_the_index_holds_each_signed_entry_of_several_runs_as_it_came(watch, footage):
    """It is cut out of the stored runs by the lengths that were noted when they were read."""
    recording = Recording.objects.get()
    table = media_map.fragment_table(recording)
    assert ManifestPart.objects.filter(recording=recording).count() == 1
    whole = b"".join(media_map.manifest_runs(recording))
    assert b"".join(raw for _, raw in media_map.raw_entries(recording, table)) == whole
    cut = sum(table.lengths[:7])

    def in_two_runs(_recording):
        yield from (whole[:cut], whole[cut:])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(media_map, "manifest_runs", in_two_runs)
        entries = dict(media_map.raw_entries(recording, table))
    assert [parse_entry(raw).seq for raw in entries.values()] == list(entries)
    assert b"".join(entries.values()) == whole


@pytest.mark.parametrize("who", ["nobody", "frankie"])
@pytest.mark.parametrize("route", media.ROUTES, ids=lambda route: route.path.pattern)
def test_no_address_of_footage_answers_anybody_but_who_began_the_viewing(watch, frankie, route, who):
    from django.test import Client

    session, get = watch
    what = fill(route.path.pattern).rpartition("/")[2]
    assert route.path.fullmatch(f"/media/{session.pk}/{what}")
    other = Client()
    if who == "frankie":
        other.force_login(frankie, backend="django.contrib.auth.backends.ModelBackend")
    status, body, _ = get(what, client=other)
    expected = {"nobody": (401, "not-signed-in"), "frankie": (403, "not-your-viewing")}
    assert (status, json.loads(body)["error"]["code"]) == expected[who]


@pytest.mark.parametrize(
    ("field", "ago", "reason"),
    [("expires_utc", timedelta(seconds=1), "expired"), ("last_asked_utc", timedelta(seconds=61), "silence")],
)
def test_ten_minutes_or_a_minutes_silence_end_it_and_the_worker_says_so(watch, door, field, ago, reason):
    session, get = watch
    ViewingSession.objects.update(**{field: datetime.now(UTC) - ago})
    assert get("init")[0] == 410
    assert viewing.close_silent(door.clock) == 1
    assert Event.objects.get(type=31).rule == f"closed: {reason}"
    session.refresh_from_db()
    with pytest.raises(ViewingClosed):
        viewing.opened_for(session)


def test_it_is_for_the_person_who_began_it_signed_in(watch, client, frankie, django_user_model):
    from django.test import Client

    _session, get = watch
    status, body, _ = get("init", client=Client())
    assert (status, json.loads(body)["error"]["code"]) == (401, "not-signed-in")
    other = Client()
    other.force_login(frankie, backend="django.contrib.auth.backends.ModelBackend")
    status, body, _ = get("init", client=other)
    assert (status, json.loads(body)["error"]["code"]) == (403, "not-your-viewing")
    assert get("init", client=other, session="A" * 43)[0] == 403
    assert get("init", method="POST")[0] == 405
    assert get("init", method="HEAD")[0] == 405
    assert get("../secret")[0] == 404


def test_a_closed_account_sees_no_more(watch, gale):
    _, get = watch
    assert get("init")[0] == 200
    media._known.clear()
    gale.is_active = False
    gale.save()
    assert get("init")[0] == 401


def test_after_a_restart_the_same_fresh_leaf_brings_the_key_back(watch, footage):
    _, get = watch
    viewing._kept.clear()
    assert get("init")[1] == footage.plain[0][1]


def test_a_span_limits_what_leaves(door, footage, gale, watch):
    _, get = watch
    session = actions.start_viewing(
        recording=Recording.objects.get(), person=gale, clock=door.clock, from_ms=5_000, to_ms=8_000
    )
    index = json.loads(get("index.json", session=session.pk)[1])
    assert [part["t"][0][1] // 12_800 for part in index["parts"]] == [5, 6, 7]
    outside = footage.sealed[1][0]
    assert get(str(outside), session=session.pk)[0] == 404


def test_a_fragment_that_is_not_a_fragment_is_not_there(watch):
    _, get = watch
    for what in ("0", "99999", "1"):  # OPEN, nothing, the init unit (it has its own address)
        assert get(what)[0] == 404


def test_index_and_still_are_made_once_and_die_with_the_key(door, running_log, harper, gale):
    from openbwv.server.vault import deriving
    from openbwv.server.vault import door as way_out
    from openbwv.server.vault.keyd.errors import KeyDestroyed

    made = door.camera.record(utc_ms=door.clock.utc_ms(), units=real_units())
    door.upload(made)
    assert deriving.derive_waiting(door.clock) == 2
    assert deriving.derive_waiting(door.clock) == 0
    recording = Recording.objects.get()
    purposes = [event.details["purpose"] for event in Event.objects.filter(type=32).order_by("id")]
    assert purposes == ["index", "thumbnail"]
    picture = way_out.read_thumbnail(recording, gale, door.clock)
    assert picture.startswith(b"\xff\xd8")
    door.keyd._ledger.drop(recording.rec_id)
    with pytest.raises(KeyDestroyed):
        way_out.read_thumbnail(recording, gale, door.clock)


def test_what_no_decoder_reads_is_left_after_three_tries(door, running_log):
    from openbwv.server.vault import deriving

    door.upload(door.camera.record(utc_ms=door.clock.utc_ms(), units=fake_units(2, 500)))
    for _ in range(5):
        deriving.derive_waiting(door.clock)
    assert Event.objects.filter(type=32).count() == 6


def real_units():
    """Return three seconds of a test picture as fragmented MP4, one unit a second."""
    import av
    import numpy as np

    from openbwv.recording import BoxCutter

    target = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof+frag_keyframe"}
    with av.open(target, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.gop_size = 25
        stream.options = {"g": "25", "keyint_min": "25", "sc_threshold": "0", "tune": "zerolatency"}
        for number in range(75):
            frame = av.VideoFrame.from_ndarray(np.full((96, 160, 3), number * 3, dtype=np.uint8), format="rgb24")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return [unit.data for unit in BoxCutter().write(target.getvalue())]
