"""The pre-registration: its schema, its hash, and what the analysis did otherwise."""

import hashlib

import pytest

from openbwv.studies.analyse import analyse
from openbwv.studies.errors import BadPreregistration
from openbwv.studies.examples import EXAMPLE_PREREGISTRATION, example_csv, example_setup
from openbwv.studies.prereg import read_preregistration, write_preregistration
from openbwv.studies.setup import Design, Setup
from openbwv.studies.table import read_table

GOOD = write_preregistration(EXAMPLE_PREREGISTRATION)
HEAD = "title: T\ndesign: pairs\n"
ONE = HEAD + "outcomes: [{name: a}]\n"


def read(text):
    return read_preregistration(text if isinstance(text, bytes) else text.encode(), file="p.yaml")


def test_what_is_written_reads_back_and_the_hash_is_that_of_the_bytes():
    registered = read(GOOD)
    assert registered.sha256 == hashlib.sha256(GOOD).hexdigest()
    assert registered.fields == EXAMPLE_PREREGISTRATION
    assert registered.setups() == [
        Setup(**{**vars(example_setup(Design.PAIRS)), "kind": "count", "draws": 5000, "seed": 1})
    ]
    assert read(GOOD + b"# a remark\n").sha256 != registered.sha256


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, 1),
        ("- 1\n", 1, 1),
        ("title: T\ndesign: odd\noutcomes: [{name: a}]\n", 2, 9),
        ("title: T\ndesign: pairs\n", 1, 1),
        ("title: 3\n", 1, 8),
        ("title: T\ntitle: U\n", 2, 1),
        (ONE + "colour: red\n", 4, 1),
        (HEAD + "outcomes: [a]\n", 3, 12),
        (HEAD + "outcomes: []\n", 3, 11),
        (HEAD + "outcomes: [{family: f}]\n", 3, 12),
        (HEAD + "outcomes: [{name: a}, {name: a}]\n", 3, 23),
        (HEAD + "outcomes: [{name: a, model: magic}]\n", 3, 12),
        (HEAD + "outcomes: [{name: a, kind: odd}]\n", 3, 12),
        (ONE + "alpha: 2\n", 4, 8),
        (ONE + "draws: -1\n", 4, 8),
        (ONE + "draws: many\n", 4, 8),
        (ONE + "columns: {assigned: [a]}\n", 4, 21),
        (ONE + "allocation_sha256: abc\n", 4, 20),
        (ONE + "exclusions: none\n", 4, 13),
        ("title: [\n", 2, 1),
        ("title: !!python/object:os.system x\n", 1, 8),
    ],
)
def test_a_file_that_breaks_the_schema_is_named_by_line_and_column(text, line, column):
    with pytest.raises(BadPreregistration) as raised:
        read(text)
    assert (raised.value.line, raised.value.column) == (line, column), raised.value.what


@pytest.mark.parametrize(
    "text", [b"\xff\xfe\xff", b"title: &a [*a]", b"? [a]\n: b", b"registered: 2026-13-45", b"\x00"]
)
def test_strange_bytes_are_refused_in_the_same_way(text):
    with pytest.raises(BadPreregistration):
        read(text)


def result(**changes):
    setup = read(GOOD).setups()[0]
    data = changes.pop("data", example_csv(Design.PAIRS))
    return analyse(read_table(data, file="x.csv"), Setup(**{**vars(setup), "draws": 50, **changes}))


def test_an_analysis_as_registered_has_no_departure():
    registered = read(write_preregistration({**EXAMPLE_PREREGISTRATION, "draws": 50}))
    assert registered.departures([result()]) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcome": "force_before"}, "outcome 'force_before' was not registered"),
        ({"baseline": None}, "baseline: registered 'force_before', done none"),
        ({"alpha": 0.1}, "alpha: registered '0.05', done '0.1'"),
        ({"exposure": 2.0}, "exposure: registered none, done '2.0'"),
        ({"draws": 10}, "draws: registered '5000', done '10'"),
        ({"kind": "measure"}, "kind: registered 'count', done 'measure'"),
        ({"design": Design.SHIFTS}, "design: registered 'pairs', done 'shifts'"),
    ],
)
def test_each_departure_is_told(changes, words):
    assert words in read(GOOD).departures([result(**changes)])


def test_another_headline_and_an_unforeseen_exclusion_are_departures():
    fields = {**EXAMPLE_PREREGISTRATION, "draws": 50}
    fields["outcomes"] = [{"name": "force", "kind": "count", "model": "gee-poisson-exchangeable"}]
    lines = example_csv(Design.PAIRS).decode().splitlines()
    lines[3] = lines[3].replace(",1,", ",,", 1) if ",1," in lines[3] else lines[3].replace(",0,", ",,", 1)
    found = read(write_preregistration(fields)).departures([result(data="\n".join(lines).encode())])
    assert any("gee-poisson-exchangeable was registered, the headline is poisson-clustered" in words for words in found)
    assert any("rows left out for a reason not registered" in words for words in found)


def test_a_registered_outcome_that_is_not_shown_is_a_departure():
    fields = {**EXAMPLE_PREREGISTRATION, "draws": 50}
    fields["outcomes"] = [*fields["outcomes"], {"name": "complaints"}]
    found = read(write_preregistration(fields)).departures([result()])
    assert "registered outcome 'complaints' was not analysed" in found
