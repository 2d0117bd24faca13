"""The HTML report of a roll-out: plan, certificate, trial, slip and causes, the published course, money and savings."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from openbwv import __version__
from openbwv.rollout import london
from openbwv.rollout.ledger import ledger
from openbwv.rollout.money import contract
from openbwv.rollout.plots import curve, gantt
from openbwv.shared.report import Column, Footer, Report, Table

FACTS = (
    Column("name", "What"),
    Column("value", "Value"),
    Column("unit", "Unit"),
    Column("status", "Status"),
    Column("source", "Source"),
)


def plan_report(result: Mapping[str, Any], *, share_with_video: float = 0.5) -> Report:
    """Return the report of a plan, or of a replan when `result` holds a slip."""
    slip = result.get("slip")
    report = Report(title=result["title"], lead=_lead(result), footer=_footer(result))
    if slip:
        _slip(report, slip)
    report.heading("The plan")
    report.text(f"Order: {result['order']} (design: {result['label']}). Aim: {result['objective']}.")
    report.table(_stages(result))
    earlier = slip["earlier_weeks"] if slip else None
    svg, table = gantt(result, earlier)
    report.figure(svg, caption="When each unit is fitted out and goes live.", table=table)
    svg, table = curve(result, slip["earlier_cumulative"] if slip else None)
    report.figure(svg, caption="Cameras live by week, with what was delivered and trained for.", table=table)
    report.heading("Certificate")
    _certificate(report, result)
    if result["trial"]:
        report.heading("The roll-out as a trial")
        _trial(report, result["trial"])
    if any(unit["force"] == london.FORCE for unit in result["units"]):
        report.heading("Against what was published of London")
        _published(report, result)
    report.heading("Money")
    _money(report, result)
    report.heading("What may be saved")
    _savings(report, share_with_video)
    report.heading("How the plan was read")
    columns = (Column("name", "What"), Column("value", "How"), Column("source", "From"))
    report.table(Table("assumptions", "How the plan was read", columns, result["assumptions"]))
    return report


def _lead(result: Mapping[str, Any]) -> str:
    day = date.fromisoformat(result["finish_monday"])
    words = (
        f"{result['cameras']:,} cameras for {len(result['units'])} units: the last goes live in week "
        f"{result['finish_week']} (from {day.day} {day:%B %Y})."
    )
    slip = result.get("slip")
    if slip:
        return words + f" That is {slip['slip_weeks']} weeks later than week {slip['earlier_finish_week']} as planned."
    finish = next((stage for stage in result["stages"] if stage["name"] == "finish"), None)
    return words + (" No plan under these constraints is earlier." if finish and finish["proved"] else "")


def _footer(result: Mapping[str, Any]) -> Footer:
    more = {"SHA-256 of the plan": result["certificate"]["plan_sha256"]}
    return Footer(__version__, seed=result["seed"], data_sha256=result["certificate"]["inputs_sha256"], more=more)


def _stages(result: Mapping[str, Any]) -> Table:
    columns = (
        Column("name", "Aim"),
        Column("value", "Reached", 2),
        Column("bound", "No plan does better than", 2),
        Column("proved", "Proved best"),
        Column("final", "In the finished plan", 2),
        Column("unit", "In"),
    )
    return Table("aims", "What each aim came to", columns, result["stages"])


def _slip(report: Report, slip: Mapping[str, Any]) -> None:
    report.heading("What delays it")
    real = [cause for cause in slip["causes"] if cause["restores_weeks"] > 0]
    if not slip["slip_weeks"]:
        report.text("The finish has not moved.")
    elif real:
        report.text(f"Cause: {max(real, key=lambda cause: cause['restores_weeks'])['words']}.")
    else:
        report.text("No single change explains it: putting any one of them right brings nothing back.")
    if slip["restoring"]:
        report.text("The earlier finish comes back when this is put right: " + "; and ".join(slip["restoring"]) + ".")
    columns = (
        Column("kind", "Kind"),
        Column("words", "What happened"),
        Column("from_week", "From week", 0),
        Column("finish_if_put_right", "Finish if only this were put right", 0),
        Column("restores_weeks", "Weeks it brings back", 0),
        Column("finish_if_alone", "Finish if only this had happened", 0),
    )
    note = (
        "Each finish is a whole plan, solved with that change taken out or alone. A dash: no plan inside the horizon."
    )
    report.table(Table("causes", "Changes and what each did", columns, slip["causes"], note))


def _certificate(report: Report, result: Mapping[str, Any]) -> None:
    own = result["certificate"]
    held = "All hold" if own["holds"] else "NOT all hold"
    report.text(
        f"{own['checked']} checks by code that does not use the solver. {held}. It proves: {own['proves']}. "
        f"It does not prove: {own['does_not_prove']}."
    )
    columns = (
        Column("key", "Constraint"),
        Column("words", "In words"),
        Column("holds", "Holds"),
        Column("detail", "Decided by"),
    )
    report.table(Table("certificate", "Checks", columns, own["checks"]))


def _trial(report: Report, trial: Mapping[str, Any]) -> None:
    least = trial["detectable_rate_ratio"]
    words = f"Power {trial['power']:.3f} with {trial['units']} units in {trial['periods']} periods (Hussey & Hughes)."
    if least is not None:
        words += f" A rate ratio of {least:.3f} would be found four times in five."
    report.text(words)
    kept = ", ".join(trial["not_drawn"]) or "none"
    report.text(
        f"The order was drawn with seed {trial['seed']} in {trial['draws']} draws; draws that broke a constraint were "
        f"thrown away. Not drawn: {kept}."
    )
    columns = (Column("place", "Place", 0), Column("unit", "Unit"), Column("treated", "Periods, 1 = with cameras"))
    rows = [
        {"place": number + 1, "unit": row["unit"], "treated": "".join(map(str, row["treated"]))}
        for number, row in enumerate(sorted(trial["cells"], key=lambda row: trial["order"].index(row["unit"])))
    ]
    report.table(Table("wedge", "The order drawn and its periods", columns, rows))
    report.table(Table("power", "What the power rests on", FACTS, trial["assumptions"]))


def _published(report: Report, result: Mapping[str, Any]) -> None:
    columns = (
        Column("date", "Date"),
        Column("what", "What"),
        Column("cameras", "Cameras", 0),
        Column("source", "Source"),
        Column("status", "Status"),
    )
    report.table(Table("published", "The roll-out as it was published", columns, london.published_rows()))
    report.table(pace_table(result))


def pace_table(result: Mapping[str, Any]) -> Table:
    """Return what was published of the pace beside what this plan says."""
    weeks, officers = london.PHASE_ONE_WEEKS, london.PHASE_ONE_OFFICERS
    seats = result["seats_in_14_weeks"].get(london.FORCE)
    finish = result["finish_by_force"].get(london.FORCE)
    rows = [
        {"what": f"officers trained for in {weeks} weeks", "published": f"{officers:,}", "plan": seats},
        {"what": "cameras a week", "published": f"{officers / weeks:.1f} (computed)", "plan": london.PACE_A_WEEK},
        {
            "what": "weeks for 22,000 at 535 a week",
            "published": f"{london.CAMERAS / london.PACE_A_WEEK:.1f}: end of July 2017 (computed)",
            "plan": finish,
        },
        {"what": "end as it was stated in July 2017", "published": "before the end of 2017", "plan": finish},
    ]
    note = "No source that was read names the cause of the real slip."
    columns = (Column("what", "What"), Column("published", "Published"), Column("plan", "This plan", 0))
    return Table("pace", "Pace: published and planned", columns, rows, note)


def _money(report: Report, result: Mapping[str, Any]) -> None:
    met = sum(unit["cameras"] for unit in result["units"] if unit["force"] == london.FORCE) or result["cameras"]
    own = contract(met)
    more = f" (£{own['pounds_missing']:,} more than the contract)" if own["pounds_missing"] else ""
    report.text(
        f"The published contract is £{own['contract_pounds']:,} for {own['years']} years and 22,000 cameras: "
        f"£{own['pounds_a_camera']:.2f} a camera, £{own['pounds_a_camera_year']:.2f} a year. {met:,} cameras at that "
        f"price are £{own['pounds_at_this_price']:,}{more}; at what UK forces paid on average "
        f"(£{own['uk_pounds_a_camera']:.2f}) £{own['pounds_at_uk_average']:,}."
    )
    report.table(Table("money", "Figures", FACTS, own["facts"]))
    columns = (
        Column("item", "Item"),
        Column("quantity", "How much"),
        Column("status", "Status"),
        Column("source", "From"),
    )
    report.table(Table("not-covered", "What the contract's sum does not cover", columns, own["not_covered"]))


def _savings(report: Report, share_with_video: float) -> None:
    own = ledger(share_with_video=share_with_video)
    report.text(
        f"{own['complaint_cases_year']:,} complaint cases a year ({own['complaint_cases_source']}); footage for "
        f"{share_with_video:.0%} of them, which is an assumption. {own['note']}"
    )
    columns = (
        Column("name", "Line"),
        Column("label", "Design"),
        Column("per_case", "Saved a case"),
        Column("unit", "In"),
        Column("cases_year", "Cases a year", 0),
        Column("saved_year", "Saved a year", 0),
        Column("status", "Status"),
        Column("source", "Source"),
    )
    lines = [{key: value for key, value in line.items() if key != "reading"} for line in own["lines"]]
    report.table(Table("savings", "The saving side of the ledger", columns, lines))
    report.items([f"{line['name']}: {line['reading']}" for line in own["lines"]])
