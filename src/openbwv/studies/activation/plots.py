"""Drawings of activation: the funnel of officers, shares with intervals, why a recording is missing."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from openbwv.shared.report.svg import Drawing, Scale, number
from openbwv.studies.activation.funnel import INSIDE, VERY_HIGH, VERY_LOW, Funnel

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 20, 56


def funnel_plot(officers: Sequence[dict[str, Any]], shape: Funnel | None) -> str:
    """Draw each officer's share by the number of reports, with both pairs of limits around the common share."""
    drawing = Drawing(WIDTH, HEIGHT, "Funnel plot of officers", "Share recorded by number of reports, with limits")
    most = max([each["n"] for each in officers], default=10)
    least = min([each["n"] for each in officers], default=1)
    across = Scale(max(least * 0.9, 1.0), max(most * 1.15, least + 1.0), LEFT, WIDTH - RIGHT, log=True)
    up = Scale(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    drawing.axis_below(across, HEIGHT - BOTTOM, label="reports (logarithmic)", top=TOP)
    drawing.axis_left(up, LEFT, label="share recorded", right=WIDTH - RIGHT)
    if shape:
        at = np.unique(np.geomspace(max(across.low, 1), across.high, 120).round()).astype(int)
        limits = shape.limits(at)
        for name, colour, dash in (("95", "quiet", "6 4"), ("998", "quiet", "")):
            for side in ("low", "high"):
                points = [
                    (across(float(n)), up(float(share))) for n, share in zip(at, limits[f"{side}_{name}"], strict=True)
                ]
                drawing.path(points, colour=colour, width=1.5, dash=dash)
        drawing.line(LEFT, up(shape.centre), WIDTH - RIGHT, up(shape.centre), colour="a", width=1)
    for each in officers:
        colour = "a" if each["place"] == INSIDE else "b" if each["place"] in (VERY_LOW, VERY_HIGH) else "d"
        about = f"{each['officer']}: {each['share']:.0%} of {each['n']}, {each['place']}"
        drawing.dot(across(each["n"]), up(each["share"]), colour=colour, opacity=0.75, about=about)
    return drawing.svg()


def shares_plot(rows: Sequence[dict[str, Any]], *, title: str, label: str) -> str:
    """Draw shares with their intervals, one column for each row that is not suppressed."""
    shown = [each for each in rows if each["share"] is not None]
    drawing = Drawing(WIDTH, 320, title, "Shares with 95 % intervals")
    up = Scale(0.0, 1.0, 320 - BOTTOM, TOP)
    across = Scale(-0.5, max(len(shown), 1) - 0.5, LEFT, WIDTH - RIGHT)
    every = max(1, len(shown) // 14 + 1)
    ticks = [(float(at), str(each["key"])[:14]) for at, each in enumerate(shown) if at % every == 0]
    drawing.axis_below(across, 320 - BOTTOM, label=label, ticks=ticks)
    drawing.axis_left(up, LEFT, label="share recorded", right=WIDTH - RIGHT)
    for at, each in enumerate(shown):
        x = across(float(at))
        drawing.line(x, up(each["low"]), x, up(each["high"]), colour="a", width=2)
        drawing.dot(x, up(each["share"]), about=f"{each['key']}: {each['share']:.1%} of {each['n']:,}")
    return drawing.svg()


def reasons_plot(rows: Sequence[dict[str, Any]], *, title: str) -> str:
    """Draw a bar for each reason's count; a suppressed count has no bar."""
    height = TOP + 30 * len(rows) + BOTTOM
    drawing = Drawing(WIDTH, height, title, "Number of attendances by reason")
    most = max([each["n"] or 0 for each in rows], default=1)
    across = Scale(0.0, float(max(most, 1)) * 1.1, 180, WIDTH - RIGHT)
    drawing.axis_below(across, height - BOTTOM, label="attendances", top=TOP)
    for place, each in enumerate(rows):
        y = TOP + 30 * place
        drawing.text(172, y + 19, each["reason"], anchor="end")
        if each["n"] is not None:
            drawing.bar(180, y + 5, across(float(each["n"])) - 180, 20, about=f"{each['reason']}: {each['n']:,}")
            drawing.text(across(float(each["n"])) + 6, y + 19, number(each["n"]), size=12, colour="quiet")
    return drawing.svg()
