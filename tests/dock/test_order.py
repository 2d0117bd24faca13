"""Whose part is next: a pure choice, judged for any mix of recordings."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from openbwv.dock.backoff import Backoff
from openbwv.dock.order import FAIR_EVERY, Waiting, choose
from openbwv.shared.priority import MARKED, ORDINARY, URGENT

LEVELS = st.sampled_from([URGENT, MARKED, ORDINARY])


@st.composite
def crowds(draw):
    """Any number of recordings, and a list of the server with some of them and some it alone knows."""
    rec_ids = draw(st.lists(st.binary(min_size=1, max_size=2), unique=True, max_size=12))
    waiting = [
        Waiting(rec_id, draw(LEVELS), draw(st.integers(0, 3)), draw(st.integers(0, 3)), draw(st.booleans()),
                draw(st.integers(0, 3)))
        for rec_id in rec_ids
    ]  # fmt: skip
    todo = draw(st.permutations([*rec_ids, b"elsewhere"]))[: draw(st.integers(0, len(rec_ids) + 1))]
    return waiting, {rec_id: place for place, rec_id in enumerate(todo)}


def free(each, at_once):
    return each.light or each.under_way < max(1, at_once - 1)


@given(crowds(), st.integers(0, 40), st.integers(1, 8))
def test_somebody_goes_whenever_somebody_can_and_nobody_has_every_connection(crowd, turn, at_once):
    waiting, todo = crowd
    chosen = choose(waiting, todo=todo, turn=turn, at_once=at_once)
    assert (chosen is None) == (not any(free(each, at_once) for each in waiting))
    assert chosen is None or chosen.light or chosen.under_way < max(1, at_once - 1)


@given(crowds(), st.integers(0, 40), st.integers(1, 8), st.randoms(use_true_random=False))
def test_the_choice_does_not_hang_on_the_order_of_what_waits(crowd, turn, at_once, random):
    waiting, todo = crowd
    shuffled = random.sample(waiting, len(waiting))
    assert choose(shuffled, todo=todo, turn=turn, at_once=at_once) == choose(
        waiting, todo=todo, turn=turn, at_once=at_once
    )


@given(crowds(), st.integers(0, 40).filter(lambda turn: turn % FAIR_EVERY != FAIR_EVERY - 1), st.integers(1, 8))
def test_flagged_then_the_servers_list_then_marked_then_the_oldest(crowd, turn, at_once):
    waiting, todo = crowd
    chosen = choose(waiting, todo=todo, turn=turn, at_once=at_once)
    for other in waiting if chosen else []:
        if other == chosen or not free(other, at_once):
            continue
        assert chosen.level == URGENT or other.level != URGENT
        if (chosen.level == URGENT) != (other.level == URGENT) or chosen.light != other.light:
            continue
        if other.rec_id in todo:
            assert chosen.rec_id in todo
            assert todo[chosen.rec_id] < todo[other.rec_id]
        elif chosen.rec_id not in todo:
            assert (chosen.level, chosen.age) < (other.level, other.age)


@settings(max_examples=50)
@given(st.integers(1, 6), st.integers(0, 20), st.lists(st.tuples(LEVELS, st.integers(101, 200)), min_size=1))
def test_ordinary_footage_is_through_after_eight_parts_for_each_of_its_own_and_of_older_ones(parts, older, others):
    """Whatever is docked meanwhile, flagged or on the server's list, as much as there may be."""
    left = {b"mine": parts, b"older": older}
    started = {b"mine": 100, b"older": 50}
    arrivals = itertools.cycle(others)
    turn = 0
    while left[b"mine"]:
        waiting = [Waiting(rec_id, ORDINARY, started[rec_id], 0) for rec_id, count in left.items() if count]
        waiting += [Waiting(bytes([number]), *next(arrivals), 0) for number in range(3)]
        todo = {bytes([number]): number for number in range(3)}
        chosen = choose(waiting, todo=todo, turn=turn, at_once=3)
        if chosen.rec_id in left:
            left[chosen.rec_id] -= 1
        turn += 1
        assert turn <= FAIR_EVERY * (parts + older)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=30))
def test_waits_grow_up_to_the_limit_and_begin_anew(shares):
    source = itertools.cycle(shares)
    backoff = Backoff(shortest_s=1, longest_s=30, share=lambda: next(source))
    waits = [backoff.wait_s() for _ in shares]
    for number, wait in enumerate(waits):
        whole = min(2**number, 30)
        assert whole / 2 <= wait <= whole
    backoff.reset()
    assert backoff.wait_s() <= 1
