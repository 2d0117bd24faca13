"""The one reader of CSV files: data of a trial and reports of other systems are refused in the same words."""

import gzip
import tracemalloc

import pytest

from openbwv.recording.errors import BwvError
from openbwv.studies import csv_rows
from openbwv.studies.csv_rows import CsvRows
from openbwv.studies.errors import BadTable
from openbwv.studies.importers.kinds import Text
from openbwv.studies.importers.sheet import Field, read
from openbwv.studies.table import read_table

BROKEN = {
    "nothing": b"",
    "a blank first line": b"\na,b\n",
    "a column without a name": b"a,\n1,2\n",
    "one name twice": b"a,a\n1,2\n",
    "too few fields": b"a,b\n1,2\n1\n",
    "too many fields": b"a,b\n1,2\n\n1,2,3\n",
    "an open quote": b'a,b\n1,2\n"1,2\n',
    "a quote inside": b'a,b\n"1"1,2\n',
    "no text": b"a,b\n1,2\n1,\xff\n",
    "no text in the header": b"a,\xff\n1,2\n",
    "half a gzip file": gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9],
    "no gzip file": b"\x1f\x8bnothing",
    "half a character of UTF-16": "a,b\n1,2\n".encode("utf-16") + b"\x00",
}


def said(call):
    with pytest.raises(BwvError) as caught:
        call()
    return type(caught.value), caught.value.what


@pytest.mark.parametrize("case", BROKEN)
def test_both_rooms_refuse_a_file_in_the_same_words(case):
    fields = (Field("a", Text(), optional=True), Field("b", Text(), optional=True))
    table = said(lambda: read_table(BROKEN[case], file="f.csv"))
    assert table == said(lambda: read(BROKEN[case], fields, file="f.csv"))
    assert "f.csv" in table[1]


def test_the_place_of_what_is_wrong_is_named():
    where = {case: said(lambda data=data: read_table(data, file="f"))[1] for case, data in BROKEN.items()}
    assert where["too few fields"].startswith("f, line 3, column 'b'")
    assert where["too many fields"].startswith("f, line 4, column 'b'")
    assert where["an open quote"].startswith("f, line 3:")
    assert where["no text"].startswith("f, line 3, byte 3:")
    assert where["no text in the header"].startswith("f, line 1, byte 3:")


def test_a_blank_line_is_an_empty_row_with_its_line():
    assert list(CsvRows(b"a,b\n1,2\n\n3,4\n", file="f").chunks()) == [([2, 3, 4], [["1", "2"], [], ["3", "4"]])]


def test_a_table_may_be_utf_16_as_spreadsheets_write_it():
    assert read_table("a,b\n1,\xe9\n".encode("utf-16"), file="f").text("b").tolist() == ["\xe9"]


def test_a_packed_file_with_a_wrong_byte_does_not_fill_the_memory_while_its_place_is_sought(monkeypatch):
    monkeypatch.setattr(csv_rows, "LARGEST_BYTES", 100_000)
    bomb = gzip.compress(b"a\n\xff\n" + bytes(20_000_000))
    tracemalloc.start()
    with pytest.raises(BadTable, match="line 2, byte 1"):
        read_table(bomb, file="f")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5_000_000
