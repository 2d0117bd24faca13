"""The pictures of a study: forest, event study, power curve, flow. Each is drawn from the table below it."""

from collections.abc import Mapping, Sequence
from typing import Any

from openbwv.shared.report.svg import Drawing, Scale, number

WIDTH = 760
ROW = 30
LABEL_WIDTH = 300


def forest(rows: Sequence[Mapping[str, Any]], *, title: str, ratio: bool, where: str, about: str = "") -> str:
    """Return a forest plot of rows {name, value, low, high, headline}; a ratio on a logarithmic axis, 1 or 0 marked.

    `where` ends the axis' words, as in "fewer with cameras". A row without a value says so; an end beyond the axis is
    drawn to its edge.
    """
    drawn = [row for row in rows if row["value"] is not None]
    none = 1.0 if ratio else 0.0
    ends = [end for row in drawn for end in (row["value"], row["low"], row["high"]) if end is not None]
    if ratio:
        ends = [end for end in ends if 0.01 <= end <= 100]
    low, high = min([*ends, none]), max([*ends, none])
    height = 44 + ROW * len(rows) + 52
    drawing = Drawing(WIDTH, height, title, about)
    pad = 1.15 if ratio else 0.08 * ((high - low) or 1.0)
    left, right = LABEL_WIDTH, WIDTH - 24
    ends_of_scale = (low / pad, high * pad) if ratio else (low - pad, high + pad)
    scale = Scale(*ends_of_scale, left, right, log=ratio)
    bottom = 24 + ROW * len(rows) + 8
    words = f"rate ratio (less than 1: fewer {where})" if ratio else f"difference (below 0: fewer {where})"
    drawing.axis_below(scale, bottom, label=words, top=16)
    drawing.line(scale(none), 12, scale(none), bottom, colour="text", width=1.5, dash="5 4")
    for index, row in enumerate(rows):
        y = 24 + ROW * index + ROW / 2
        colour = "a" if row["headline"] else "quiet"
        drawing.text(8, y + 4, str(row["name"]), bold=bool(row["headline"]), size=13)
        if row["value"] is None:
            drawing.text(left + 6, y + 4, "no estimate", size=12, colour="quiet")
            continue
        if row["low"] is not None or row["high"] is not None:
            ends_of_row = [ends_of_scale[0] if row["low"] is None else row["low"]]
            ends_of_row.append(ends_of_scale[1] if row["high"] is None else row["high"])
            drawing.line(scale(ends_of_row[0]), y, scale(ends_of_row[1]), y, colour=colour, width=2)
        about_row = f"{row['name']}: {row['value']:.4g}"
        drawing.dot(scale(row["value"]), y, size=6 if row["headline"] else 4, colour=colour, about=about_row)
    return drawing.svg()


def event_study(rows: Sequence[Mapping[str, Any]], *, title: str, about: str = "") -> str:
    """Return the effect by periods since the start, with intervals; the period before the start is the base, 0."""
    ends = [end for row in rows for end in (row["difference"], row["low"], row["high"]) if end is not None] + [0.0]
    low, high = min(ends), max(ends)
    pad = 0.08 * ((high - low) or 1.0)
    lags = [row["lag"] for row in rows]
    drawing = Drawing(WIDTH, 340, title, about)
    across = Scale(min(lags) - 0.7, max([*lags, 0]) + 0.7, 70, WIDTH - 20)
    up = Scale(low - pad, high + pad, 280, 16)
    drawing.axis_left(up, 70, label="difference", right=WIDTH - 20)
    ticks = [(value, number(value)) for value in across.ticks(12) if float(value).is_integer()]
    drawing.axis_below(across, 280, label="periods since the start", ticks=ticks)
    drawing.line(across.start, up(0), across.end, up(0), colour="text", width=1.5)
    drawing.line(across(-0.5), 16, across(-0.5), 280, colour="quiet", width=1.5, dash="5 4")
    drawing.text(across(-0.5) - 6, 28, "before", anchor="end", size=12, colour="quiet")
    drawing.text(across(-0.5) + 6, 28, "with cameras", size=12, colour="quiet")
    for row in rows:
        x, colour = across(row["lag"]), "a" if row["lag"] >= 0 else "d"
        if row["low"] is not None:
            drawing.line(x, up(row["low"]), x, up(row["high"]), colour=colour, width=2)
        drawing.dot(x, up(row["difference"]), colour=colour, about=f"lag {row['lag']}: {row['difference']:.4g}")
    return drawing.svg()


def power_curve(
    points: Sequence[tuple[float, float]], *, title: str, axis: str, planned: float, wanted: float, about: str = ""
) -> str:
    """Return the power over the true effect (pairs of the two), with the planned effect and the wanted power marked."""
    drawing = Drawing(WIDTH, 340, title, about)
    effects = [effect for effect, _ in points]
    across = Scale(min(effects), max(effects), 70, WIDTH - 20)
    up = Scale(0.0, 1.0, 280, 16)
    drawing.axis_left(up, 70, label="power", right=WIDTH - 20)
    drawing.axis_below(across, 280, label=axis, top=16)
    drawing.line(70, up(wanted), WIDTH - 20, up(wanted), colour="quiet", dash="5 4")
    drawing.path([(across(effect), up(power)) for effect, power in points])
    if min(effects) <= planned <= max(effects):
        drawing.line(across(planned), 16, across(planned), 280, colour="b", dash="5 4")
        drawing.text(across(planned) + 6, 270, f"planned {planned:g}", size=12, colour="b")
    return drawing.svg()


def flow(boxes: Sequence[Mapping[str, Any]], *, title: str, about: str = "") -> str:
    """Return a flow in the manner of CONSORT: a column of boxes {step, arm, words}; an arm stands left or right."""
    steps = list(dict.fromkeys(box["step"] for box in boxes))
    drawing = Drawing(WIDTH, 92 * len(steps) + 8, title, about)
    for index, step in enumerate(steps):
        y = 8 + 92 * index
        here = [box for box in boxes if box["step"] == step]
        for place, box in enumerate(here):
            wide = WIDTH - 40 if len(here) == 1 else (WIDTH - 60) / len(here)
            x = 20 + place * (wide + 20)
            drawing.bar(x, y, wide, 62, colour="hair", opacity=0.45)
            drawing.text(
                x + wide / 2, y + 25, f"{step}{': ' + box['arm'] if box['arm'] else ''}", anchor="middle", bold=True
            )
            drawing.text(x + wide / 2, y + 46, str(box["words"]), anchor="middle")
            if index + 1 < len(steps):
                drawing.line(x + wide / 2, y + 62, x + wide / 2, y + 92, colour="quiet")
    return drawing.svg()
