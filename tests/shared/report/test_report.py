"""Reports: stand alone, escape what they are given, keep every number."""

import csv
import io
import math
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbwv.shared.report import Column, Footer, Report, Table
from openbwv.shared.report.svg import Drawing, Scale

NASTY = "<script>alert(1)</script>\"&'"


def a_table(name="irr", rows=({"model": "poisson", "irr": 0.48015},), **more):
    return Table(name, "Rate ratios", (Column("model", "Model"), Column("irr", "IRR", digits=3)), rows, **more)


def a_report():
    return Report(title="A trial", lead="What it found.", footer=Footer("0.1", seed=7, data_sha256="ab" * 32))


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_page_fetches_and_runs_nothing():
    report = a_report()
    drawing = Drawing(100, 50, "t")
    drawing.dot(1, 1)
    report.table(a_table())
    report.figure(drawing.svg(), caption="c", table=a_table("other"))
    tags = Tags(report.html()).found
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in tags}
    addresses = [value for _, attributes in tags for name, value in attributes.items() if name in ("href", "src")]
    assert len(addresses) == 2
    assert all(address.startswith("data:text/csv") for address in addresses)


def test_what_a_report_is_given_is_never_markup():
    report = Report(title=NASTY, lead=NASTY, footer=Footer(NASTY, more={NASTY: NASTY}))
    report.heading(NASTY)
    report.text(NASTY)
    report.items([NASTY])
    drawing = Drawing(100, 50, NASTY, NASTY)
    drawing.text(1, 1, NASTY)
    drawing.dot(1, 1, about=NASTY)
    report.figure(
        drawing.svg(), caption=NASTY, table=Table("t", NASTY, (Column("a", NASTY),), [{"a": NASTY}], note=NASTY)
    )
    assert "script" not in {tag for tag, _ in Tags(report.html()).found}
    assert ElementTree.fromstring(drawing.svg()).find("{http://www.w3.org/2000/svg}text").text == NASTY


def test_the_footer_says_what_made_it():
    page = a_report().html()
    assert "OpenBWV 0.1" in page
    assert "ab" * 32 in page
    assert "<dt>Seed</dt><dd>7</dd>" in page


@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=False, allow_infinity=False)), max_size=5))
def test_the_csv_holds_every_number_exactly(values):
    text = a_table(rows=[{"model": name, "irr": irr} for name, irr in values]).csv()
    back = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [float(row[1]) for row in back] == [irr for _, irr in values]
    assert [
        row[0].removeprefix("'") if row[0][:1] == "'" and name[:1] != "'" else row[0]
        for row, (name, _) in zip(back, values, strict=True)
    ] == [name for name, _ in values]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_becomes_a_formula(text):
    row = next(csv.DictReader(io.StringIO(a_table(rows=[{"model": text, "irr": -1.0}]).csv(), newline="")))
    assert row == {"model": "'" + text, "irr": "-1.0"}


def test_numbers_are_shown_short_and_missing_ones_as_a_dash():
    html = a_table(rows=[{"model": "a", "irr": 1234.5678}, {"model": "b", "irr": math.nan}, {"model": "c"}]).html()
    assert "1,234.568" in html
    assert html.count("–") == 2


def test_an_empty_table_says_so():
    assert "No cluster was left out." in a_table(rows=(), empty="No cluster was left out.").html()


def test_a_number_without_a_column_is_refused():
    with pytest.raises(ValueError, match="no column for"):
        a_table(rows=[{"model": "a", "p": 0.1}])


def test_two_tables_of_one_name_are_refused():
    report = a_report()
    report.table(a_table())
    with pytest.raises(ValueError, match="two tables"):
        report.table(a_table())
    assert set(report.files()) == {"report.html", "irr.csv"}


@pytest.mark.parametrize("name", ["", "../x", "A", "x.csv", "x" * 80])
def test_a_table_is_named_like_a_file(name):
    with pytest.raises(ValueError, match="cannot name a table"):
        a_table(name)


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.booleans())
def test_ticks_lie_inside_their_scale_in_order(low, span, log):
    if log:
        low = abs(low) + 1e-6
    scale = Scale(low, low + span, 0, 500, log=log) if low + span > low else Scale(0, 1, 0, 500)
    ticks = scale.ticks()
    assert ticks == sorted(set(ticks))
    assert all(0 <= scale(tick) <= 500 for tick in ticks)
    assert len(ticks) <= 16


@pytest.mark.parametrize(("low", "high", "log"), [(1, 1, False), (2, 1, False), (0, 1, True), (math.nan, 1, False)])
def test_a_scale_without_a_span_is_refused(low, high, log):
    with pytest.raises(ValueError, match="scale"):
        Scale(low, high, 0, 1, log=log)


def test_a_value_outside_is_held_at_the_edge():
    scale = Scale(0.1, 10, 0, 100, log=True)
    assert (scale(0.001), scale(1), scale(99)) == (0, 50, 100)
