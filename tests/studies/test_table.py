"""Files that are not what they should be: the message names file, line and column."""

import gzip

import numpy as np
import pytest

from openbwv.studies.errors import BadRow, BadTable
from openbwv.studies.table import read_table


def read(text):
    return read_table(text if isinstance(text, bytes) else text.encode(), file="x.csv")


def test_numbers_missing_words_and_a_byte_order_mark():
    table = read("\ufeffa,b\n1,NA\n 2.5 ,\n.,n/a\n")
    assert table.numbers("a").tolist()[:2] == [1.0, 2.5]
    assert np.isnan(table.numbers("a")[2])
    assert np.isnan(table.numbers("b")).all()


def test_a_gzipped_file_is_the_same_table():
    plain = b"a,b\n1,2\n"
    assert read(gzip.compress(plain)).numbers("b").tolist() == [2.0]


@pytest.mark.parametrize(
    ("text", "call", "line", "column"),
    [
        ("a,b\n1,2\n1,x\n", lambda t: t.numbers("b"), 3, "b"),
        ("a,b\n1,2\n\n1,-1\n", lambda t: t.numbers("b", least=0), 4, "b"),
        ("a,b\n1,2.5\n", lambda t: t.numbers("b", whole=True), 2, "b"),
        ("a,b\n1,inf\n", lambda t: t.numbers("b"), 2, "b"),
        ("a,b\n1,1_000\n", lambda t: t.numbers("b"), 2, "b"),
        ('a,b\n"two\nlines",2\n1,x\n', lambda t: t.numbers("b"), 4, "b"),
        ("a,b\n1,maybe\n", lambda t: t.arms("b"), 2, "b"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(text, call, line, column):
    with pytest.raises(BadRow) as raised:
        call(read(text))
    assert (raised.value.line, raised.value.column) == (line, column)
    assert f"x.csv, line {line}, column '{column}'" in raised.value.what
    assert raised.value.remedy


@pytest.mark.parametrize("text", ["a,b\n1\n", "a,b\n1,2,3\n"])
def test_a_line_with_too_few_or_too_many_fields_is_named(text):
    with pytest.raises(BadRow, match="line 2"):
        read(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a,a\n1,2\n",
        b"a,\n1,2\n",
        b"a\n\xff\n",
        b"\x1f\x8bnope",
        gzip.compress(b"a\n1\n", mtime=0)[:-9],
        b'a\n"1\n',
    ],
)
def test_bytes_that_are_no_table(data):
    with pytest.raises(BadTable):
        read(data)


def test_a_column_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(BadTable) as raised:
        read("a,b\n1,2\n").numbers("c")
    assert "a, b" in raised.value.remedy


def test_arms_in_words_and_digits():
    assert read("a\n1\ntreated\nControl\n0.0\nYES\n").arms("a").tolist() == [1, 1, 0, 0, 1]
