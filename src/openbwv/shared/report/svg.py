"""Drawings for reports: a scale from values to pixels and an SVG to draw on.

Colours are the page's own (`a` to `e`, `text`, `quiet`, `hair`), so a drawing follows light and dark. Each has a title
and a description for those who do not see it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

COLOURS = ("a", "b", "c", "d", "e", "text", "quiet", "hair", "bg")


@dataclass(frozen=True)
class Scale:
    """A straight line, or with `log` a logarithmic one, from [low, high] to pixels [start, end].

    Raises ValueError for ends that are not finite, not different, or not positive on a logarithmic scale.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or self.low >= self.high:
            raise ValueError(f"a scale needs two finite ends in order, not {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError("a logarithmic scale begins above zero")

    def __call__(self, value: float) -> float:
        """Return the pixel of `value`; what lies outside is held at the nearer end."""
        value = min(max(value, self.low), self.high)
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        share = ((math.log(value) if self.log else value) - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self, about: int = 6) -> list[float]:
        """Return about that many round values inside the scale (Heckbert's 1-2-5 steps; on a log scale 1-2-5 too)."""
        if self.log:
            for steps in ((1, 2, 5), (1, 3), (1,)):
                inside = [value for value in self._decades(steps) if self.low <= value <= self.high]
                if 2 <= len(inside) <= about + 2:
                    return inside
            if len(inside) > about:
                return inside[:: math.ceil(len(inside) / about)]
        step = _round_step((self.high - self.low) / about)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(number * step, 12) + 0.0 for number in range(first, last + 1)]

    def _decades(self, steps: Sequence[int]) -> Iterator[float]:
        for power in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1):
            yield from (step * 10.0**power for step in steps)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999999)


def number(value: float) -> str:
    """Return a tick's text: thousands by commas, no needless zeros."""
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


@dataclass
class Drawing:
    """An SVG of `width` by `height` pixels; each method draws one thing. `title` and `about` are read out."""

    width: int
    height: int
    title: str
    about: str = ""
    _parts: list[str] = field(default_factory=list)

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, colour: str = "text", width: float = 1.5, dash: str = ""
    ) -> None:
        """Draw a straight line; `dash` as SVG's stroke-dasharray."""
        self._add("line", x1=x1, y1=y1, x2=x2, y2=y2, **_pen(colour, width, dash))

    def path(
        self, points: Sequence[tuple[float, float]], *, colour: str = "a", width: float = 2, dash: str = ""
    ) -> None:
        """Draw a line through `points`; fewer than two draw nothing."""
        if len(points) > 1:
            self._add("polyline", points=_points(points), fill="none", **_pen(colour, width, dash))

    def area(self, points: Sequence[tuple[float, float]], *, colour: str = "a", opacity: float = 0.18) -> None:
        """Fill the polygon of `points`."""
        self._add("polygon", points=_points(points), **_fill(colour, opacity))

    def bar(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        colour: str = "a",
        opacity: float = 1,
        about: str = "",
    ) -> None:
        """Draw a filled rectangle; `about` appears when a pointer rests on it."""
        size = {"width": max(width, 0.0), "height": max(height, 0.0)}
        self._add("rect", _hint(about), x=x, y=y, **size, **_fill(colour, opacity))

    def dot(
        self, x: float, y: float, *, size: float = 4, colour: str = "a", opacity: float = 1, about: str = ""
    ) -> None:
        """Draw a filled circle; `about` appears when a pointer rests on it."""
        self._add("circle", _hint(about), cx=x, cy=y, r=size, **_fill(colour, opacity))

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        anchor: str = "start",
        size: int = 13,
        colour: str = "text",
        bold: bool = False,
        turn: int = 0,
    ) -> None:
        """Write `words`; `anchor` is start, middle or end; `turn` in degrees."""
        if anchor not in ("start", "middle", "end"):
            raise ValueError(f"there is no anchor '{anchor}'")
        more = {"font-weight": "600"} if bold else {}
        if turn:
            more["transform"] = f"rotate({turn} {x:.2f} {y:.2f})"
        look = {"text-anchor": anchor, "font-size": size, **_fill(colour, 1)}
        self._add("text", escape(words), x=x, y=y, **look, **more)

    def axis_below(
        self,
        scale: Scale,
        y: float,
        *,
        label: str = "",
        top: float | None = None,
        ticks: Sequence[tuple[float, str]] | None = None,
    ) -> None:
        """Draw a horizontal axis at height `y`, with hairlines up to `top`; `ticks` are (value, text)."""
        self.line(scale.start, y, scale.end, y, colour="quiet", width=1)
        for value, words in ticks if ticks is not None else _plain(scale):
            x = scale(value)
            if top is not None:
                self.line(x, top, x, y, colour="hair", width=1)
            self.line(x, y, x, y + 5, colour="quiet", width=1)
            self.text(x, y + 19, words, anchor="middle", size=12, colour="quiet")
        if label:
            self.text((scale.start + scale.end) / 2, y + 38, label, anchor="middle")

    def axis_left(self, scale: Scale, x: float, *, label: str = "", right: float | None = None) -> None:
        """Draw a vertical axis at `x`, with hairlines as far as `right`; its scale runs from the bottom pixel up."""
        for value, words in _plain(scale):
            y = scale(value)
            if right is not None:
                self.line(x, y, right, y, colour="hair", width=1)
            self.text(x - 8, y + 4, words, anchor="end", size=12, colour="quiet")
        if label:
            self.text(14, (scale.start + scale.end) / 2, label, anchor="middle", turn=-90)

    def _add(self, tag: str, inside: str = "", /, **attributes: object) -> None:
        written = "".join(f' {name}="{escape(_written(value), quote=True)}"' for name, value in attributes.items())
        self._parts.append(f"<{tag}{written}>{inside}</{tag}>")

    def svg(self) -> str:
        """Return the drawing as one SVG element for a page."""
        about = f"<desc>{escape(self.about)}</desc>" if self.about else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" role="img" aria-label="{escape(self.title, quote=True)}" '
            f'font-family="system-ui,sans-serif"><title>{escape(self.title)}</title>{about}{"".join(self._parts)}</svg>'
        )


def _plain(scale: Scale) -> Iterator[tuple[float, str]]:
    return ((value, number(value)) for value in scale.ticks())


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)


def _written(value: object) -> str:
    return f"{value:.2f}".removesuffix(".00") if isinstance(value, float) else str(value)


def _pen(colour: str, width: float, dash: str) -> dict[str, object]:
    dashed = {"stroke-dasharray": dash} if dash else {}
    return {"stroke": _ink(colour), "stroke-width": width, "stroke-linejoin": "round", **dashed}


def _fill(colour: str, opacity: float) -> dict[str, object]:
    return {"fill": _ink(colour)} | ({"fill-opacity": opacity} if opacity != 1 else {})


def _ink(colour: str) -> str:
    if colour not in COLOURS:
        raise ValueError(f"there is no colour '{colour}'; use one of {', '.join(COLOURS)}")
    return f"var(--{colour})"


def _hint(about: str) -> str:
    return f"<title>{escape(about)}</title>" if about else ""
