"""The HTML reports of the capacity commands."""

from collections.abc import Mapping
from typing import Any

from openbwv import __version__
from openbwv.rollout.capacity.plots import percentile_bars, storage_fan
from openbwv.rollout.facts import Fact
from openbwv.shared.report import Column, Footer, Report, Table

FACT_COLUMNS = (
    Column("name", "Assumption"),
    Column("value", "Value"),
    Column("unit", "Unit"),
    Column("status", "Status"),
    Column("source", "Source"),
)
TIMES = {
    "wait_for_bay_min": "wait for a bay",
    "read_into_spool_min": "read into the dock",
    "until_receipt_min": "until the receipt",
}


def model_report(result: Mapping[str, Any], *, sha256: str) -> Report:
    """Return the report of `capacity model`."""
    assumptions = {row["name"]: row["value"] for row in result["assumptions"]}
    last = result["series"][-1]
    report = Report(
        title="What storage and network the cameras need",
        lead=(
            f"{assumptions['cameras']:,} cameras at {assumptions['footage of a camera']:g} GB a month bring "
            f"{result['inflow_tb_month']:,.1f} TB a month. After {last['month']} months "
            f"{result['stored_tb']:,.1f} TB are stored if {assumptions['evidential share']:.0%} is evidence, "
            "which is an assumption."
        ),
        footer=Footer(__version__, data_sha256=sha256),
    )
    svg, table = storage_fan(inflow_tb_month=result["inflow_tb_month"], series=result["series"])
    report.heading("Storage")
    report.figure(svg, caption="Stored footage by month; dashed: 10, 20 and 30 % evidence.", table=table)
    held = "Every byte is accounted for" if result["conserved"] else "Bytes do NOT add up"
    counted = result["bytes"]
    report.text(
        f"{held}: {counted['received']:,} bytes came in, {counted['kept']:,} are kept, {counted['deleted']:,} deleted."
    )
    report.table(_bands(result))
    report.heading("Network")
    link = result["uplink"]
    report.text(
        f"{link['inflow_tb_day']:.2f} TB a day: {link['even_gbps']:.2f} Gb/s if it flows evenly over 12 hours, "
        f"{link['peak_gbps']:.2f} Gb/s if 60 % is docked within 2 hours of the shifts' end, or "
        f"{link['peak_mbps_a_site']:.0f} Mb/s at each of {link['sites']} equal stations. Simulate one station with "
        "`./bwv capacity simulate`: stations are not equal and officers less so."
    )
    report.table(
        Table(
            "usage",
            "How much is recorded: three readings",
            (
                Column("reading", "Reading"),
                Column("hours_month", "Hours a month", 0),
                Column("inflow_tb_month", "TB a month", 0),
                Column("times_govqa", "Times the first", 1),
                Column("status", "Status"),
                Column("source", "Source"),
            ),
            result["usage_band"],
        )
    )
    _people(report, result)
    report.heading("Scenarios")
    report.table(
        Table(
            "scenarios",
            f"Stored after {last['month']} months",
            (
                Column("cameras", "Cameras", 0),
                Column("usage", "Usage"),
                Column("evidential", "Evidential share (assumption)", 2),
                Column("inflow_tb_month", "TB in a month", 1),
                Column("stored_tb", "TB stored", 1),
                Column("peak_gbps", "Peak, Gb/s", 2),
            ),
            result["scenarios"],
        )
    )
    report.heading("What this rests on")
    report.table(Table("assumptions", "Assumptions", FACT_COLUMNS, result["assumptions"]))
    return report


def _bands(result: Mapping[str, Any]) -> Table:
    names = list(result["series"][-1]["bands_tb"])
    columns = [Column("month", "Month", 0), Column("received_tb", "In, TB", 1), Column("deleted_tb", "Deleted, TB", 1)]
    columns += [Column(f"band_{n}", f"{name}, TB", 1) for n, name in enumerate(names)]
    rows = [
        {key: row[key] for key in ("month", "received_tb", "deleted_tb")}
        | {f"band_{n}": row["bands_tb"][name] for n, name in enumerate(names)}
        for row in result["series"]
    ]
    return Table("bands", "Kept by kind", tuple(columns), rows)


def _people(report: Report, result: Mapping[str, Any]) -> None:
    work, cost = result["workload"], result["storage_cost_gbp"]
    report.heading("Requests, redaction and cost")
    report.text(
        f"{work['footage_hours_month']:,.0f} hours of footage a month for requests take "
        f"{work['redaction_hours_month_low']:,.0f} to {work['redaction_hours_month_high']:,.0f} hours of redaction by "
        f"hand: {work['staff_low']} to {work['staff_high']} people if at most 1 request in 100 may miss its month. At "
        f"the 23 USD a minute once asked in Washington DC it would be {work['outside_price_usd_month']:,.0f} USD."
    )
    if cost is None:
        report.text("Storage is not priced: no price was given (--gbp-per-tb-month).")
    else:
        report.text(f"Storing it costs {cost:,.0f} GBP over these months at the price given.")


def site_report(result: Mapping[str, Any], *, seed: int, sha256: str) -> Report:
    """Return the report of `capacity simulate`."""
    times = {words: result[key] for key, words in TIMES.items()}
    receipt = result["until_receipt_min"]
    report = Report(
        title="Docks and uplink of one station",
        lead=(
            f"{result['dockings']:,} dockings. Half have their receipt within {receipt['p50'] or 0:,.0f} minutes of "
            f"coming in, 99 in 100 within {receipt['p99'] or 0:,.0f}; "
            f"{result['shifts_begun_not_empty']:,} of {result['shifts']:,} shifts began with a camera that could not "
            "be emptied in time."
        ),
        footer=Footer(__version__, seed=seed, data_sha256=sha256),
    )
    report.heading("Times")
    svg, table = percentile_bars(figures=times)
    report.figure(svg, caption="Minutes from coming in, as percentiles.", table=table)
    report.heading("Volumes and queues")
    single = [
        ("brought", result["brought_gb"], "GB"),
        ("most on the dock's spool", result["spool_peak_gb"], "GB"),
        ("bays in use", 100 * result["bays_busy_share"], "% of the time"),
        ("uplink in use", 100 * result["uplink_busy_share"], "% of the time"),
        ("shifts begun with a camera not emptied", result["shifts_begun_not_empty"], f"of {result['shifts']:,}"),
        ("shifts that filled a camera beyond its memory", result["shifts_overfull"], f"of {result['shifts']:,}"),
        ("fullest camera", result["worst_camera_gb"], "GB"),
    ]
    rows = [{"what": what, "value": value, "unit": unit} for what, value, unit in single]
    columns = (Column("what", "What"), Column("value", "Value", 1), Column("unit", "Unit"))
    report.table(Table("queues", "Volumes and queues", columns, rows))
    keys = ("p50", "p90", "p95", "p99", "largest", "mean")
    volumes = [
        {"what": "GB of one docking", **result["gb_a_docking"]},
        {"what": "GB of one day", **result["gb_a_day"]},
    ]
    report.table(Table("volumes", "Volumes", (Column("what", "What"), *(Column(key, key, 2) for key in keys)), volumes))
    report.heading("What this rests on")
    report.table(Table("assumptions", "Assumptions", FACT_COLUMNS, result["assumptions"]))
    return report


def fact_lines(facts: list[Mapping[str, Any]]) -> list[str]:
    """Return assumptions as lines for a terminal, each with its status and source."""
    lines = []
    for row in facts:
        fact = Fact(**row)
        value = "none" if fact.value is None else f"{fact.value:,.6g}" if isinstance(fact.value, float) else fact.value
        lines.append(f"  {fact.name}: {value} {fact.unit} [{fact.status}; {fact.source}]".replace(" ;", ";"))
    return lines
