"""A CSV is read strictly: every row is used or named, every complaint has a place."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbwv.studies import csv_rows
from openbwv.studies.errors import BadRow, BadTable
from openbwv.studies.importers.kinds import Moment, Name, Number, Text, Truth, WallClock
from openbwv.studies.importers.sheet import Field, read

HEAD = "id,officer,at,x,seen\n"
GOOD = HEAD + "a,P2,2016-06-01T00:01:00Z,,yes\nb,P1,2016-06-01 00:01,3.5,no\nc,,2016-06-01,-1,unknown\n"


def fields():
    return (
        Field("id", Text()),
        Field("officer", Name(), blank=True),
        Field("at", Moment(zone="Europe/London")),
        Field("x", Number(low=-5, high=5), blank=True),
        Field("seen", Truth(), blank=True),
    )


def refused(text, *wanted, **more):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises((BadRow, BadTable)) as caught:
        read(data, fields(), file="f.csv", **more)
    for each in ("f.csv", *wanted):
        assert each in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode(),
        ("\ufeff" + GOOD).encode(),
        GOOD.replace("\n", "\r\n").encode(),
        gzip.compress(GOOD.encode(), mtime=0),
        gzip.compress(("\ufeff" + GOOD).encode(), mtime=0),
        GOOD.encode("utf-16"),
    ],
    ids=["plain", "mark", "crlf", "gzip", "gzip with mark", "utf-16"],
)
def test_the_same_rows_come_out_whatever_the_wrapping(data):
    found = read(data, fields(), file="f.csv")
    assert list(found.frame["id"]) == ["a", "b", "c"]
    assert list(found.frame["officer"].cat.categories) == ["P1", "P2"]
    assert list(found.frame["officer"].cat.codes) == [1, 0, -1]
    moments = ["2016-06-01T00:01Z", "2016-05-31T23:01Z", "2016-05-31T23:00Z"]
    assert list(found.frame["at"]) == [pd.Timestamp(each) for each in moments]
    np.testing.assert_array_equal(found.frame["x"], [np.nan, 3.5, -1])
    np.testing.assert_array_equal(found.frame["seen"], [1, 0, np.nan])
    assert list(found.lines) == [2, 3, 4]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("a,P,yesterday,1,yes", "at"),
        ("a,P,2016-03-27 01:30,1,yes", "at"),  # the clock change skips it
        ("a,P,,1,yes", "at"),
        ("a,P,2016-06-01,6,yes", "x"),
        ("a,P,2016-06-01,inf,yes", "x"),
        ("a,P,2016-06-01,1_0,yes", "x"),
        ("a,P,2016-06-01,1,perhaps", "seen"),
        (",P,2016-06-01,1,yes", "id"),
        ("a\0b,P,2016-06-01,1,yes", "id"),
        ("a,P,2016-06-01,1", "seen"),
        ("a,P,2016-06-01,1,yes,more", "seen"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(row, column):
    error = refused(GOOD + row + "\n", "line 5", f"column '{column}'")
    assert (error.line, error.column) == (5, column)


def test_lines_are_those_of_the_file_also_after_quoted_line_ends_and_blank_lines():
    text = HEAD + '"a\nb",P,2016-06-01,1,yes\n\nc,P,2016-06-01,zz,yes\n'
    refused(text, "line 5", "column 'x'")
    found = read(text.replace("zz", "1").encode(), fields(), file="f.csv")
    assert list(found.lines) == [2, 5]
    assert found.blank_lines == (4,)


def test_no_row_is_lost_where_blank_lines_fill_a_whole_step(monkeypatch):
    monkeypatch.setattr(csv_rows, "ROWS_AT_A_TIME", 2)
    found = read((HEAD + "\n" * 5 + "a,P,2016-06-01,1,yes\n").encode(), fields(), file="f.csv")
    assert list(found.lines) == [7]
    assert len(found.blank_lines) == 5


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", "is empty"),
        (b"id,officer\n", "no column 'at'"),
        (b"id,id,at,x,seen\n", "stands there twice"),
        (b"id,,at,x,seen\n", "column 2 has no name"),
        ((HEAD + '"a,P,2016-06-01,1,yes\n').encode(), "line 2"),
        ((GOOD + "\xe9,P,2016-06-01,1,yes\n").encode("latin-1"), "line 5, byte 1"),
        (gzip.compress(GOOD.encode(), mtime=0)[:40], "damaged"),
        (b"\x1f\x8bnothing", "damaged"),
    ],
)
def test_what_is_no_table_is_refused(data, wanted):
    refused(data, wanted)


def test_another_encoding_can_be_named():
    text = GOOD + "\xe9,P,2016-06-01,1,yes\n"
    assert read(text.encode("cp1252"), fields(), file="f", encoding="cp1252").frame["id"].iloc[-1] == "\xe9"


def test_a_packed_file_cannot_fill_the_memory(monkeypatch):
    monkeypatch.setattr(csv_rows, "LARGEST_BYTES", 100_000)
    bomb = gzip.compress((HEAD + "a,P,2016-06-01,1,yes\n" * 100_000).encode())
    assert len(bomb) < 20_000
    refused(bomb, "MiB")


def test_one_column_may_be_asked_for_twice():
    found = read(b"a\nx\n", (Field("a", Text(), "one"), Field("a", Name(), "two")), file="f")
    assert found.frame["one"].iloc[0] == found.frame["two"].iloc[0] == "x"


def test_the_short_way_to_read_moments_refuses_what_the_long_way_refuses():
    good = ["2016-06-01T00:01:00Z", "1969-12-31T23:59:59Z"]
    long_way = Moment().values([*good, "2016-06-01 00:01:00.5Z"])[0][:2]
    np.testing.assert_array_equal(Moment().values(good)[0], long_way)
    for bad in ("2016-02-30T00:01:00Z", "2016-06-01T24:01:00Z", "2016-06-01T00:01:0\0Z", "2016x06x01T00:01:00Z"):
        _, wrong, _ = Moment().values([*good, bad])
        assert list(wrong) == [False, False, True], bad


def test_a_wall_clock_shows_local_time_and_takes_a_bare_one_as_it_stands():
    kind = WallClock(zone="Europe/London")
    values, bad, blank = kind.values(["2016-05-31T23:01:00Z", "2016-03-27 01:30", "", "x"])
    assert [str(each) for each in values[:2]] == ["2016-06-01T00:01:00.000", "2016-03-27T01:30:00.000"]
    assert list(bad) == [False, False, False, True]
    assert list(blank) == [False, False, True, False]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=12), st.floats(-5, 5)),
        max_size=30,
    )
)
def test_what_was_written_is_read_again(rows):
    frame = pd.DataFrame(rows, columns=["name", "x"])
    data = frame.to_csv(index=False).encode()
    found = read(data, (Field("name", Text(), blank=True), Field("x", Number())), file="f")
    assert list(found.frame["name"]) == [name.strip() for name, _ in rows]
    np.testing.assert_array_equal(found.frame["x"], [x for _, x in rows])
