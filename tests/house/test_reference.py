"""The reference pages say what the code does; what must be documented is."""

import importlib

import pytest

from tests.house import reference
from tests.house.source import ROOT

REF = ROOT / "docs" / "ref"


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_reference_page_is_what_the_code_makes_it(name):
    made = reference.PAGES[name]()
    assert (REF / name).read_text(encoding="utf-8") == made, "write it anew: python -m tests.house.reference"


def test_every_setting_that_the_code_reads_is_described():
    page = (REF / "config.md").read_text(encoding="utf-8")
    assert not [
        name for name in sorted(reference.variables_in_source()) if f"`{name.removesuffix('_FILE')}" not in page
    ]


def test_every_error_has_a_meaning_of_its_own_and_a_status_that_is_explained():
    rows = reference.error_rows()
    assert len(rows) > 30
    assert not [row for row in rows if len(row[3]) < 12]
    assert not [row for row in rows if row[1] not in reference.HTTP_MEANING]


def all_commands():
    from openbwv.command import COMMANDS

    for name in COMMANDS:
        text = reference.help_of(name)
        yield name, text
        for word, more in reference.below_it(name, text):
            yield f"{name} {word}", more


def test_every_command_has_examples_and_json():
    poor = []
    for name, text in all_commands():
        has_json = "--json" in text or reference.subcommands(text)
        if ("examples:" not in text and "example" not in text) or not has_json:
            poor.append(name)
    assert not poor


def test_every_command_calls_itself_as_it_is_typed():
    wrong = [name for name, text in all_commands() if not text.startswith(f"usage: ./bwv {name} ")]
    assert not wrong


def test_every_command_of_the_table_is_there():
    from openbwv.command import COMMANDS

    for place, _ in COMMANDS.values():
        module, function = place.split(":")
        assert callable(getattr(importlib.import_module(module), function))
