"""The standing hold: what it covers, at submission and at every ingest; how it ends."""

from datetime import timedelta

import pytest

from openbwv.custody import EventType
from openbwv.server.cases.actions import close_matter, open_matter
from openbwv.server.clock import utc
from openbwv.server.disclosure.actions import life
from openbwv.server.disclosure.actions.decide import decide_match
from openbwv.server.disclosure.errors import RequestOver, WrongAnswers
from openbwv.server.disclosure.jobs import end_holds, move_dates
from openbwv.server.disclosure.models import Match, Request, StandingHold
from openbwv.server.evidence.actions import place_flag
from openbwv.server.people.actions import NotPermitted
from openbwv.server.retention.models import Hold
from openbwv.server.trail.models import Event

HOUR = timedelta(hours=1)


def is_held(recording):
    recording.refresh_from_db()
    return recording.held_count > 0


def test_a_request_holds_at_once_and_the_secret_is_not_kept(recorded, ask):
    recording = recorded()
    request, secret = ask()
    assert is_held(recording)
    assert Hold.objects.get().request == request
    assert Match.objects.get().recording == recording
    assert len(secret.replace("-", "")) == 26  # 128 bits in base 32
    assert secret.encode() not in bytes(request.secret_sha256)
    event = Event.objects.get(type=EventType.REQUEST)
    assert (event.actor_label, event.recording) == ("asker", None)


@pytest.mark.parametrize(("ago_hours", "held"), [(4.01, True), (2, True), (0.01, True), (4.1, False), (-0.01, False)])
def test_the_window_reaches_an_hour_to_each_side_and_no_further(recorded, ask, ago_hours, held):
    recording = recorded(ago_hours=ago_hours)  # asked: from three hours ago to one hour ago; recordings last a minute
    ask()
    assert is_held(recording) is held


def test_what_is_docked_later_is_held_on_arrival(recorded, ask):
    request, _ = ask()
    recording = recorded()
    assert is_held(recording)
    assert request.matches.count() == 1


def test_another_borough_is_not_held_but_an_unknown_place_and_an_unset_clock_are(recorded, ask, noor):
    camden = recorded(officer=noor, number=2)
    nowhere = recorded(officer=None, number=3)
    unset = recorded(number=4, ago_hours=400, clock_sync=False)
    ask()
    assert [is_held(one) for one in (camden, nowhere, unset)] == [False, True, True]


def test_the_officer_named_is_held_for_wherever_they_were(recorded, ask, noor):
    before = recorded(officer=noor, number=2)
    ask(officer_named="2211")
    after = recorded(officer=noor, number=3)
    assert is_held(before)
    assert is_held(after)


@pytest.mark.usefixtures("force_files")
def test_it_cancels_a_deletion_that_was_proposed(recorded, ask, clock, indra, lou):
    from tests.server.retention.steps import HOUR_MS, approve, sweep_until

    approve(indra, lou, clock)
    recording = recorded()
    started = recording.started_utc
    sweep_until(clock, clock.utc_ms() + 30 * 24 * HOUR_MS)
    assert recording.deletions.get().state == "proposed"
    ask(from_utc=started - HOUR, to_utc=started + HOUR)
    assert recording.deletions.get().state == "cancelled"
    sweep_until(clock, clock.utc_ms() + 20 * 24 * HOUR_MS)
    recording.refresh_from_db()
    assert recording.state == "stored"


# ── wide requests ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("changes", [{"unit": None}, {"hours": 7}])
def test_a_wide_request_holds_for_72_hours_and_stands_first(recorded, ask, clock, casey, changes):
    from openbwv.server.disclosure.queries import queue

    recording = recorded()
    ask()
    hours = changes.pop("hours", None)
    wide, _ = ask(**(changes or {"from_utc": utc(clock) - hours * HOUR, "to_utc": utc(clock)}))
    assert wide.unbounded
    assert queue(casey).first() == wide
    clock.advance(72 * 3_600_000 + 1000)
    assert end_holds(clock) == 1
    assert not Hold.objects.filter(request=wide, released_utc=None).exists()
    assert is_held(recording)  # by the other request


def test_narrowed_by_a_person_it_holds_on_and_lets_the_rest_go(recorded, ask, clock, casey, units, noor):
    mine, other = recorded(), recorded(officer=noor, number=2)
    wide, _ = ask(unit=None)
    assert is_held(other)
    now = utc(clock)
    with pytest.raises(WrongAnswers, match="6 hours"):
        life.narrow_request(
            request=wide,
            from_utc=now - 9 * HOUR,
            to_utc=now,
            unit=units["lewisham"],
            reason="x",
            actor=casey,
            clock=clock,
        )
    life.narrow_request(
        request=wide,
        from_utc=now - 3 * HOUR,
        to_utc=now - HOUR,
        unit=units["lewisham"],
        reason="the asker said Lewisham",
        actor=casey,
        clock=clock,
    )
    clock.advance(73 * 3_600_000)
    end_holds(clock)
    assert is_held(mine)
    assert not is_held(other)


# ── the clock ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_asking_for_identity_pauses_and_proof_resumes_and_the_days_are_added(recorded, ask, clock, casey):
    request, _ = ask()
    due = request.due_on
    life.ask_identity(request=request, what="a copy of a passport", actor=casey, clock=clock)
    clock.advance(5 * 86_400_000)
    assert move_dates(clock) == 1
    request.refresh_from_db()
    assert (request.due_on - due).days == 5
    life.identity_shown(request=request, actor=casey, clock=clock)
    clock.advance(5 * 86_400_000)
    move_dates(clock)
    request.refresh_from_db()
    assert (request.due_on - due).days == 5


def test_identity_never_shown_ends_request_and_hold(recorded, ask, clock, casey):
    recording = recorded()
    request, _ = ask()
    life.ask_identity(request=request, what="a passport", actor=casey, clock=clock)
    clock.advance(32 * 86_400_000)
    assert end_holds(clock) == 1
    request.refresh_from_db()
    assert request.state == "withdrawn"
    assert not is_held(recording)


def test_an_extension_is_told_with_its_reason(ask, clock, casey):
    from openbwv.server.disclosure.models import OutboxMessage

    request, _ = ask()
    due = request.due_on
    request = life.extend_request(request=request, days=20, reason="40 hours of footage", actor=casey, clock=clock)
    assert (request.due_on - due).days == 20
    assert "40 hours of footage" in OutboxMessage.objects.get().body
    with pytest.raises(WrongAnswers):
        life.extend_request(request=request, days=60, reason="more", actor=casey, clock=clock)


@pytest.mark.parametrize("who", ["avery", "blake", "gale", "indra", "devi", "lou", "frankie"])
def test_only_disclosure_officers_handle_requests(request, ask, clock, who):
    made, _ = ask()
    with pytest.raises(NotPermitted):
        life.assign_request(request=made, actor=request.getfixturevalue(who), clock=clock)


def test_a_letter_runs_from_its_receipt(ask, clock, casey):
    received = utc(clock) - timedelta(days=4)
    request, _ = ask(channel="letter", received_utc=received, actor=casey, email="", postal="1 High Street")
    assert request.due_on == (received + timedelta(days=30)).date()
    assert request.entered_by == casey


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "nonsense"}, "whether you are in"),
        ({"name": " "}, "name"),
        ({"email": ""}, "e-mail or a postal"),
        ({"days": 40}, "longer than 31 days"),
        ({"backwards": True}, "before its start"),
        ({"future": True}, "future"),
    ],
)
def test_answers_that_make_no_request_are_refused_and_hold_nothing(recorded, ask, clock, changes, words):
    recording = recorded()
    now = utc(clock)
    if changes.pop("future", False):
        changes = {"from_utc": now + HOUR, "to_utc": now + 2 * HOUR}
    if changes.pop("backwards", False):
        changes = {"from_utc": now, "to_utc": now - HOUR}
    if days := changes.pop("days", 0):
        changes = {"from_utc": now - timedelta(days=days), "to_utc": now}
    with pytest.raises(WrongAnswers, match=words):
        ask(**changes)
    assert not Request.objects.exists()
    assert not is_held(recording)


def test_withdrawn_it_lets_go_and_cannot_be_changed(recorded, ask, clock):
    recording = recorded()
    request, _ = ask()
    life.withdraw_request(request=request, clock=clock)
    assert not is_held(recording)
    assert StandingHold.objects.get().ended_utc
    with pytest.raises(RequestOver):
        life.add_information(request=request, text="one more thing", clock=clock)


# ── embargo ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_embargo_is_proposed_for_flagged_footage_and_lifts_when_its_matter_closes(recorded, ask, clock, gale, casey):
    recording = recorded()
    matter = open_matter(reference="1/26", title="Robbery", actor=gale, clock=clock)
    place_flag(recording=recording, category="arrest", matter=matter, actor=gale, clock=clock)
    request, _ = ask()
    match = request.matches.get()
    assert match.embargo_proposed
    life.assign_request(request=request, actor=casey, clock=clock)
    with pytest.raises(WrongAnswers, match="ground"):
        decide_match(match=match, state="embargoed", reason="trial", actor=casey, clock=clock)
    with pytest.raises(WrongAnswers, match="review date"):
        decide_match(match=match, state="embargoed", reason="trial", ground="s45(4)", actor=casey, clock=clock)
    decide_match(
        match=match,
        state="embargoed",
        reason="a trial is coming",
        ground="DPA 2018 s45(4)",
        review_date=(utc(clock) + timedelta(days=90)).date(),
        actor=casey,
        clock=clock,
    )
    from openbwv.server.disclosure.actions.decide import answer_request

    answer_request(request=request, outcome="refused", answer="Not now.", actor=casey, clock=clock)
    clock.advance(20 * 86_400_000)
    close_matter(matter=matter, outcome="convicted", reason="verdict", actor=gale, clock=clock)
    request.refresh_from_db()
    match.refresh_from_db()
    assert (request.state, match.state, bool(match.lifted_utc)) == ("received", "found", True)
    assert request.due_on > (utc(clock) + timedelta(days=27)).date()
    assert StandingHold.objects.get().ends_utc is None


def test_three_months_after_the_answer_the_hold_ends(recorded, ask, clock, casey):
    from openbwv.server.disclosure.actions.decide import answer_request

    recording = recorded()
    request, _ = ask()
    life.assign_request(request=request, actor=casey, clock=clock)
    decide_match(match=request.matches.get(), state="not-shown", reason="nobody there", actor=casey, clock=clock)
    answer_request(
        request=request,
        outcome="no-footage",
        no_footage_kind="nobody-there",
        answer="Nobody with a camera was there.",
        actor=casey,
        clock=clock,
    )
    clock.advance(91 * 86_400_000)
    assert end_holds(clock) == 0
    clock.advance(3 * 86_400_000)
    assert end_holds(clock) == 1
    assert not is_held(recording)


def test_a_recording_that_two_requests_hold_says_so_in_one_reason(recorded, ask, clock):
    from openbwv.server.clock import utc
    from openbwv.server.retention.keeping import reasons_to_keep

    recording = recorded()
    ask()
    assert reasons_to_keep(recording, utc(clock)) == ["it is held for a request for footage"]
    ask()
    assert reasons_to_keep(recording, utc(clock)) == ["it is held for 2 requests for footage"]
