"""The example files: London and a second, pretend force of 2,800 cameras in one plan, and a delivery pause.

Pools, quarters and weeks of installation are assumptions, marked so in the files; what is known has its
source.
"""

from openbwv.rollout import london
from openbwv.rollout.facts import ASSUMPTION, MODELLED
from openbwv.rollout.money import POUNDS_A_CAMERA_FLOOR
from openbwv.rollout.units import write_units

SECOND = "Second Force (pretend)"
SECOND_UNITS = {"North division": 620, "South division": 540, "East division": 480, "West division": 510}
SECOND_UNITS |= {"Roads": 250, "Firearms and support": 400}
COMPLAINTS_AN_OFFICER = 0.39
CAMERAS_A_TEAM_WEEK = 250
COLUMNS = (
    "unit",
    "ons_code",
    "force",
    "kind",
    "group",
    "phase",
    "cameras",
    "install_weeks",
    "teams",
    "weight",
    "network_ready",
    "consultation",
    "dpia",
    "training",
    "site_test",
    "status",
    "source",
)
IN_PHASE_ONE = ("Lewisham", "Brent", "Havering", london.TSG[0])


def files(*, cameras: int = london.CAMERAS, second_force: bool = True) -> dict[str, str]:
    """Return file name -> text of the example: plan.yaml, units.csv, actuals.yaml."""
    return {
        "units.csv": write_units(rows(cameras=cameras, second_force=second_force), COLUMNS),
        "plan.yaml": plan_yaml(cameras=cameras, second_force=second_force),
        "actuals.yaml": ACTUALS,
    }


def rows(*, cameras: int, second_force: bool) -> list[dict[str, object]]:
    """Return the units as rows of the units file."""
    amounts = london.scaled(cameras)
    as_known = cameras == london.CAMERAS
    found = []
    for name, (code, bcu, _) in london.BOROUGHS.items():
        place = ("borough", london.FORCE, london.BCU[bcu])
        found.append(_row(name, amounts[name], place, MODELLED, london.MODEL) | {"ons_code": code})
    for name, _, status, source in london.SPECIALISTS:
        place = ("specialist", london.FORCE, "Specialists")
        found.append(_row(name, amounts[name], place, status if as_known else MODELLED, source))
    if second_force:
        for name, number in SECOND_UNITS.items():
            found.append(_row(name, number, ("division", SECOND, SECOND), ASSUMPTION, "made up for the example"))
    return found


def _row(name: str, cameras: int, place: tuple[str, str, str], status: str, source: str) -> dict[str, object]:
    kind, force, group = place
    return {
        "unit": name,
        "ons_code": "",
        "force": force,
        "kind": kind,
        "group": group,
        "phase": 1 if name in IN_PHASE_ONE else 2,
        "cameras": cameras,
        "install_weeks": max(1, -(-cameras // CAMERAS_A_TEAM_WEEK)),
        "teams": 1,
        "weight": round(cameras * COMPLAINTS_AN_OFFICER),
        "network_ready": "done",
        "consultation": "done",
        "dpia": "done",
        "training": "plan",
        "site_test": "plan",
        "status": status,
        "source": source,
    }


def plan_yaml(*, cameras: int, second_force: bool) -> str:
    """Return the plan file."""
    scale = cameras / london.CAMERAS
    quarters = {"2016Q4": 1_000_000, "2017Q1": 1_100_000, "2017Q2": 1_100_000, "2017Q3": 200_000}
    money = "\n".join(f"      {quarter}: {round(amount * scale)}" for quarter, amount in quarters.items())
    met = f"[{london.FORCE}]"
    text = f"""\
# Example: London from 17 October 2016. What is an assumption says so; put your own figures in.
title: London, {cameras:,} cameras{" and a second force" if second_force else ""}
start: 2016-10-17            # week 1; the first borough was Lewisham (the brief)
horizon_weeks: 80
units: units.csv
camera_pounds: {POUNDS_A_CAMERA_FLOOR}        # GBP 3.4m / 22,000, rounded down to the penny
objective: {{order: [finish, benefit, fairness], give_percent: 10}}

forces:
  - {{name: {london.FORCE}, cameras: {cameras}}}
{f"  - {{name: {SECOND}, cameras: {sum(SECOND_UNITS.values())}}}" if second_force else ""}

installation_teams:          # assumption; a team fits 250 cameras' docks in a week
  - {{name: London teams, forces: {met}, teams: {round(5 * scale)}}}
{f"  - {{name: Second teams, forces: [{SECOND}], teams: 2}}" if second_force else ""}

training:                    # 7,500 officers in 14 weeks = 535 a week (computed)
  - {{name: London training, forces: {met}, seats_per_week: {london.PACE_A_WEEK}, valid_weeks: 12}}
{f"  - {{name: Second training, forces: [{SECOND}], seats_per_week: 120, valid_weeks: 12}}" if second_force else ""}

deliveries:                  # assumption: just in time, a thousand in stock at the start
  - {{name: London cameras, forces: {met}, in_stock: 1000, per_week: {london.PACE_A_WEEK}, at_most: {cameras}}}
{f"  - {{name: Second cameras, forces: [{SECOND}], in_stock: 300, per_week: 120}}" if second_force else ""}

budget:                      # the contract's sum; its division into quarters is an assumption
  - name: London contract
    forces: {met}
    carry_over: true
    by_quarter:
{money}

blackout:
  - {{from: 2016-12-19, until: 2017-01-01, why: Christmas}}
  - {{from: 2017-12-25, until: 2017-12-31, why: Christmas}}

fixed:
  - {{unit: Lewisham, not_after: 2016-11-07}}     # the first borough

trial:                       # for --randomise; every line is an assumption but the rate (12,418 / 31,780)
  rate_per_officer_year: 0.39
  rate_ratio: 0.85
  cv_between: 0.25
  overdispersion: 1.5
  period_weeks: 4
  baseline_periods: 6
"""
    return "\n".join(line for line in text.splitlines() if line.strip() or line == "") + "\n"


ACTUALS = f"""\
# Example of actuals: what has happened since the plan, and what has changed. A what-if, not history: no source that was
# read names the cause of the real slip to the end of 2017.
as_of: 2017-02-13
as_planned: true             # units planned to be live before that week are live, but for those in `live` and `not_yet`
changes:
  - kind: deliveries
    pool: London cameras
    pause: {{from: 2017-02-13, weeks: {london.pause_weeks()}}}
    why: five months without deliveries
  - kind: training
    pool: London training
    from: 2017-03-06
    until: 2017-04-02
    seats_per_week: 400
    why: trainers lent to another course for four weeks
  - kind: network
    unit: Croydon
    ready: 2017-05-01
    why: line to the station upgraded late
"""
