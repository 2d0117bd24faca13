"""The matcher: what it links, that order decides nothing, and how often it is right on a force whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbwv.studies.activation import ids, pretend, spans, truth
from openbwv.studies.activation.attended import attendances
from openbwv.studies.activation.errors import BadRecords
from openbwv.studies.activation.match import DECIDERS, Rules, match

DAY = pd.Timestamp("2016-06-01T10:00Z")
COLUMNS = ("recording_id", "officer", "start_utc", "end_utc", "typed_id", "latitude", "longitude")


def minute(value):
    return pd.NaT if pd.isna(value) else DAY + pd.Timedelta(minutes=value)


def frame(rows, key):
    """Make a table of (id, officer, start, end, typed, north m, east m); minutes from 10:00, metres or None."""
    table = pd.DataFrame(rows, columns=[key, *COLUMNS[1:]])
    for name in ("start_utc", "end_utc"):
        table[name] = pd.to_datetime([minute(each) for each in table[name]], utc=True).astype("datetime64[ms, UTC]")
    for name, at in (("latitude", 51.5), ("longitude", -0.1)):
        table[name] = [np.nan if each is None else at + each / 111_195 for each in table[name]]
    table["officer"] = pd.Categorical(table["officer"])
    return table


def recordings(*rows):
    return frame(rows, "recording_id")


def incidents(*rows):
    return frame([(*row[:4], "", *row[4:]) for row in rows], "incident_id").drop(columns="typed_id")


def linked(made):
    """Return recording -> (incident, tier, what decided)."""
    names = [*made.incident_ids, ""]
    links = made.links
    return {
        each: (names[links.incident[at]], int(links.tier[at]), DECIDERS[links.decider[at]])
        for at, each in enumerate(made.recordings["recording_id"])
    }


def one(recording, *places, rules=None):
    return linked(match(recordings(recording), incidents(*places), rules=rules))[recording[0]]


HERE, NEAR, ROUGH, FAR = (0, 0), (200, 0), (2_000, 0), (9_000, 0)
NOWHERE = (None, None)


@pytest.mark.parametrize(
    ("recording", "wanted"),
    [
        (("r", "P", 0, 10, "A-12345-16", *NOWHERE), 1),
        (("r", "P", 0, 10, " a 12345\u201316", *NOWHERE), 1),
        (("r", "Q", 0, 10, "A-12345-16", *NOWHERE), 1),  # an officer who is not on the record
        (("r", "P", 200, 210, "A-12345-16", *NOWHERE), 1),
        (("r", "P", 2_000, 2_010, "A-12345-16", *NOWHERE), 0),  # another day: a mistyped number
        (("r", "P", 0, 10, "", *NEAR), 2),
        (("r", "P", 33, 40, "", *NEAR), 2),  # clocks differ by minutes, the place agrees
        (("r", "P", 33, 40, "", *NOWHERE), 0),  # without a place they must overlap
        (("r", "P", 0, 10, "", *NOWHERE), 3),
        (("r", "P", 0, 10, "", *ROUGH), 3),
        (("r", "P", 0, 10, "", *FAR), 0),
        (("r", "Q", 0, 10, "", *HERE), 0),
        (("r", None, 0, 10, "", *HERE), 0),
    ],
)
def test_tiers(recording, wanted):
    name, tier, _ = one(recording, ("A-12345-16", "P", 0, 30, *HERE))
    assert tier == wanted
    assert name == ("A-12345-16" if wanted else "")


@pytest.mark.parametrize(
    ("places", "wanted", "decider"),
    [
        ((("b", "P", 0, 30, *ROUGH), ("a", "P", 0, 12, *HERE)), "a", "tier"),
        ((("b", "P", 0, 30, *HERE), ("a", "P", 0, 12, *HERE)), "b", "overlap"),
        ((("b", "P", 0, 30, *HERE), ("a", "P", 0, 30, *NEAR)), "b", "distance"),
        ((("b", "P", -1, 30, *HERE), ("a", "P", -5, 30, *HERE)), "b", "start"),
        ((("b", "P", 0, 30, *HERE), ("a", "P", 0, 30, *HERE)), "a", "number"),
    ],
)
def test_what_decides_between_two(places, wanted, decider):
    name, _, why = one(("r", "P", 0, 20, "", *HERE), *places)
    assert (name, why) == (wanted, decider)


def test_a_typed_number_yields_to_a_recording_made_on_the_spot_of_another_incident():
    first, second = ("A-00001-16", "P", -60, -40, *HERE), ("A-00002-16", "P", 0, 30, *HERE)
    made = match(recordings(("r", "P", 0, 20, "A-00001-16", *HERE)), incidents(first, second))
    assert linked(made)["r"][:2] == ("A-00002-16", 2)
    assert max(made.links.problems.values()) == 1


def test_two_incidents_that_look_alike_are_never_told_apart_by_their_number():
    made = match(
        recordings(("r", "P", 0, 20, "ab 123", *NOWHERE), ("s", "P", 0, 20, "AB-123", *NOWHERE)),
        incidents(("AB-123", "Q", 0, 30, *HERE), ("AB/123", "Q", 0, 30, *HERE)),
    )
    assert linked(made)["r"][1] == 0
    assert linked(made)["s"][:2] == ("AB-123", 1)


def test_a_recording_that_runs_on_covers_the_next_attendance_as_well():
    made = match(
        recordings(("r", "P", 0, 40, "", *HERE)), incidents(("a", "P", 0, 22, *HERE), ("b", "P", 25, 40, *HERE))
    )
    assert linked(made)["r"][0] == "a"
    found = attendances(made)
    assert list(found["recorded"]) == [True, True]
    assert list(found["shared"]) == [False, True]
    assert list(found["recording_id"]) == ["r", "r"]


def test_an_incident_without_an_end_is_taken_for_twenty_minutes():
    made = match(recordings(("r", "P", 15, 18, "", *NOWHERE)), incidents(("a", "P", 0, None, *HERE)))
    assert linked(made)["r"][0] == "a"
    assert np.isnan(attendances(made)["early_s"].iloc[0])


def test_nothing_to_match_is_no_error():
    for rows in ((), (("r", "P", 0, 10, "x1234", *HERE),)):
        for places in ((), (("a", "P", 0, 10, *HERE),)):
            made = match(recordings(*rows), incidents(*places))
            assert len(made.links.tier) == len(rows)
            assert len(attendances(made)) == len(places)


def test_records_that_contradict_themselves_are_refused():
    twice = recordings(*[("r", "P", 0, 10, "", *HERE)] * 2)
    with pytest.raises(BadRecords, match="'r' stands there twice"):
        match(twice, incidents())
    with pytest.raises(BadRecords, match="ends before"):
        match(recordings(("r", "P", 10, 0, "", *HERE)), incidents())


@pytest.mark.parametrize(
    ("text", "plain", "nopd"),
    [
        ("A-12345-16", "A1234516", "A1234516"),
        ("  a-12345-16 ", "A1234516", "A1234516"),
        ("item a 12345 16, theft", "ITEMA1234516THEFT", "A1234516"),
        ("A12345\u201316", "A1234516", "A1234516"),
        ("CAD 1234/12MAY16", "CAD123412MAY16", ""),
        ("AA-12345-16", "AA1234516", ""),
        ("A-12345-167", "A12345167", ""),
        ("theft", "", ""),
        ("12", "", ""),
        ("", "", ""),
    ],
)
def test_typed_numbers(text, plain, nopd):
    assert ids.clean(text) == plain
    assert ids.clean(text, style="nopd") == nopd


# What must hold for any records ------------------------------------------------------------------------------------

minutes = st.integers(0, 240)
place = st.sampled_from([HERE, NEAR, ROUGH, FAR, NOWHERE])
officer = st.sampled_from(["P", "Q", "R", None])
numbers = [f"A-0000{each}-16" for each in range(6)]
recording = st.tuples(officer, minutes, st.integers(0, 60), st.sampled_from(["", "junk", *numbers]), place)
attendance = st.tuples(st.sampled_from(numbers), officer, minutes, st.one_of(st.none(), st.integers(0, 90)), place)


def build(some_recordings, some_attendances):
    rows = [
        (f"r{at}", who, start, start + length, typed, *where)
        for at, (who, start, length, typed, where) in enumerate(some_recordings)
    ]
    places = {
        (number, who): (number, who, start, None if length is None else start + length, *where)
        for number, who, start, length, where in some_attendances
    }
    return recordings(*rows), incidents(*places.values())


worlds = st.tuples(st.lists(recording, max_size=14), st.lists(attendance, max_size=10))


@settings(max_examples=30)
@given(worlds, st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(world, shuffler):
    some, places = build(*world)
    before = match(some, places)
    mixed = [list(range(len(each))) for each in (some, places)]
    for order in mixed:
        shuffler.shuffle(order)
    after = match(some.iloc[mixed[0]].reset_index(drop=True), places.iloc[mixed[1]].reset_index(drop=True))
    assert linked(before) == linked(after)

    def told(made):
        found = attendances(made).drop(columns=["start_utc", "end_utc"]).astype(object)
        return {
            (row.incident_id, str(row.officer)): [str(each) for each in row] for row in found.itertuples(index=False)
        }

    assert told(before) == told(after)


@settings(max_examples=30)
@given(worlds)
def test_what_holds_of_every_link(world):
    some, places = build(*world)
    made = match(some, places)
    links, rules = made.links, Rules()
    found = attendances(made)
    assert len(found) == len(places)
    for at in np.flatnonzero(links.attendance >= 0):
        to = links.attendance[at]
        assert made.incident_code[to] == links.incident[at]
        who, there = some["officer"].iloc[at], places["officer"].iloc[to]
        assert pd.isna(there) or who == there
        gap = max(made.recorded.start_ms[at], made.attended.start_ms[to]) - min(
            made.recorded.end_ms[at], made.attended.end_ms[to]
        )
        assert gap <= (rules.id_slack_s if links.tier[at] == 1 else rules.slack_s) * 1000
        assert gap <= 0 or links.tier[at] != 3
        if links.tier[at] == 2:
            assert links.distance_m[at] <= rules.near_m
    assert ((links.tier > 0) == (links.incident >= 0)).all()
    assert ((links.tier > 0) == (links.decider > 0)).all()
    # an attendance is matched at most once: one best recording, and lent only where it has none of its own
    assert not found.duplicated(["incident_id", "officer"]).any()
    own = np.bincount(links.attendance[links.attendance >= 0], minlength=len(found))
    assert ((own > 0) | (made.shared >= 0) == found["recorded"].to_numpy()).all()
    assert not ((own > 0) & (made.shared >= 0)).any()
    assert (found["recordings"] == own + (made.shared >= 0)).all()


@settings(max_examples=30)
@given(worlds, st.integers(0, 20))
def test_meetings_are_those_that_trying_every_pair_finds(world, slack):
    some, places = build(*world)
    made = match(some, places)
    left, right = made.recorded, made.attended
    found = set()
    for rows, others in spans.meetings(left, right, slack_ms=slack * 60_000):
        found |= set(zip(rows.tolist(), others.tolist(), strict=True))
    tried = {
        (a, b)
        for a in range(len(left))
        for b in range(len(right))
        if left.officer[a] == right.officer[b] >= 0
        and min(left.end_ms[a], right.end_ms[b]) - max(left.start_ms[a], right.start_ms[b]) >= -slack * 60_000
    }
    assert found == tried


def test_pairs_come_in_bounded_steps(monkeypatch):
    monkeypatch.setattr(spans, "PAIRS_AT_A_TIME", 7)
    made = match(
        recordings(*[(f"r{at}", "P", 0, 60, "", *HERE) for at in range(9)]),
        incidents(*[(f"a{at}", "P", at, at + 5, *HERE) for at in range(6)]),
    )
    steps = list(spans.meetings(made.recorded, made.attended, slack_ms=0))
    assert len(steps) > 5
    assert sum(len(rows) for rows, _ in steps) == 54


# How often it is right ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_precision_and_recall_on_seeded_truth(seed):
    force = pretend.make(seed=seed)
    made = match(force.recordings, force.incidents)
    found = truth.score(made, force.truth, attendances(made, cameras=force.cameras)).as_dict()
    assert found["precision"]["share"] > 0.985
    assert found["recall"]["share"] > 0.985
    assert [each["share"] > 0.96 for each in found["tiers"]] == [True, True, True]
    assert min(each["of"] for each in found["tiers"]) > 500
    assert found["said_unrecorded_but_was_recorded"]["share"] < 0.02


def test_harder_truth_gives_worse_scores_so_that_the_score_can_fail():
    poor = pretend.make(pretend.Force(officers=40, days=20, no_fix=1.0, typed=0.3, wrong=0.5), seed=1)
    made = match(poor.recordings, poor.incidents)
    found = truth.score(made, poor.truth, attendances(made)).as_dict()
    assert found["precision"]["share"] < 0.95
    assert found["tiers"][0]["share"] < found["tiers"][2]["share"]


def test_the_pretend_force_is_the_same_for_a_seed_and_another_for_another():
    small = pretend.Force(officers=12, days=4)
    one_, same, other = (pretend.make(small, seed=seed) for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(one_.recordings, same.recordings)
    assert not one_.recordings.equals(other.recordings)
    truth_rows = one_.truth[one_.truth["role"] == "home"]
    assert truth_rows["recording_id"].is_unique
    assert set(one_.truth["incident_id"]) <= set(one_.incidents["incident_id"])
