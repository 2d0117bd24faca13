"""The report on activation as a page: shares, officers, funnel, mixed incidents, exposure of control officers."""

from collections.abc import Mapping, Sequence
from typing import Any

from openbwv.shared.report import Column, Footer, Report, Table
from openbwv.studies.activation import plots
from openbwv.studies.activation.funnel import Funnel

TITLE = "Who records: activation of body-worn cameras"
LEAD = (
    "How many reports say that the incident was recorded, by year and group, how far officers differ beyond chance, "
    "and which incidents some officers present recorded and others did not. Descriptive, not randomised: groups may "
    "differ for reasons of their own. A report without a recording is not a breach."
)
LONGEST = 50
SHARE_COLUMNS = (
    Column("n", "Reports"),
    Column("recorded", "Recorded"),
    Column("not_recorded", "Not recorded"),
    Column("share", "Share", digits=4),
    Column("low", "95 % low", digits=4),
    Column("high", "95 % high", digits=4),
    Column("suppressed", "Left out because"),
)
SMALL_NOTE = (
    "Counts from 1 to {least} are left out, and as many further rows as are needed so that none can be worked out."
)


def page(found: Mapping[str, Any], *, excluded: Sequence[Mapping[str, Any]], footer: Footer) -> Report:
    """Return the report of `found` (what `report.analyse` returned)."""
    report = Report(title=TITLE, lead=LEAD, footer=footer)
    note = SMALL_NOTE.format(least=found["threshold"] - 1) if found["threshold"] > 1 else ""
    report.heading("Shares")
    report.table(_shares("all", "All reports", "Rows", [found["all"]], note))
    years = _shares("years", "By year", "Year", found["years"], note)
    report.figure(
        plots.shares_plot(found["years"], title="Share recorded by year", label="year"),
        caption="Share of reports recorded, by year, with Wilson's 95 % intervals.",
        table=years,
    )
    if found["hours"]:
        report.table(_shares("hours", "By hour of the day (local time)", "Hour", found["hours"], note))
    for place, (name, rows) in enumerate(found["groups"].items(), start=1):
        report.table(_shares(f"group-{place}", f"By {name}", name, rows, note))
    _officers(report, found)
    _mixed(report, found["mixed"], note)
    if found["contamination"]:
        report.heading("Exposure of control officers")
        report.table(exposure_table(found["contamination"]))
    if "crossed" in found:
        report.heading("Sensitivity: officers and places crossed")
        rows = [{"name": name, "value": value} for name, value in found["crossed"].items()]
        columns = (Column("name", "What"), Column("value", "Value", digits=3))
        report.table(Table("crossed", "Logistic model with officers and places", columns, rows))
    report.heading("Rows that were not counted")
    long_table(report, excluded_table(excluded))
    return report


def long_files(found: Mapping[str, Any], excluded: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the CSV of the tables that may be cut on the page, whole."""
    whole = [excluded_table(excluded)]
    if "mixed" in found:
        whole.append(mixed_table(found["mixed"]["list"]))
    return {f"{table.name}.csv": table.csv() for table in whole}


def long_table(report: Report, table: Table) -> None:
    """Add a table that may be long: past 50 rows only its beginning, and where the rest is."""
    if len(table.rows) <= LONGEST:
        report.table(table)
        return
    note = f"The first {LONGEST} of {len(table.rows):,}; all are in {table.name}.csv and in result.json."
    report.table(Table(f"{table.name}-first", table.title, table.columns, table.rows[:LONGEST], note=note))


def excluded_table(excluded: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of the rows that were not used."""
    columns = (Column("file", "File"), Column("row", "Row"), Column("line", "Line of the file"), Column("why", "Why"))
    return Table("excluded", "Excluded rows", columns, list(excluded), empty="Every row was used.")


def mixed_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of mixed incidents."""
    columns = (
        Column("incident", "Incident"),
        Column("year", "Year"),
        Column("officers", "Officers present"),
        Column("recorded", "Of them recorded"),
    )
    shown = [dict(each) | {"year": str(each["year"])} for each in rows]
    return Table("mixed", "Mixed incidents", columns, shown, empty="None.")


def _shares(name: str, title: str, key: str, rows: Sequence[Mapping[str, Any]], note: str) -> Table:
    # a year or an hour is a label: as text it gets no thousands comma
    shown = [dict(each) | {"key": str(each["key"])} for each in rows]
    return Table(name, title, (Column("key", key), *SHARE_COLUMNS), shown, note=note)


def exposure_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of how control officers were recorded after all."""
    columns = (
        Column("exposure", "Exposure"),
        Column("meaning", "What is counted"),
        Column("count", "Count"),
        Column("of", "Of"),
        Column("share", "Share", digits=4),
        Column("low", "95 % low", digits=4),
        Column("high", "95 % high", digits=4),
    )
    return Table("contamination", "Exposure of control officers", columns, rows)


def _officers(report: Report, found: Mapping[str, Any]) -> None:
    officers, shape = found["officers"], found["funnel"]
    report.heading("Officers")
    spread = officers["spread"]
    report.text(
        f"{officers['count']:,} officers, {officers['with_enough']:,} of them with at least {found['least_reports']} "
        f"reports and listed. Beyond chance their shares have a standard deviation of {spread['sd']:.3f} around "
        f"{spread['mean']:.3f}. {spread['note']}".strip()
    )
    names = list(officers["after_shrinkage"])
    rows = [
        {"which": words} | dict(officers[key])
        for words, key in (("as reported", "before_shrinkage"), ("after shrinkage", "after_shrinkage"))
    ]
    columns = (Column("which", "Officers' shares"), *(Column(name, name, digits=3) for name in names))
    report.table(Table("officer-distribution", "How officers' shares are spread", columns, rows))
    fitted = None
    if shape["centre"] is not None:
        fitted = Funnel(shape["centre"], shape["correlation"], shape["winsorised_phi"])
    columns = (
        Column("officer", "Officer"),
        Column("n", "Reports"),
        Column("recorded", "Recorded"),
        Column("share", "Share", digits=3),
        Column("shrunk", "After shrinkage", digits=3),
        Column("low", "95 % low", digits=3),
        Column("high", "95 % high", digits=3),
        Column("place", "In the funnel"),
    )
    report.figure(
        plots.funnel_plot(officers["list"], fitted),
        caption="Officers around the common share; dashed 95 %, full 99.8 % limits that allow officers to differ as "
        "officers do. In the order of their new numbers, not of their shares: this is no league table.",
        table=Table("officers", "Officers with enough reports", columns, officers["list"]),
    )
    if shape["limits"]:
        columns = tuple(Column(name, name.replace("_", " "), digits=3) for name in shape["limits"][0])
        report.table(Table("funnel-limits", "Limits of the funnel", columns, shape["limits"], note=shape["note"]))
        rows = [{"place": place, "officers": count} for place, count in shape["outside"].items()]
        chance = ", ".join(f"{value:.1f} {name}" for name, value in shape["expected_by_chance"].items())
        columns = (Column("place", "Where"), Column("officers", "Officers"))
        report.table(
            Table("outside", "Officers in and outside the funnel", columns, rows, note=f"By chance: {chance}.")
        )


def _mixed(report: Report, mixed: Mapping[str, Any], note: str) -> None:
    report.heading("Recorded by some officers present and not by others")
    share = "" if mixed["share"] is None else f", {mixed['share']:.1%} ({mixed['low']:.1%} to {mixed['high']:.1%})"
    report.text(
        f"{mixed['with_several_officers']:,} incidents have reports of several officers; {mixed['mixed']:,} of them "
        f"are mixed{share}. Same place, same minute: what differs is the officer."
    )
    columns = (
        Column("key", "Year"),
        Column("n", "With several officers"),
        Column("mixed", "Mixed"),
        Column("not_mixed", "Not mixed"),
        *SHARE_COLUMNS[3:],
    )
    rows = [dict(each) | {"key": str(each["key"])} for each in mixed["years"]]
    report.table(Table("mixed-years", "Mixed incidents by year", columns, rows, note=note))
    long_table(report, mixed_table(mixed["list"]))
