"""The pictures of a roll-out: a Gantt chart of the units and the curve of cameras live."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from openbwv.shared.report import Column, Table
from openbwv.shared.report.svg import Drawing, Scale

WIDTH = 1000
NAMES, RIGHT, TOP, ROW = 250, 970, 40, 22
CURVE_HEIGHT, CURVE_LEFT, CURVE_RIGHT, CURVE_BOTTOM = 440, 80, 780, 370


def gantt(result: Mapping[str, Any], earlier: Mapping[str, int] | None = None) -> tuple[str, Table]:
    """Return bars of each unit's installation, ending in the week it goes live, and their table.

    `earlier` gives the weeks (from 1) of an earlier plan, drawn as a hollow mark.
    """
    units = sorted(result["units"], key=lambda unit: (unit["live_week"], unit["unit"]))
    last = max([result["finish_week"], *(earlier or {}).values()])
    height = TOP + ROW * len(units) + 60
    about = "Each bar is a unit's installation; its end is the week in which it goes live."
    drawing = Drawing(WIDTH, height, "Gantt chart of the roll-out", about)
    across = Scale(0, last, NAMES, RIGHT)
    bottom = TOP + ROW * len(units) + 6
    drawing.axis_below(across, bottom, label="week", top=TOP - 8, ticks=_quarters(result["start"], last))
    forces = list(dict.fromkeys(unit["force"] for unit in result["units"]))
    for number, unit in enumerate(units):
        y = TOP + ROW * number
        drawing.text(NAMES - 8, y + 13, unit["unit"], anchor="end", size=12)
        x = across(unit["install_from_week"] - 1)
        words = f"{unit['unit']}: live in week {unit['live_week']} ({unit['live_monday']}), {unit['cameras']:,} cameras"
        colour = "ac"[forces.index(unit["force"]) % 2]
        drawing.bar(x, y + 3, across(unit["live_week"]) - x, ROW - 8, colour=colour, about=words)
        if earlier and earlier.get(unit["unit"], unit["live_week"]) != unit["live_week"]:
            then = across(earlier[unit["unit"]])
            drawing.line(then, y + 1, then, y + ROW - 3, colour="b", width=2.5)
    key = "; ".join(f"{'blue' if n % 2 == 0 else 'green'}: {force}" for n, force in enumerate(forces))
    drawing.text(NAMES, 18, key + ("; red line: week of the earlier plan" if earlier else ""), size=12, colour="quiet")
    columns = [
        Column("unit", "Unit"),
        Column("force", "Force"),
        Column("cameras", "Cameras", 0),
        Column("install_from_week", "Installation from week", 0),
        Column("live_week", "Live in week", 0),
        Column("live_monday", "Its Monday"),
        Column("status", "Status of cameras"),
        Column("source", "Source"),
    ]
    rows = [{column.key: unit[column.key] for column in columns} for unit in units]
    if earlier:
        columns.insert(5, Column("earlier_week", "Week in the earlier plan", 0))
        rows = [{**row, "earlier_week": earlier.get(row["unit"])} for row in rows]
    return drawing.svg(), Table("units", "Units in the order in which they go live", tuple(columns), rows)


def _quarters(start: str, last: int) -> list[tuple[float, str]]:
    """Return ticks every few weeks, with the date on every other one."""
    first = date.fromisoformat(start)
    step = 4 if last <= 60 else 8
    return [
        (week, f"{week}" if week % (2 * step) else f"{week} ({first + timedelta(weeks=week):%b %y})")
        for week in range(0, last + 1, step)
    ]


def curve(result: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]] | None = None) -> tuple[str, Table]:
    """Return cameras live, delivered and seats so far by week, and the earlier plan's curve, with their table."""
    weeks = [row for row in result["cumulative"] if row["week"] <= max(result["finish_week"] + 2, _end(earlier))]
    most = max(result["cameras"], 1)
    drawing = Drawing(WIDTH, CURVE_HEIGHT, "Cameras live", "Cameras live by the end of each week, against the limits.")
    across, up = Scale(0, weeks[-1]["week"], CURVE_LEFT, CURVE_RIGHT), Scale(0, most * 1.05, CURVE_BOTTOM, 20)
    drawing.axis_left(up, CURVE_LEFT, label="cameras", right=CURVE_RIGHT)
    drawing.axis_below(across, CURVE_BOTTOM, label="week", ticks=_quarters(result["start"], weeks[-1]["week"]))
    labels: list[tuple[float, str, str]] = []
    for key, words, colour, dash in (
        ("delivered", "delivered", "d", "5 4"),
        ("seats_so_far", "training seats so far", "c", "2 4"),
    ):
        if weeks[0][key] is not None:
            points = [(across(row["week"]), up(min(row[key], most * 1.05))) for row in weeks]
            drawing.path(points, colour=colour, dash=dash, width=1.5)
            labels.append((points[-1][1], words, colour))
    if earlier:
        points = _steps(earlier, across, up, weeks[-1]["week"])
        drawing.path(points, colour="quiet", width=2)
        labels.append((points[-1][1], "earlier plan", "quiet"))
    points = _steps(weeks, across, up, weeks[-1]["week"])
    drawing.path(points, colour="a", width=3)
    labels.append((points[-1][1], "cameras live", "a"))
    for number, (_, words, colour) in enumerate(sorted(labels)):
        drawing.text(CURVE_RIGHT + 10, 34 + 18 * number, words, colour=colour, size=12)
    columns = [
        Column("week", "Week", 0),
        Column("monday", "Monday"),
        Column("cameras_live", "Cameras live", 0),
        Column("units_live", "Units live", 0),
        Column("delivered", "Delivered", 0),
        Column("seats_so_far", "Training seats so far", 0),
    ]
    rows = [dict(row) for row in weeks]
    if earlier:
        columns.append(Column("earlier_live", "Cameras live, earlier plan", 0))
        then = {row["week"]: row["cameras_live"] for row in earlier}
        rows = [{**row, "earlier_live": then.get(row["week"])} for row in rows]
    return drawing.svg(), Table("cumulative", "Cameras live by the end of each week", tuple(columns), rows)


def _end(earlier: Sequence[Mapping[str, Any]] | None) -> int:
    if not earlier:
        return 0
    most = max(row["cameras_live"] for row in earlier)
    return next(row["week"] for row in earlier if row["cameras_live"] == most) + 2


def _steps(rows: Sequence[Mapping[str, Any]], across: Scale, up: Scale, last: int) -> list[tuple[float, float]]:
    points, before = [(across(0), up(0))], 0
    for row in rows:
        if row["week"] <= last:
            points += [(across(row["week"]), up(before)), (across(row["week"]), up(row["cameras_live"]))]
            before = row["cameras_live"]
    return points
