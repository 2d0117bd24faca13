"""The report of a trial: what was found, under which label, who was in it, what was left out, and every number."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from openbwv.shared.report import Column, Footer, Report, Table
from openbwv.studies import plots
from openbwv.studies.estimates import Estimate
from openbwv.studies.labels import DesignLabel
from openbwv.studies.result import Result
from openbwv.studies.setup import Design

TRIALS = (Design.PAIRS, Design.SHIFTS, Design.CLUSTERS)
MODEL = (Column("model", "Model"), Column("label", "Design"))
ENDS = (Column("low", "Low", 4), Column("high", "High", 4), Column("p", "p"))
COUNTS = (
    Column("events_treated", "Events, treated"),
    Column("exposure_treated", "Exposure, treated"),
    Column("events_control", "Events, control"),
    Column("exposure_control", "Exposure, control"),
)
RATIOS = (*MODEL, Column("irr", "IRR", 4), *ENDS, *COUNTS)
DIFFERENCES = (*MODEL, Column("estimand", "Estimand"), Column("difference", "Difference", 4), *ENDS)
MADE = (
    Column("model", "Model"),
    Column("code", "Name in --json"),
    Column("headline", "Headline"),
    Column("converged", "Converged"),
    Column("p_holm", "p (Holm)"),
    Column("note", "Note"),
)
BALANCE = (
    Column("name", "Column"),
    Column("n_treated", "n, treated"),
    Column("mean_treated", "Mean, treated", 3),
    Column("n_control", "n, control"),
    Column("mean_control", "Mean, control", 3),
    Column("smd", "Standardised difference", 3),
    Column("missing", "Missing"),
)


def study_report(results: Sequence[Result], *, code_version: str, title: str = "") -> Report:
    """Return the report of one trial, one section an outcome."""
    first = results[0]
    named = title or (first.preregistration or {}).get("title") or f"A camera trial: {first.setup.design.value}"
    footer = Footer(code_version=code_version, seed=first.setup.seed, data_sha256=first.data_sha256, more=_more(first))
    report = Report(title=named, lead=_lead(results), footer=footer)
    report.heading("Design")
    report.text(f"{first.setup.design.sentence} {first.label.sentence}")
    if len(results) > 1:
        report.figure(_forest_of_outcomes(results), caption="Headline of each outcome", table=_outcome_table(results))
    for number, result in enumerate(results, start=1):
        _outcome(report, result, f"outcome{number}-" if len(results) > 1 else "")
    _departures(report, first)
    return report


def _more(result: Result) -> dict[str, str]:
    more = {"Design label": result.label.value}
    if result.preregistration:
        more["SHA-256 of the pre-registration"] = str(result.preregistration["sha256"])
    if result.allocation:
        more["SHA-256 of the allocation"] = str(result.allocation["sha256"])
    return more


def _lead(results: Sequence[Result]) -> str:
    return " ".join(f"{result.setup.outcome}: {result.headline}." for result in results)


def _outcome(report: Report, result: Result, prefix: str) -> None:
    name = result.setup.outcome
    report.heading(f"Outcome: {name}")
    report.text(f"{result.headline}.")
    for ratio, words in ((True, "rate ratios"), (False, "differences")):
        found = [each for each in result.estimates if (each.measure == "irr") == ratio]
        if found:
            caption = f"{name}, {words} by model. {result.label.value}."
            report.table(estimate_table(result, found, f"{prefix}{'irr' if ratio else 'differences'}", caption, ratio))
            rows = [_point(each.model.title, each) for each in found]
            table = _point_table(rows, f"{prefix}forest-{'irr' if ratio else 'differences'}", caption)
            report.figure(
                plots.forest(rows, title=caption, ratio=ratio, where=_where(result)), caption=caption, table=table
            )
    report.table(_made(result, f"{prefix}models"))
    if result.event_study:
        _event_study(report, result, prefix)
    report.heading(f"Who was in it: {name}")
    boxes = flow(result)
    caption = "From the file to the analysis"
    report.figure(plots.flow(boxes, title=caption), caption=caption, table=_flow_table(boxes, f"{prefix}flow"))
    report.table(_excluded(result, f"{prefix}excluded"))
    if result.balance:
        note = "A standardised difference beyond 0.1 either way is worth a look; after a draw it is chance."
        report.table(Table(f"{prefix}balance", "Balance of the arms", BALANCE, result.balance, note))
    if result.setup.design in TRIALS:
        report.table(_pairs(f"{prefix}contamination", "Cameras in the control arm", result.contamination))
    if result.first_stage:
        report.table(_pairs(f"{prefix}first-stage", "First stage: did assignment change use?", result.first_stage))
    if result.notes:
        report.heading("Notes")
        report.items(result.notes)


def estimate_table(result: Result, found: Sequence[Estimate], name: str, title: str, ratio: bool) -> Table:
    """Return estimates with their label and, for ratios, counts and exposure; the arms of a before-after result are
    after and before."""
    treated = result.arms.get("treated") or result.arms.get("after") or {}
    control = result.arms.get("control") or result.arms.get("before") or {}
    counts = {
        f"{key}_{arm}": values.get(key) for arm, values in (("treated", treated), ("control", control)) for key in _KEYS
    }
    columns = RATIOS if ratio else DIFFERENCES
    if result.label is DesignLabel.BEFORE_AFTER:
        columns = tuple(replace(column, heading=_in_time(column.heading)) for column in columns)
    rows = []
    for each in found:
        said = each.as_dict() | counts | {"model": each.model.title}
        rows.append({column.key: said.get(column.key) for column in columns})
    note = ""
    if result.label is DesignLabel.BEFORE_AFTER:
        note = "Not randomised, so no effect of cameras alone."
    return Table(name, title, columns, rows, note)


def _in_time(heading: str) -> str:
    return heading.replace("treated", "after").replace("control", "before")


_KEYS = ("events", "exposure")


def _made(result: Result, name: str) -> Table:
    rows = [
        {
            "model": each.model.title,
            "code": each.model.value,
            "headline": each.headline,
            "converged": each.converged,
            "p_holm": result.p_holm if each.headline else None,
            "note": each.note,
        }
        for each in result.estimates
    ]
    note = "The headline was chosen by design and number of units, not by its p. Others stand beside it as sensitivity."
    return Table(name, "How each estimate was made", MADE, rows, note)


def _point(name: str, estimate: Estimate) -> dict[str, Any]:
    return {
        "name": name,
        "label": estimate.label.value,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "headline": estimate.headline,
    }


def _where(result: Result) -> str:
    return "after than before, not randomised" if result.label is DesignLabel.BEFORE_AFTER else "with cameras"


def _point_table(rows: list[dict[str, Any]], name: str, title: str) -> Table:
    columns = (
        Column("name", "Name"),
        Column("label", "Design"),
        Column("value", "Value", 4),
        Column("low", "Low", 4),
        Column("high", "High", 4),
        Column("headline", "Headline"),
    )
    return Table(name, title, columns, rows)


def _forest_of_outcomes(results: Sequence[Result]) -> str:
    rows = [_point(result.setup.outcome, result.headline) for result in results]
    ratio = all(result.headline.measure == "irr" for result in results)
    return plots.forest(rows, title="Headline of each outcome", ratio=ratio, where=_where(results[0]))


def _outcome_table(results: Sequence[Result]) -> Table:
    columns = (
        Column("outcome", "Outcome"),
        Column("label", "Design"),
        Column("model", "Model"),
        Column("measure", "Measure"),
        Column("value", "Value", 4),
        Column("low", "Low", 4),
        Column("high", "High", 4),
        Column("p", "p"),
        Column("p_holm", "p (Holm)"),
    )
    rows = [
        {
            "outcome": result.setup.outcome,
            "label": result.label.value,
            "model": result.headline.model.value,
            "measure": result.headline.measure,
            "value": result.headline.value,
            "low": result.headline.low,
            "high": result.headline.high,
            "p": result.headline.p,
            "p_holm": result.p_holm,
        }
        for result in results
    ]
    return Table("outcomes", "Headline of each outcome", columns, rows, "p (Holm) is adjusted for all outcomes listed.")


def _event_study(report: Report, result: Result, prefix: str) -> None:
    caption = f"Event study: {result.setup.outcome}, {result.label.value}"
    columns = (
        Column("lag", "Periods since the start"),
        Column("difference", "Difference", 4),
        Column("low", "Low", 4),
        Column("high", "High", 4),
        Column("p", "p"),
        Column("units", "Units"),
    )
    table = Table(
        f"{prefix}event-study", caption, columns, result.event_study, "The period before the start is the base."
    )
    report.figure(plots.event_study(result.event_study, title=caption), caption=caption, table=table)
    check = result.pre_trend or {}
    if check.get("p") is not None:
        lags = ", ".join(map(str, check["lags"]))
        report.text(f"Pre-trend check over lags {lags}: p {check['p']:.4f}; {check['note']}.")
    elif check:
        report.text(f"Pre-trend check: {check['note']}.")


def flow(result: Result) -> list[dict[str, Any]]:
    """Return the boxes of the flow: in the file, allocated, left out, analysed by arm."""
    boxes: list[dict[str, Any]] = [{"step": "In the file", "arm": "", "words": f"{result.rows:,} rows"}]
    if result.allocation:
        counts = result.allocation["allocated"]
        boxes += [{"step": "Allocated", "arm": arm, "words": f"{n:,} units"} for arm, n in list(counts.items())[:4]]
        missing = len(result.allocation["without_data"])
        boxes.append({"step": "Without data", "arm": "", "words": f"{missing:,} allocated units have no row"})
    boxes.append({"step": "Left out", "arm": "", "words": f"{len(result.excluded):,} rows, each listed below"})
    arms = list(result.arms.items())
    if len(arms) > 4:
        words = f"{result.n:,} cells of {result.clusters:,} units with {len(arms)} starts"
        return [*boxes, {"step": "Analysed", "arm": "", "words": words}]
    return boxes + [{"step": "Analysed", "arm": arm, "words": _arm_words(values)} for arm, values in arms]


def _arm_words(values: dict[str, float]) -> str:
    known = [("n", "rows"), ("units", "units"), ("events", "events")]
    return ", ".join(f"{values[key]:,.10g} {word}" for key, word in known if key in values)


def _flow_table(boxes: list[dict[str, Any]], name: str) -> Table:
    columns = (Column("step", "Step"), Column("arm", "Arm"), Column("words", "How many"))
    return Table(name, "Flow of rows and units", columns, boxes)


def _excluded(result: Result, name: str) -> Table:
    columns = (Column("row", "Row"), Column("line", "Line of the file"), Column("why", "Why"))
    return Table(name, "Rows left out", columns, result.excluded, empty="None: every row was analysed.")


def _pairs(name: str, title: str, values: dict[str, Any] | None) -> Table:
    flat: list[dict[str, Any]] = []
    for key, value in (values or {}).items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        flat += [{"what": " ".join(filter(None, (key, more))).replace("_", " "), "value": v} for more, v in inner]
    columns = (Column("what", "What"), Column("value", "Value"))
    return Table(name, title, columns, flat, empty="The data say nothing about it.")


def _departures(report: Report, result: Result) -> None:
    registered = result.preregistration
    report.heading("Pre-registration")
    if registered is None:
        report.text(
            "None was given, so nobody can tell whether outcome and model were chosen before the data were seen."
        )
        return
    report.text(f"Registered as {registered['sha256']}, read and hashed before the data.")
    if registered["departures"]:
        report.text("The analysis departs from it:")
        report.items(registered["departures"])
    else:
        report.text("The analysis is the one that was registered.")
