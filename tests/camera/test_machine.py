"""The table of states: every transition, the invariants over random events, gestures, room."""

import random

import pytest

from openbwv.camera.gestures import MS, Button, Gesture
from openbwv.camera.guard import Level, StorageGuard
from openbwv.camera.machine import EVENTS, OPEN_STATES, TABLE, Act, Machine, State

DARK = {State.OFF, State.SLEEP, State.DOCKED, State.STANDBY, State.ERROR}


class World:
    """What the acts of a machine would do to a camera."""

    def __init__(self):
        self.machine = Machine()
        self.file = self.signals = self.microphone = self.encoder = False

    def take(self, event, refuse=""):
        before = self.machine.state
        acts = self.machine.take(event, refuse_start=refuse)
        for act in acts or ():
            self.do(act)
        self.check(before, event)
        return acts

    def do(self, act):
        if act in (Act.OPEN_RECORDING, Act.OPEN_WITH_PRE_EVENT):
            assert not self.file, "two files at once"
            assert self.encoder, "a file without an encoder"
            self.file = True
        elif act in (Act.CLOSE_RECORDING, Act.ABANDON_RECORDING):
            self.file = False
        elif act in (Act.OPEN_MICROPHONE, Act.CLOSE_MICROPHONE):
            self.microphone = act == Act.OPEN_MICROPHONE
        elif act in (Act.SIGNALS_ON, Act.SIGNALS_OFF):
            self.signals = act == Act.SIGNALS_ON
        elif act in (Act.START_ENCODER, Act.STOP_ENCODER):
            self.encoder = act == Act.START_ENCODER

    def check(self, before, event):
        state = self.machine.state
        said = (before, event, state)
        assert (state in OPEN_STATES) == self.file, said
        assert not self.file or self.signals, said
        assert not (self.signals and state in DARK), said
        assert not self.microphone or state == State.RECORDING, said
        assert self.encoder == (state in OPEN_STATES | {State.STANDBY, State.STOPPING}), said


def test_three_hundred_thousand_random_events_break_no_invariant_and_take_every_transition():
    chance = random.Random(7)
    taken, seen = set(), set()
    for _ in range(2000):
        world = World()
        for _ in range(150):
            event = chance.choice(EVENTS)
            key = (world.machine.state, event)
            if world.take(event, refuse="full" if chance.random() < 0.05 else "") is not None:
                taken.add(key)
            seen.add(world.machine.state)
    assert seen == set(State)
    assert taken == set(TABLE)


@pytest.mark.parametrize("state", [*sorted(OPEN_STATES), State.STOPPING])
def test_the_power_key_does_nothing_while_recording_or_stopping(state):
    assert Machine(state).take("power_off") is None


@pytest.mark.parametrize(
    ("state", "event"), [(State.STANDBY, "start"), (State.STANDBY, "signal"), (State.SLEEP, "start")]
)
def test_no_start_without_room(state, event):
    machine = Machine(state)
    assert machine.take(event, refuse_start="only 3 MiB are free") is None
    assert (machine.state, machine.refusal) == (state, "only 3 MiB are free")


def test_a_stop_for_a_fault_of_the_storage_leads_to_error_even_when_docked_meanwhile():
    machine = Machine(State.RECORDING)
    machine.take("storage_full")
    machine.take("dock")
    machine.take("closed")
    assert machine.state == State.ERROR


def test_docking_while_recording_closes_first_and_then_offloads():
    machine = Machine(State.RECORDING)
    assert Act.CLOSE_RECORDING in machine.take("dock")
    assert machine.state == State.STOPPING
    acts = machine.take("closed")
    assert machine.state == State.DOCKED
    assert Act.OFFLOAD in acts


def test_a_muted_recording_stays_muted_when_a_file_is_split():
    machine = Machine(State.MUTED)
    machine.take("limit")
    assert machine.state == State.MUTED


def press(button, at_ms, *, length_ms=100):
    button.press(at_ms * MS)
    return button.release((at_ms + length_ms) * MS)


def test_two_presses_within_half_a_second_start():
    button = Button()
    assert press(button, 0) is None
    assert press(button, 400) == Gesture.DOUBLE
    assert button.tick(2_000 * MS) is None


def test_a_single_press_is_said_only_after_the_window():
    button = Button()
    press(button, 0)
    assert button.tick(400 * MS) is None
    assert button.tick(600 * MS) == Gesture.SINGLE
    assert button.tick(700 * MS) is None


def test_two_slow_presses_are_no_double():
    button = Button()
    press(button, 0)
    assert button.tick(600 * MS) == Gesture.SINGLE
    assert press(button, 700) is None


def test_holding_three_seconds_stops_once_and_is_no_press():
    button = Button()
    button.press(0)
    assert button.tick(2_999 * MS) is None
    assert button.tick(3_000 * MS) == Gesture.HOLD
    assert button.tick(3_100 * MS) is None
    assert button.release(3_200 * MS) is None
    assert button.tick(5_000 * MS) is None


def test_a_contact_that_bounces_is_one_press():
    button = Button()
    button.press(0)
    assert button.release(5 * MS) is None
    button.press(10 * MS)
    assert button.release(100 * MS) is None
    assert button.tick(700 * MS) == Gesture.SINGLE


GUARD = StorageGuard(375_000 + 8_000)


@pytest.mark.parametrize(
    ("free", "level"),
    [(16 << 20, Level.FULL), (60 << 20, Level.CRITICAL), (500 << 20, Level.WARN), (2 << 30, Level.ENOUGH)],
)
def test_levels_of_storage(free, level):
    assert GUARD.level(free) == level


def test_a_start_needs_a_gibibyte_or_a_quarter_of_an_hour():
    assert "1023 MiB are free" in GUARD.refuses_start((1 << 30) - 1)
    assert GUARD.refuses_start(1 << 30) == ""
    assert "needs 2145 MiB" in StorageGuard(2_500_000).refuses_start(1 << 30)
