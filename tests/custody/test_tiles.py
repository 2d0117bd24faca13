"""Names and bytes of the log's files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbwv.custody import Edge, EntryTooLong, LogDamaged, Tile, parse_tile_path
from openbwv.custody.tiles import (
    BUNDLE_LEVEL,
    decode_bundle,
    encode_bundle,
    number_path,
    tile_width,
    tiles_of,
)
from tests.custody.conftest import entries


@pytest.mark.parametrize(
    ("number", "path"),
    [(0, "000"), (7, "007"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")],  # the last: tlog-tiles
)
def test_a_number_is_written_as_the_format_says(number, path):
    assert number_path(number) == path


def test_the_example_of_the_specification():
    """tlog-tiles: 70,000 entries are 273 full and one partial (112) tile, one full and one partial (17), one (1)."""
    found = list(tiles_of(70_000))
    level_0 = [tile for tile in found if tile.level == 0]
    assert [tile.width for tile in level_0] == [256] * 273 + [112]
    assert [tile.width for tile in found if tile.level == 1] == [256, 17]
    assert [tile.width for tile in found if tile.level == 2] == [1]
    assert [tile.width for tile in found if tile.level == BUNDLE_LEVEL] == [256] * 273 + [112]
    assert [tile.path for tile in tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]


@given(
    level=st.integers(BUNDLE_LEVEL, 7),
    number=st.one_of(st.integers(0, 3000), st.integers(0, 10**15)),
    width=st.integers(1, 256),
)
def test_a_path_is_read_back_as_the_tile_it_was_written_for(level, number, width):
    tile = Tile(level, number, width)
    assert parse_tile_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/", "tile/00/000", "tile/8/000", "tile/-1/000", "tile/x/000", "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001", "tile/0/001/001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p",
        "tile/0/../checkpoint", "tile/0/000/../../checkpoint", "/tile/0/000", "tile/0/000/", "tile//000", "tile/0/٠٠٠",
        "tile/entries/x001/000.p/", "tile/0/000.p/1/2", "tile/0/" + "x999/" * 9 + "999",
    ],
)  # fmt: skip
def test_any_other_spelling_is_no_tile(path):
    assert parse_tile_path(path) is None


@given(size=st.integers(0, 1_000_000), level=st.integers(0, 3), number=st.integers(0, 5000))
def test_the_width_of_a_tile_is_what_the_specification_computes(size, level, number):
    hashes = size // 256**level
    expected = 256 if number < hashes // 256 else hashes % 256 if number == hashes // 256 else 0
    assert tile_width(level, number, size) == expected


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_a_bundle_holds_what_was_put_in(items):
    assert decode_bundle(encode_bundle(items)) == items


def test_a_bundle_cut_anywhere_else_than_after_an_entry_is_damaged():
    data = encode_bundle([b"one", b"four", b""])
    whole = {0, 5, 11, 13}
    for end in range(len(data)):
        if end not in whole:
            with pytest.raises(LogDamaged):
                decode_bundle(data[:end])


def test_an_entry_is_at_most_65535_bytes_long():
    assert decode_bundle(encode_bundle([bytes(65_535)])) == [bytes(65_535)]
    with pytest.raises(EntryTooLong):
        Edge().extended([bytes(65_536)])


def test_a_tile_ends_where_the_tree_must_be_at_least_that_long():
    edge, files = Edge().extended(entries(600))
    assert all(file.tile.end_index() <= edge.size for file in files)
    assert {file.tile.path for file in files} >= {tile.path for tile in tiles_of(600)}
