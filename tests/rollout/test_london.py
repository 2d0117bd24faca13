"""London from its inputs: the published pace, the slip and its cause, the money, the savings. Numbers of note 07."""

import csv
from dataclasses import replace
from datetime import date

import pytest

from openbwv.rollout import facts, ledger, london, money
from openbwv.rollout.changes import read_actuals
from openbwv.rollout.example import SECOND, SECOND_UNITS, files
from openbwv.rollout.plan import make_plan
from openbwv.rollout.problem import Objective
from openbwv.rollout.replan import replan
from openbwv.rollout.schema import PlanFile
from openbwv.rollout.units import read_units
from tests.house.source import ROOT

SHARED = ROOT.parent / "shared" / "data" / "london_boroughs_planner.csv"
FINISH = Objective(("finish",))


def london_problem(**variant):
    texts = files(**variant)
    plan_file = PlanFile(texts["plan.yaml"].encode(), file="plan.yaml")
    units = read_units(texts["units.csv"].encode(), file="units.csv", calendar=plan_file.calendar)
    assert units.unread_columns == ()
    return replace(plan_file.problem(units.units), objective=FINISH)


def test_boroughs_and_specialists_come_to_the_contract():
    assert len(london.BOROUGHS) == 32
    assert len({code for code, _, _ in london.BOROUGHS.values()}) == 32
    assert sum(cameras for _, _, cameras in london.BOROUGHS.values()) == 17_140
    assert sum(unit[1] for unit in london.SPECIALISTS) == 4_860
    assert london.scaled(22_000)["Westminster"] == 460
    assert sum(london.scaled(30_000).values()) == 30_000
    assert {bcu for _, bcu, _ in london.BOROUGHS.values()} == set(london.BCU)
    assert len(london.BCU) == 12


def test_our_facts_are_those_of_the_shared_table_where_it_is_there():
    """A bare clone has no table beside it; then the sums of note 07 above are what is checked."""
    if SHARED.exists():
        with SHARED.open(newline="", encoding="utf-8") as file:
            rows = {row["borough"]: row for row in csv.DictReader(file)}
        ours = {name: (code, bcu, str(cameras)) for name, (code, bcu, cameras) in london.BOROUGHS.items()}
        assert ours == {name: (r["ons_code"], r["bcu_code"], r["cameras_est"]) for name, r in rows.items()}
    assert list(london.BOROUGHS) == sorted(london.BOROUGHS)


def test_at_535_a_week_london_finishes_in_week_42():
    own = london_problem(second_force=False)
    plan = make_plan(own)
    assert len(own.units) == 40
    assert (plan.finish + 1, plan.stages[0].proved) == (42, True)  # 41.1 weeks: in the 42nd
    assert own.calendar.monday(plan.finish) == date(2017, 7, 31)  # published then: "next summer", end of July
    seats = sum(own.seats[0].by_week[: london.PHASE_ONE_WEEKS])
    assert seats == 7_490  # published: 7,500 in 14 weeks
    assert seats == pytest.approx(london.PHASE_ONE_OFFICERS, rel=0.002)
    assert own.calendar.monday(london.PHASE_ONE_WEEKS) == date(2017, 1, 23)


def test_five_months_without_deliveries_slip_to_december_and_are_named_as_the_cause():
    own = london_problem(second_force=False)
    planned = make_plan(own).live
    text = files(second_force=False)["actuals.yaml"]
    new = replan(
        own, read_actuals(text.encode(), file="actuals.yaml", problem=own, planned=planned), planned, effort=0.2
    )
    assert new.earlier_finish + 1 == 42
    assert new.plan.finish + 1 == 62
    assert own.calendar.monday(new.plan.finish) == date(2017, 12, 18)  # published: before the end of 2017
    main = max(new.causes, key=lambda cause: cause.restores_weeks)
    assert main.change.kind == "deliveries"
    assert main.finish_if_alone == new.plan.finish
    assert main.restores_weeks >= 19
    assert {cause.change.kind: cause.restores_weeks for cause in new.causes}["network"] == 0
    assert any("deliveries" in words for words in new.restoring)


def test_two_forces_are_planned_together():
    own = london_problem()
    plan = make_plan(own)
    assert own.forces == (london.FORCE, SECOND)
    assert sum(SECOND_UNITS.values()) == 2_800
    assert plan.finish + 1 == 42
    assert max(plan.live[name] for name in SECOND_UNITS) < 30


def test_30_000_cameras_take_longer():
    plan = make_plan(london_problem(cameras=30_000, second_force=False))
    assert plan.finish + 1 == 57  # 30,000 / 535 = 56.1
    assert all(check.holds for check in plan.checks)


def test_five_months_are_22_weeks():
    assert london.pause_weeks() == 22
    assert london.pause_weeks(12) == 53


def test_the_contract_is_154_55_a_camera_and_does_not_stretch():
    met = money.contract(22_000)
    assert met["pounds_a_camera"] == 154.55
    assert met["pounds_missing"] == 0
    assert met["uk_pounds_a_camera"] == 473.75
    more = money.contract(30_000)
    assert more["pounds_at_this_price"] == 4_636_364
    assert more["pounds_missing"] == 1_236_364
    covered = {row["item"] for row in met["not_covered"]}
    assert {"redaction", "training", "network of the stations"} <= covered
    assert all(row["status"] in facts.STATUSES and row["source"] for row in met["not_covered"])
    assert money.POUNDS_A_CAMERA_FLOOR * 22_000 <= money.CONTRACT_POUNDS


def test_every_saving_carries_a_label_and_none_is_a_before_after_in_disguise():
    own = ledger.ledger(share_with_video=0.5)
    assert all(row["label"] in facts.LABELS and row["status"] in facts.STATUSES for row in own["lines"])
    by_name = {row["name"]: row for row in own["lines"]}
    time = by_name["complaint investigation, time"]
    assert (time["per_case"], time["saved_year"]) == (84.0, 0.5 * 6_828 * 84)
    assert by_name["complaint investigation, cost"]["per_case"] == 6_222.0
    assert time["label"] == facts.QUASI
    assert "not randomised" in by_name["time to compile evidence and reports"]["label"]
    assert by_name["early guilty pleas, domestic abuse"]["saved_year"] is None
    assert "total" not in own


def test_a_saving_without_a_label_cannot_be_made():
    with pytest.raises(ValueError, match="label"):
        ledger.Saving("x", 1.0, "h", "obvious", facts.SOURCED, "", "")
    with pytest.raises(ValueError, match="share"):
        ledger.ledger(share_with_video=1.5)
