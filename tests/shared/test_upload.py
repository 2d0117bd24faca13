import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbwv.shared import door, upload
from openbwv.shared.door import DoorBusy, HeldPart
from openbwv.shared.upload import Fragment, Parcel, in_order, missing_runs, patiently


def fragments(lengths):
    """Fragments with entry numbers that skip one (an event) after every third."""
    found, seq, offset = [], 1, 0
    for number, length in enumerate(lengths):
        found.append(Fragment(seq, offset, length))
        seq += 2 if number % 3 == 2 else 1
        offset += length
    return found


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10)), max_size=8),
    st.integers(1, 200),
)
def test_missing_runs_are_exactly_what_is_not_held_in_order_and_within_size(lengths, held, target):
    all_of_them = fragments(lengths)
    parts = [HeldPart(first, first + more, 0) for first, more in held]
    taken = {seq for part in parts for seq in range(part.first, part.last + 1)}
    runs = list(missing_runs(all_of_them, sorted_disjoint(parts), target_bytes=target))
    assert [each.seq for run in runs for each in run] == [f.seq for f in all_of_them if f.seq not in taken]
    for run in runs:
        assert sum(each.length for each in run) <= target or len(run) == 1
        for one, two in itertools.pairwise(run):
            assert two.offset == one.offset + one.length, "a run is one stretch of the media"


def test_what_is_not_here_yet_parts_two_runs():
    """A dock that has fragments 1, 2 and 5 of a recording must not send them as if they lay side by side."""
    here = [each for each in fragments([10] * 6) if each.offset in (0, 10, 40)]
    assert [[each.offset for each in run] for run in missing_runs(here, [])] == [[0, 10], [40]]


def sorted_disjoint(parts):
    """The other side never lists a number twice."""
    seqs = sorted({seq for part in parts for seq in range(part.first, part.last + 1)})
    return [HeldPart(seq, seq, 0) for seq in seqs]


def parcel(name, rank):
    return Parcel(name, [b""], b"", [], lambda run: iter(()), b"", rank=rank)


def test_rank_goes_before_the_other_sides_wish_and_that_before_age():
    old, new, urgent = parcel(b"o", (2, 1)), parcel(b"n", (2, 9)), parcel(b"u", (0, 5))
    assert in_order([old, new, urgent], []) == [urgent, old, new]
    assert in_order([old, new, urgent], [b"n", b"o", b"u"]) == [urgent, new, old]


def test_a_busy_door_is_waited_for_as_long_as_it_asks_and_not_for_ever():
    waits, answers = [], []

    def deed():
        if len(answers) < 3:
            answers.append(1)
            busy = DoorBusy(what="busy", remedy="wait")
            busy.retry_after_s = 7.0
            raise busy
        return "done"

    assert patiently(deed, sleep=waits.append) == "done"
    assert waits == [7.0] * 3

    def never():
        raise DoorBusy(what="busy", remedy="wait")

    with pytest.raises(DoorBusy):
        patiently(never, tries=2, sleep=waits.append)


def test_a_file_that_ends_too_early_is_named(tmp_path):
    (tmp_path / "media.bin").write_bytes(b"12345")
    assert b"".join(upload.file_chunks(str(tmp_path / "media.bin"), 1, 4)) == b"2345"
    with pytest.raises(door.DoorError, match="2 bytes too early"):
        list(upload.file_chunks(str(tmp_path / "media.bin"), 1, 6))


@pytest.mark.parametrize(
    "value",
    [{}, {"nonce": "zz"}, {"nonce": "00" * 31, "time_ms": 1}, {"nonce": "00" * 32, "time_ms": "1"}, {"time_ms": -1}],
)
def test_answers_of_another_shape_are_refused(value):
    with pytest.raises(door.BadAnswer):
        door.Hello.from_json(value)


def test_hello_and_welcome_survive_their_json():
    hello = door.Hello(5, bytes(32), "evidence-1", "note")
    assert door.Hello.from_json(hello.as_json()) == hello
    welcome = door.Welcome(
        token="t", profile={"a": 1}, epoch_key=b"e", queue=(bytes(16),), revoked=frozenset([bytes(32)]),
        checkpoint="c", consistency=(bytes(32),), crl="pem", assignment=b"a", dock="Lewisham 1",
    )  # fmt: skip
    assert door.Welcome.from_json(welcome.as_json()) == welcome
