"""Plan and units files: what is read, and where every mistake is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbwv.recording.errors import BwvError
from openbwv.rollout.errors import BadPlanFile, BadUnitsFile
from openbwv.rollout.problem import Blackout, Gate, Objective, Window
from openbwv.rollout.schema import PlanFile
from openbwv.rollout.units import read_units

PLAN = """\
start: 2016-10-17
horizon_weeks: 20
"""
UNITS = "unit,force,cameras\nCamden,Met,460\nBrent,Met,650\nLeeds,North,200\n"


def read(plan=PLAN, units=UNITS):
    plan_file = PlanFile(plan.encode(), file="plan.yaml")
    table = read_units(units.encode(), file="units.csv", calendar=plan_file.calendar)
    return plan_file.problem(table.units)


def test_the_least_a_plan_needs():
    own = read()
    assert [unit.name for unit in own.units] == ["Camden", "Brent", "Leeds"]
    assert own.forces == ("Met", "North")
    assert own.units[0].officers == own.units[0].weight == 460
    assert own.units[0].gates["training"].by_plan
    assert own.units[0].gates["dpia"] == Gate(None)
    assert own.objective == Objective()


def test_every_field_is_read():
    own = read(
        PLAN
        + """
title: Two forces
finish_by: 2017-02-01
camera_pounds: 154.54
phases_in_order: true
objective: {order: [finish, fairness], give_percent: 5}
forces: [{name: Met, cameras: 1110}]
installation_teams:
  - {name: vans, forces: [Met], teams: 3, changes: [{from: 2016-10-31, until: 4, teams: 1}]}
training: [{name: school, seats_per_week: 90, valid_weeks: 6}]
deliveries:
  - {name: ship, in_stock: 100, per_week: 50, at_most: 400, pauses: [{from: 3, weeks: 2, why: strike}],
     batches: [{week: 2, cameras: 30}]}
budget: [{name: purse, carry_over: false, by_quarter: {2016Q4: 1000.50, 2017Q1: 2000}}]
blackout: [{from: 2016-12-19, until: 2017-01-01, why: Christmas, units: [Brent]}]
fixed: [{unit: Camden, live: 2}, {unit: Brent, not_before: 3, not_after: 2016-12-01}]
after: [{unit: Leeds, follows: Camden}]
trial: {rate_ratio: 0.7, period_weeks: 2}
"""
    )
    assert own.teams[0].by_week[:6] == (3, 3, 1, 1, 3, 3)
    assert own.teams[0].forces == ("Met",)
    assert own.seats[0].forces == ("Met", "North")
    assert own.seats[0].valid_weeks == 6
    assert own.stock[0].delivered[:8] == (150, 230, 230, 230, 280, 330, 380, 400)
    assert own.money[0].by_quarter == {"2016Q4": 100_050, "2017Q1": 200_000}
    assert own.blackouts == (Blackout(9, 10, "Christmas", (), ("Brent",)),)
    assert own.windows == (Window("Camden", 1, 1), Window("Brent", 2, 6))
    assert own.afters == (("Leeds", "Camden"),)
    assert (own.finish_by, own.camera_pence, own.phases_in_order) == (15, 15454, True)
    assert own.objective.order == ("finish", "fairness")
    assert (own.trial.rate_ratio, own.trial.period_weeks) == (0.7, 2)


def test_columns_of_the_units_file():
    header = (
        "unit,force,cameras,install_weeks,network_ready,consultation,dpia,training,site_test,site_pounds,source,mood\n"
    )
    own = read_units(
        (header + "Camden,Met,460,3,2016-11-09,done,week 5,,7,250,a letter,good\n").encode(),
        file="units.csv",
        calendar=PlanFile(PLAN.encode(), file="p").calendar,
    )
    camden = own.units[0]
    assert (camden.install_weeks, camden.network_ready, camden.site_pence) == (3, 3, 25_000)
    assert camden.gates == {
        "consultation": Gate(0),
        "dpia": Gate(4),
        "training": Gate(by_plan=True),
        "site_test": Gate(6),
    }
    assert camden.about == {"source": "a letter"}
    assert own.unread_columns == ("mood",)


@pytest.mark.parametrize(
    ("plan", "line", "column", "words"),
    [
        ("start: 2016-10-18\nhorizon_weeks: 20", 1, 8, "no Monday"),
        ("start: soon\nhorizon_weeks: 20", 1, 8, "no date"),
        ("start: 2016-10-17", 1, 1, "'horizon_weeks' is missing"),
        ("start: 2016-10-17\nhorizon_weeks: 0", 2, 16, "between 1 and 520"),
        ("start: 2016-10-17\nhorizon_weeks: true", 2, 16, "no whole number"),
        (PLAN + "colour: blue", 3, 9, "no field 'colour'"),
        (PLAN + "installation_teams: 4", 3, 21, "a list"),
        (PLAN + "installation_teams: [{name: a, teams: many}]", 3, 39, "'many' is no whole number"),
        (PLAN + "installation_teams: [{name: a, teams: 1}, {name: a, teams: 2}]", 1, 1, "are called 'a'"),
        (PLAN + "training: [{name: a, seats_per_week: -1}]", 3, 38, "between 0"),
        (PLAN + "training:\n  - {name: a, forces: [Met, East], seats_per_week: 1}", 4, 29, "no unit belongs to 'East'"),
        (PLAN + "budget: [{name: a, by_quarter: {2019Q1: 5}}]", 3, 41, "no field '2019Q1'"),
        (PLAN + "blackout: [{from: 5, until: 4, why: x}]", 3, 12, "ends before"),
        (PLAN + "fixed: [{unit: Paris, live: 3}]", 3, 16, "no unit is called 'Paris'"),
        (PLAN + "fixed: [{unit: Camden}]", 3, 9, "live, not_before or not_after"),
        (PLAN + "objective: {order: [speed]}", 3, 21, "no objective"),
        (PLAN + "objective: {weights: {finish: 0}}", 3, 22, "more than 0"),
        (PLAN + "objective: {order: [finish], weights: {finish: 1}}", 3, 12, "either an order or weights"),
        (PLAN + "forces: [{name: Met, cameras: 22000}]", 3, 31, "22,000 cameras here and 1,110"),
        (PLAN + "title: [a", 3, 10, "no YAML"),
        (PLAN + "camera_pounds: .nan", 3, 16, "no number"),
        (PLAN + "camera_pounds: 1000000", 3, 16, "between 0 and 100000"),
        (PLAN + "title: a\ntitle: b", 4, 1, "twice"),
        (PLAN + "title: &x a\nblackout: *x", 3, 8, "anchors"),
        ("start: !!python/object/apply:os.system [ls]\nhorizon_weeks: 3", 1, 8, "cannot be read"),
        ("start: 2016-13-45\nhorizon_weeks: 3", 1, 8, "cannot be read"),
        ("", 1, 1, "empty"),
        ("- a", 1, 1, "fields"),
    ],
)
def test_every_mistake_in_a_plan_has_line_and_column(plan, line, column, words):
    with pytest.raises(BadPlanFile) as refused:
        read(plan)
    assert words in refused.value.what
    assert (refused.value.line, refused.value.column) == (line, column)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("units", "line", "column", "words"),
    [
        ("unit,force\nCamden,Met\n", 1, "cameras", "missing"),
        ("unit,force,cameras,unit\na,b,1,c\n", 1, "unit", "twice"),
        ("unit,force,cameras\n", 1, "unit", "no unit"),
        ("unit,force,cameras\nCamden,Met\n", 2, "cameras", "2 fields"),
        ("unit,force,cameras\nCamden,Met,many\n", 2, "cameras", "no whole number"),
        ("unit,force,cameras\nCamden,Met,-4\n", 2, "cameras", "between"),
        ("unit,force,cameras\nCamden,Met,\n", 2, "cameras", "blank"),
        ("unit,force,cameras\n,Met,4\n", 2, "unit", "blank"),
        ("unit,force,cameras\nCamden,Met,4\nBrent,Met,4\nCamden,Met,5\n", 4, "unit", "line 2 already"),
        ("unit,force,cameras,dpia\nCamden,Met,4,soon\n", 2, "dpia", "neither a date"),
        ("unit,force,cameras\nCamden,Met,4\n\n", 3, "unit", "empty"),
        ('unit,force,cameras\n"Camden,Met,4\n', 2, "unit", "unexpected end"),
        ("unit,force,cameras\nCam\udcffden,Met,4\n", 2, "unit", "UTF-8"),
    ],
)
def test_every_mistake_in_the_units_has_line_and_column(units, line, column, words):
    calendar = PlanFile(PLAN.encode(), file="p").calendar
    with pytest.raises(BadUnitsFile) as refused:
        read_units(units.encode("utf-8", "surrogateescape"), file="units.csv", calendar=calendar)
    assert words in refused.value.what
    assert (refused.value.line, refused.value.column) == (line, column)


@settings(max_examples=150)
@given(st.text(alphabet="{}[]:,-&*!|>'\"#% \n\tabc0123456789startunis_", max_size=60))
def test_no_text_brings_the_reader_down(text):
    """Whatever the file holds, it is read or refused in our own words."""
    for data in (text, PLAN + text, PLAN + "installation_teams: " + text):
        said = outcome_of(data)
        assert said is None or (said.what and said.remedy)


def outcome_of(data):
    try:
        read(data)
    except BwvError as refused:
        return refused
    return None


def test_a_deeply_nested_file_is_refused():
    with pytest.raises(BadPlanFile, match="nested"):
        read(PLAN + "title: " + "[" * 5000 + "]" * 5000)


def test_more_units_than_can_be_planned_are_refused():
    rows = "".join(f"u{n},Met,1\n" for n in range(1001))
    with pytest.raises(BadUnitsFile, match="1,000 units"):
        read(units="unit,force,cameras\n" + rows)
