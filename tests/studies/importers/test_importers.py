"""Stops of data.police.uk, complaints and camera metadata of New Orleans, plain records."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from openbwv.studies.errors import BadRow, BadTable
from openbwv.studies.importers import records, stops
from openbwv.studies.importers.complaints import read_complaints
from tests.house.source import ROOT

DATA = ROOT.parent / "shared" / "data"
STOPS_HEADER = (
    "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,"
    "Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome,"
    "Outcome linked to object of search,Removal of more than just outer clothing\n"
)
SMALL = STOPS_HEADER + (
    "Person search,2016-05-31T23:01:00+00:00,False,,51.45,-0.04,Male,10-17,,Black,Misuse,Drugs,Nothing found,,\n"
    "Vehicle search,2016-06-30T22:59:00+00:00,,,,,,,,,,Firearms,Suspect arrested,True,False\n"
)


def test_the_first_summer_minute_of_a_london_day_lies_in_the_day_before():
    found = stops.counts(stops.read_stops(SMALL.encode(), file="s").frame)
    assert found["first_utc"].startswith("2016-05-31T23:01")
    assert found["first_local"] == "2016-06-01T00:01:00"
    assert found["by_month_utc"] == {"2016-05": 1, "2016-06": 1}
    assert found["by_month_local"] == {"2016-06": 2}
    assert (found["by_hour_local"][0], found["by_hour_local"][23]) == (1, 1)
    assert (found["with_coordinates"], found["officer_defined_ethnicity"]) == (1, {"(blank)": 1, "Black": 1})


def test_a_stops_file_without_a_column_is_refused():
    with pytest.raises(BadTable, match="Legislation"):
        stops.read_stops(SMALL.replace("Legislation", "Law").encode(), file="s")


MET = DATA / "met_2016-06-stop-and-search.csv"
OUTCOMES_2016 = {
    "Nothing found - no further action": 7104,
    "Suspect arrested": 2112,
    "Offender given drugs possession warning": 892,
    "Offender given penalty notice": 172,
    "Local resolution": 117,
    "Suspect summonsed to court": 78,
    "Offender cautioned": 15,
}


def test_the_met_month_of_june_2016_counts_as_published():
    """Every count that the file itself gives; the boroughs need a map and are checked against the planner's table."""
    if not MET.exists():
        assert sum(OUTCOMES_2016.values()) == 10_490  # without the file, at least the figures agree with one another
        return
    found = stops.counts(stops.read_stops(MET.read_bytes(), file=MET.name).frame)
    assert found["rows"] == 10_490
    assert found["type"] == {"Person search": 7989, "Person and Vehicle search": 2373, "Vehicle search": 128}
    assert found["object"] == {
        "Controlled drugs": 6572,
        "Articles for use in criminal damage": 3805,
        "Firearms": 113,
    }
    assert found["outcome"] == OUTCOMES_2016
    assert found["outcome"]["Nothing found - no further action"] / 10_490 == pytest.approx(0.677, abs=5e-4)
    assert found["officer_defined_ethnicity"] == {
        "White": 4474,
        "Black": 4205,
        "Asian": 1382,
        "Other": 305,
        "(blank)": 124,
    }
    assert found["share_with_coordinates"] == pytest.approx(0.917, abs=5e-4)
    assert found["first_utc"] == "2016-05-31T23:01:00+00:00"
    assert found["first_local"] == "2016-06-01T00:01:00"
    assert found["by_month_local"] == {"2016-06": 10_490}
    assert found["by_month_utc"] == {"2016-06": 10_477, "2016-05": 13}
    with (DATA / "london_boroughs_planner.csv").open(encoding="utf-8") as file:
        boroughs = {row["borough"]: row for row in csv.DictReader(file)}
    column = next(name for name in next(iter(boroughs.values())) if "stop" in name)
    assert sum(int(row[column]) for row in boroughs.values()) == 9_610 <= found["with_coordinates"] - 4  # the City
    assert [int(boroughs[name][column]) for name in ("Lambeth", "Brent", "Westminster")] == [940, 689, 548]


NOPD = (
    "evidence_id,status,title,id_external,date_uploaded,created_date_record_start,date_record_end,date_deleted,size_mb,"
    "duration_seconds,deletion_type,location,latitude,longitude,police_district\n"
    "e1,Active,stop, a-12345-16 ,,2016-01-05T10:00:00,2016-01-05T10:20:00,,100,1200,,,29.95,-90.07,1\n"
    "e2,Deleted,A-12346-16,,,2016-07-05T10:00:00,,,100,60,,,,,\n"
    "e3,Active,,,,,,,,,,,,,\n"
)


def test_camera_metadata_of_new_orleans():
    found = records.recordings(NOPD.encode(), file="n", profile="nopd")
    assert list(found.frame["recording_id"]) == ["e1", "e2"]
    assert found.frame["start_utc"].iloc[0] == pd.Timestamp("2016-01-05T16:00Z")  # winter there: UTC-6
    assert found.frame["end_utc"].iloc[1] == pd.Timestamp("2016-07-05T15:01Z")  # summer, and from the duration
    assert list(found.frame["typed_id"]) == ["a-12345-16", ""]
    assert found.frame["officer"].isna().all()
    assert found.excluded == [{"row": 3, "line": 4, "why": "its start is not known"}]


PLAIN = "recording_id,officer,start_utc,end_utc\n"


def test_a_number_that_stands_there_twice_names_both_lines():
    text = PLAIN + "a,P,2016-01-01T10:00Z,2016-01-01T11:00Z\n" * 2
    with pytest.raises(BadRow, match=r"line 3.*line 2 already"):
        records.recordings(text.encode(), file="r.csv")


def test_an_end_before_the_start_is_refused():
    with pytest.raises(BadRow, match="line 2, column 'end_utc': it ends before it begins"):
        records.recordings((PLAIN + "a,P,2016-01-01T10:00Z,2016-01-01T09:00Z\n").encode(), file="r.csv")


def test_an_unknown_camera_state_is_refused():
    text = "officer,from_utc,to_utc,state\nP,2016-01-01,2016-01-02,Issued\nP,2016-01-02,2016-01-03,lost\n"
    with pytest.raises(BadRow, match="line 3, column 'state': 'lost' is not one of: issued"):
        records.cameras(text.encode(), file="c.csv")


COMPLAINTS = (
    "Incident Type,Complaint Tracking Number,Date Complaint Occurred,Date Complaint Received by NOPD (PIB),"
    "Disposition,Rule Violation,Unique Officer Allegation ID\n"
    "Public,2020-0001,2020-01-30,2020-01-31,Sustained,Courtesy,a1\n"
    "Public,2020-0001,2020-01-30,2020-01-31,Exonerated,Professionalism,a2\n"
    "Rank,2020-0002,2020-02-01,2020-02-01,,Courtesy,a3\n"
    "Public,2020-0001,2020-01-30,2020-02-02,,Courtesy,a4\n"
    ",,2020-02-01,2020-02-01,,,a5\n"
    ",2020-0003,2020-02-01,,,,a6\n"
)


def test_one_case_has_many_allegations():
    found = read_complaints(COMPLAINTS.encode(), file="c")
    assert list(found.cases["case_id"]) == ["2020-0001", "2020-0002"]
    assert list(found.cases["allegations"]) == [3, 1]
    assert len(found.allegations) == 4
    assert [(each["row"], each["line"]) for each in found.excluded] == [(5, 6), (6, 7)]
    assert found.disagreeing == [{"line": 5, "why": "its case 2020-0001 has another received above"}]


def test_the_other_name_of_a_column_is_known_and_both_at_once_are_refused():
    other = COMPLAINTS.replace("Received by NOPD (PIB)", "Received")
    assert len(read_complaints(other.encode(), file="c").cases) == 2
    both = (
        COMPLAINTS.replace("Incident Type", "Date Complaint Received").replace("\nPublic", "\n").replace("\nRank", "\n")
    )
    with pytest.raises(BadTable, match="has both"):
        read_complaints(both.encode(), file="c")


def test_reports_leave_out_what_does_not_say_and_tell_why():
    text = "r,o,i,d,e,g\nyes,P,1,2020-01-01,yes,x\n,P,2,2020-01-01,yes,\nno,,3,2020-01-01,yes,\nno,P,4,2020-01-01,no,\n"
    columns = records.ReportColumns("r", "o", "i", "d", ("g", "o"), eligible="e")
    found = records.reports(text.encode(), columns, file="d")
    assert list(found.frame["incident"]) == ["1"]
    assert [each["line"] for each in found.excluded] == [3, 4, 5]
    assert "does not say" in found.excluded[0]["why"]
    assert found.frame["group:o"].iloc[0] == "P"


def test_a_blank_line_is_listed_and_counted_as_a_row():
    text = "r,o,i,d\nyes,P,1,2020-01-01\n\nno,,3,2020-01-01\n"
    found = records.reports(text.encode(), records.ReportColumns("r", "o", "i", "d"), file="d")
    assert found.excluded == [
        {"row": 2, "line": 3, "why": "the line is blank"},
        {"row": 3, "line": 4, "why": "'o' is blank"},
    ]


def test_further_words_for_yes_and_no_can_be_named():
    text = "r,o,i,d\nBWC on,P,1,01/02/2020\nBWC off,P,2,01/02/2020\n"
    words = records.Words(yes=("bwc on",), no=("bwc off",), form="%d/%m/%Y")
    found = records.reports(text.encode(), records.ReportColumns("r", "o", "i", "d"), file="d", words=words)
    np.testing.assert_array_equal(found.frame["recorded"], [1, 0])
    assert set(found.frame["date"].dt.month) == {2}


def test_every_exported_row_is_used_or_named():
    rows = io.StringIO(NOPD)
    found = records.recordings(NOPD.encode(), file="n", profile="nopd")
    assert len(found.frame) + len(found.excluded) == len(list(csv.reader(rows))) - 1
