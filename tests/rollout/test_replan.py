"""Planning again: the past stays, the cause is found by undoing it."""

import pytest

from openbwv.rollout.changes import Actuals, Change, read_actuals
from openbwv.rollout.errors import BadPlanFile, PlanInfeasible
from openbwv.rollout.plan import make_plan
from openbwv.rollout.problem import Gate
from openbwv.rollout.replan import LATE, as_dict, replan
from tests.rollout.problems import problem, seats, stock, teams, unit

UNITS = [unit(f"u{n}", 10) for n in range(6)]
WEEKS = 20


def planned(**more):
    own = problem(UNITS, weeks=WEEKS, teams=teams(1, WEEKS), **more)
    return own, make_plan(own).live


def read(text, own, live):
    return read_actuals(text.encode(), file="actuals.yaml", problem=own, planned=live)


def test_nothing_happened_so_nothing_moves():
    own, live = planned()
    new = replan(own, read("{as_of: 3, as_planned: true}", own, live), live)
    assert new.plan.live == live
    assert (new.slip_weeks, new.causes, new.restoring) == (0, (), ())


def test_two_changes_that_each_suffice_are_only_restored_together():
    own, live = planned(seats=seats(10, weeks=WEEKS))
    text = """
as_of: 3
as_planned: true
changes:
  - {kind: training, pool: seats, from: 3, until: 6, seats_per_week: 0, why: no trainers}
  - {kind: teams, pool: teams, from: 3, until: 6, teams: 0, why: no vans}
"""
    new = replan(own, read(text, own, live), live)
    assert new.slip_weeks == 4
    assert [cause.restores_weeks for cause in new.causes] == [0, 0]
    assert [cause.finish_if_alone for cause in new.causes] == [9, 9]
    assert len(new.restoring) == 2


def test_the_change_that_binds_is_the_cause_and_the_other_is_not():
    own, live = planned(stock=stock([60] * WEEKS))
    text = """
as_of: 3
as_planned: true
changes:
  - {kind: teams, pool: teams, from: 4, until: 8, teams: 0, why: strike}
  - {kind: network, unit: u5, ready: 6, why: late line}
"""
    new = replan(own, read(text, own, live), live)
    assert new.slip_weeks == 5
    assert {cause.change.kind: cause.restores_weeks for cause in new.causes} == {"teams": 5, "network": 0}
    assert new.restoring == ("teams: 0 teams: strike",)
    shown = as_dict(new)
    assert shown["finish_week"] == 11
    assert shown["causes"][0]["finish_if_put_right"] == 6


def test_undoing_a_pause_of_the_past_undoes_what_it_delayed():
    """Seen from week 12 the pause is over and cannot be mended; it is still the cause."""
    own, live = planned(stock=stock([10 * min(w + 1, 6) for w in range(WEEKS)]))
    text = """
as_of: 12
live: [{unit: u0, week: 1}, {unit: u1, week: 2}]
changes:
  - {kind: deliveries, pool: cameras, pause: {from: 3, weeks: 9}, why: ship lost}
"""
    new = replan(own, read(text, own, live), live)
    assert new.slip_weeks == new.plan.finish - 5 > 0
    assert new.causes[0].finish_if_put_right == 5
    assert new.restoring[0].startswith("cameras: no deliveries for 9 weeks")
    assert min(new.plan.live[f"u{n}"] for n in range(2, 6)) >= 11


def test_lateness_that_no_change_explains_is_said_to_be_that():
    own, live = planned()
    last = sorted(live, key=live.get)[2]
    new = replan(own, read(f"{{as_of: 6, as_planned: true, not_yet: [{last}]}}", own, live), live)
    assert [cause.change.kind for cause in new.causes] == [LATE]
    assert last in new.causes[0].change.words
    assert new.plan.live[last] >= 5


def test_what_is_live_stays_live_though_its_gate_is_dated_later():
    own, live = planned()
    first = min(live, key=live.get)
    text = f"{{as_of: 3, as_planned: true, changes: [{{kind: gate, unit: {first}, gate: dpia, week: 9, why: redone}}]}}"
    new = replan(own, read(text, own, live), live)
    assert new.plan.live[first] == live[first]


def test_a_gate_without_a_date_leaves_no_plan_and_says_so():
    own, live = planned()
    last = max(live, key=live.get)
    text = f"{{as_of: 3, as_planned: true, changes: [{{kind: gate, unit: {last}, gate: consultation, why: refused}}]}}"
    with pytest.raises(PlanInfeasible) as refused:
        replan(own, read(text, own, live), live)
    assert [each["key"] for each in refused.value.conflict] == [f"gate:consultation:{last}"]


def test_as_few_units_move_as_can_be():
    own, live = planned()
    last = max(live, key=live.get)
    text = f"{{as_of: 2, as_planned: true, changes: [{{kind: network, unit: {last}, ready: 10, why: late}}]}}"
    new = replan(own, read(text, own, live), live)
    assert {name for name in live if new.plan.live[name] != live[name]} == {last}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("as_of: 40", 1, 8, "outside"),
        ("as_of: 3\nlive: [{unit: nobody, week: 1}]", 2, 15, "nobody"),
        ("as_of: 3\nlive: [{unit: u0, week: 7}]", 2, 8, "not past"),
        ("as_of: 3\nchanges: [{kind: weather, why: rain}]", 2, 18, "no kind"),
        ("as_of: 3\nchanges: [{kind: teams, pool: x, why: rain}]", 2, 31, "no 'x'"),
        ("as_of: 3\nchanges: [{kind: deliveries, pool: none, why: rain}]", 2, 36, "no 'none'"),
        ("as_of: 3\nchanges: [{kind: gate, unit: u0, gate: mood, why: rain}]", 2, 40, "no gate"),
        ("as_of: 3\nweather: fine", 2, 10, "no field"),
        ("live: []", 1, 1, "as_of"),
    ],
)
def test_errors_in_actuals_have_line_and_column(text, line, column, words):
    own, live = planned()
    with pytest.raises(BadPlanFile) as refused:
        read(text, own, live)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert words in refused.value.what


def test_a_change_is_only_what_it_says():
    own, live = planned()
    held = Change("gate", "x", 0, lambda p: p.with_changes(units=(unit("u0", gates={"dpia": Gate(5)}), *p.units[1:])))
    new = replan(own, Actuals(0, {}, (held,)), live)
    assert new.plan.live["u0"] == 5
    assert new.slip_weeks == 0


def test_a_late_network_counts_from_when_it_was_needed():
    """What was ready from the start and is late now delays nothing before the unit's own installation."""
    own, live = planned()
    last = max(live, key=live.get)
    text = f"{{as_of: 2, as_planned: true, changes: [{{kind: network, unit: {last}, ready: 10, why: late}}]}}"
    (change,) = read(text, own, live).changes
    assert change.first == live[last]
