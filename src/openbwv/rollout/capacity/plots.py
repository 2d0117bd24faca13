"""The pictures of a capacity report: storage by scenario as a fan, and times at the dock as percentiles."""

from collections.abc import Mapping, Sequence
from typing import Any

from openbwv.rollout.capacity.cohort import closed_form_tb
from openbwv.rollout.capacity.model import EVIDENTIAL_SCENARIOS
from openbwv.shared.report import Column, Table
from openbwv.shared.report.svg import Drawing, Scale

WIDTH, HEIGHT = 900, 420
LEFT, RIGHT, TOP, BOTTOM = 78, 760, 24, 360
FAN_COLOURS = ("c", "d", "b")


def storage_fan(*, inflow_tb_month: float, series: Sequence[Mapping[str, Any]]) -> tuple[str, Table]:
    """Return the drawing of stored TB by month, this scenario over 10, 20 and 30 % evidence, and its table."""
    rows = []
    for moment in series:
        row = {"month": moment["month"], "stored_tb": moment["stored_tb"]}
        for share in EVIDENTIAL_SCENARIOS:
            row[f"tb_{share[2:]}"] = closed_form_tb(
                inflow_tb_month=inflow_tb_month, evidential=float(share), months=moment["month"]
            )
        rows.append(row)
    months = max(rows[-1]["month"], 1)
    most = max(max(row.values()) for row in rows) or 1.0
    drawing = Drawing(WIDTH, HEIGHT, "Stored footage", "TB stored at the end of each month, by evidential share.")
    across, up = Scale(0, months, LEFT, RIGHT), Scale(0, most * 1.05, BOTTOM, TOP)
    drawing.axis_left(up, LEFT, label="TB stored", right=RIGHT)
    drawing.axis_below(across, BOTTOM, label="months")
    keys = [f"tb_{share[2:]}" for share in EVIDENTIAL_SCENARIOS]
    edge = [(across(r["month"]), up(r[keys[0]])) for r in rows]
    back = [(across(r["month"]), up(r[keys[-1]])) for r in reversed(rows)]
    drawing.area([*edge, *back], colour="a", opacity=0.12)
    for key, share, colour in zip(keys, EVIDENTIAL_SCENARIOS, FAN_COLOURS, strict=True):
        drawing.path([(across(r["month"]), up(r[key])) for r in rows], colour=colour, dash="5 4")
        drawing.text(RIGHT + 8, up(rows[-1][key]) + 4, f"{float(share):.0%} evidence", colour=colour, size=12)
    drawing.path([(across(r["month"]), up(r["stored_tb"])) for r in rows], colour="a", width=3)
    drawing.text(LEFT + 8, TOP + 14, "thick line: this scenario", colour="a", size=12)
    columns = [Column("month", "Month", 0), Column("stored_tb", "This scenario, TB", 1)]
    columns += [
        Column(key, f"{float(s):.0%} evidence, TB", 1) for key, s in zip(keys, EVIDENTIAL_SCENARIOS, strict=True)
    ]
    note = "The evidential share is an assumption; the lines are scenarios, not a forecast."
    return drawing.svg(), Table("storage", "Stored footage by month", tuple(columns), rows, note)


def percentile_bars(*, figures: Mapping[str, Mapping[str, float | None]]) -> tuple[str, Table]:
    """Return the drawing of p50 to p99 of each time (minutes) at a site, and its table."""
    rows = [{"what": name, **values} for name, values in figures.items()]
    most = max((row["p99"] or 0.0 for row in rows), default=0.0) or 1.0
    height = 70 + 64 * len(rows)
    drawing = Drawing(WIDTH, height, "Times at the dock", "Minutes: median, 90th, 95th and 99th percentile.")
    across = Scale(0, most * 1.05, 230, 860)
    drawing.axis_below(across, height - 48, label="minutes", top=12)
    for number, row in enumerate(rows):
        y = 26 + number * 64
        drawing.text(220, y + 18, str(row["what"]), anchor="end")
        for key, thick, opacity in (("p99", 10, 0.3), ("p95", 16, 0.45), ("p90", 22, 0.6), ("p50", 28, 1.0)):
            value = row[key] or 0.0
            middle = y + 14
            drawing.bar(
                across(0),
                middle - thick / 2,
                across(value) - across(0),
                thick,
                opacity=opacity,
                about=key,
            )
    drawing.text(230, 14, "thick to thin: p50, p90, p95, p99", size=12, colour="quiet")
    keys = ("p50", "p90", "p95", "p99", "largest", "mean")
    columns = (Column("what", "What"), *(Column(key, key, 1) for key in keys))
    note = "The mean stands beside the percentiles to show what it hides."
    return drawing.svg(), Table("times", "Minutes at the dock", columns, rows, note)
