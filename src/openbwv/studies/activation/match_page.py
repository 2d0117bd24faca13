"""The page about a matching: how much was matched, how well the matcher does, why recordings are missing."""

from collections.abc import Mapping, Sequence
from typing import Any

from openbwv.shared.report import Column, Footer, Report, Table
from openbwv.studies.activation import plots
from openbwv.studies.activation.page import SHARE_COLUMNS, excluded_table, long_table

TITLE = "Recordings matched to incidents"
LEAD = "An incident without a recording is not a breach: records and the matcher err, and policies leave room."


def page(
    found: Mapping[str, Any], *, scores: Mapping[str, Any], excluded: Sequence[Mapping[str, Any]], footer: Footer
) -> Report:
    """Return the report of `found` (what `summary.summarise` returned); `scores` by where the truth came from."""
    report = Report(title=TITLE, lead=LEAD, footer=footer)
    report.heading("What was matched")
    report.text(
        f"{found['recordings']:,} recordings, {found['incidents']:,} incidents, {found['attendances']:,} attendances: "
        "an attendance is one officer at one incident. Each recording has one home at most; "
        f"{found['shared']:,} attendances are covered by a recording that has its home elsewhere."
    )
    columns = (Column("tier", "Tier"), Column("meaning", "How"), Column("n", "Recordings"), Column("share", "Share", 4))
    report.table(Table("tiers", "Recordings by tier", columns, found["tiers"]))
    rows = [{"what": "decided by: " + word, "n": n} for word, n in found["decided_by"].items()]
    rows += [{"what": word, "n": n} for word, n in found["problems"].items()]
    report.table(
        Table(
            "decisions", "What decided, and what did not fit", (Column("what", "What"), Column("n", "Recordings")), rows
        )
    )
    _scores(report, scores)
    report.heading("Was it recorded, and if not, why")
    report.table(Table("recorded", "Attendances recorded", (Column("key", "Of"), *SHARE_COLUMNS), found["recorded"]))
    if found["camera_not_known"]:
        report.text(
            f"For {found['camera_not_known']:,} attendances it is not known whether the officer had a working camera."
        )
    columns = (
        Column("reason", "Reason"),
        Column("n", "Attendances"),
        Column("share", "Share", digits=4),
        Column("could_not_record", "Could not record"),
    )
    report.figure(
        plots.reasons_plot(found["reasons"], title="Why attendances have no whole recording"),
        caption="Attendances by what the records say. 'Not matched' may be this matcher's error.",
        table=Table("reasons", "Reasons", columns, found["reasons"]),
    )
    columns = (
        Column("what", "What"),
        Column("recorded_attendances", "Recorded attendances"),
        Column("count", "Of them"),
        *SHARE_COLUMNS[3:],
        Column("median_s", "Median (s)", digits=0),
        Column("minutes", "In all (min)", digits=0),
    )
    report.table(Table("quality", "Late starts, early stops, muted minutes", columns, found["quality"]))
    report.heading("Shares by group, of attendances with a camera as far as known")
    for name, rows in found["groups"].items():
        shown = [dict(each) | {"key": str(each["key"])} for each in rows]
        title = "By hour of the day (local time)" if name == "hour" else f"By {name}"
        report.table(Table(f"by-{name}", title, (Column("key", name), *SHARE_COLUMNS), shown))
    report.heading("Rules and rows that were not used")
    rows = [{"rule": name, "value": value} for name, value in found["rules"].items()]
    report.table(Table("rules", "Rules (assumptions)", (Column("rule", "Rule"), Column("value", "Value")), rows))
    long_table(report, excluded_table(excluded))
    return report


def _scores(report: Report, scores: Mapping[str, Any]) -> None:
    report.heading("How often the matcher is right")
    rows = []
    for where, score in scores.items():
        named = [(f"precision, tier {each['tier']}", each) for each in score["tiers"]]
        named += [("precision", score["precision"]), ("recall", score["recall"])]
        named.append(("said unrecorded, but was recorded", score["said_unrecorded_but_was_recorded"]))
        for what, each in named:
            values = {name: each[name] for name in ("count", "of", "share", "low", "high")}
            rows.append({"where": where, "what": what} | values)
    columns = (
        Column("where", "On"),
        Column("what", "What"),
        Column("count", "Right (or wrong)"),
        Column("of", "Of"),
        Column("share", "Share", digits=4),
        Column("low", "95 % low", digits=4),
        Column("high", "95 % high", digits=4),
    )
    note = "A pretend force is tidier than a real one: on real records expect less."
    report.table(Table("score", "Precision and recall", columns, rows, note=note))
