"""The camera's states, as a table: what may happen when, and what is then done.

Invariants, held by tests over random events: a recording is open exactly in RECORDING and MUTED; the signals are on
while it is, and never in OFF, SLEEP, DOCKED, STANDBY or ERROR; the microphone is live in RECORDING alone; the power key
does nothing while recording or stopping; a start is refused without room or battery. Nothing here touches a device.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """Where the camera is."""

    OFF = "off"
    BOOT = "boot"
    STANDBY = "standby"
    SLEEP = "sleep"
    RECORDING = "recording"
    MUTED = "muted"
    STOPPING = "stopping"
    DOCKED = "docked"
    ERROR = "error"


class Act(StrEnum):
    """What a transition does."""

    SELF_TEST = "self-test"
    START_ENCODER = "start-encoder"
    STOP_ENCODER = "stop-encoder"
    OPEN_RECORDING = "open-recording"
    OPEN_WITH_PRE_EVENT = "open-with-pre-event"
    CLOSE_RECORDING = "close-recording"
    ABANDON_RECORDING = "abandon-recording"
    SPLIT_RECORDING = "split-recording"
    OPEN_MICROPHONE = "open-microphone"
    CLOSE_MICROPHONE = "close-microphone"
    SIGNALS_ON = "signals-on"
    SIGNALS_OFF = "signals-off"
    BEEP_TWICE = "beep-twice"
    LONG_TONE = "long-tone"
    ALARM = "alarm"
    LOG_MUTE = "log-mute"
    LOG_UNMUTE = "log-unmute"
    LOG_MARKER = "log-marker"
    LOG_SIGNAL = "log-signal"
    LOG_TOLD = "log-told"
    LOG_LABEL = "log-label"
    OFFLOAD = "offload"


S, A = State, Act
OPENING = (A.OPEN_WITH_PRE_EVENT, A.OPEN_MICROPHONE, A.SIGNALS_ON, A.BEEP_TWICE)
COLD_OPENING = (A.START_ENCODER, A.OPEN_RECORDING, A.OPEN_MICROPHONE, A.SIGNALS_ON, A.BEEP_TWICE)
CLOSING = (A.CLOSE_MICROPHONE, A.CLOSE_RECORDING)
BROKEN = (A.CLOSE_MICROPHONE, A.ABANDON_RECORDING, A.SIGNALS_OFF, A.ALARM, A.STOP_ENCODER)
Row = tuple[State, tuple[Act, ...], State | None]  # next state, acts, and where STOPPING then leads

TABLE: dict[tuple[State, str], Row] = {
    (S.OFF, "power_on"): (S.BOOT, (A.SELF_TEST,), None),
    (S.BOOT, "ok"): (S.STANDBY, (A.START_ENCODER,), None),
    (S.BOOT, "fail"): (S.ERROR, (A.ALARM,), None),
    (S.BOOT, "dock"): (S.DOCKED, (A.OFFLOAD,), None),
    (S.STANDBY, "start"): (S.RECORDING, OPENING, None),
    (S.STANDBY, "signal"): (S.RECORDING, (*OPENING, A.LOG_SIGNAL), None),
    (S.STANDBY, "sleep"): (S.SLEEP, (A.STOP_ENCODER,), None),
    (S.STANDBY, "dock"): (S.DOCKED, (A.STOP_ENCODER, A.OFFLOAD), None),
    (S.STANDBY, "power_off"): (S.OFF, (A.STOP_ENCODER,), None),
    (S.STANDBY, "fault"): (S.ERROR, (A.STOP_ENCODER, A.ALARM), None),
    (S.SLEEP, "start"): (S.RECORDING, COLD_OPENING, None),
    (S.SLEEP, "wake"): (S.STANDBY, (A.START_ENCODER,), None),
    (S.SLEEP, "dock"): (S.DOCKED, (A.OFFLOAD,), None),
    (S.SLEEP, "power_off"): (S.OFF, (), None),
    (S.RECORDING, "stop"): (S.STOPPING, CLOSING, S.STANDBY),
    (S.RECORDING, "mute"): (S.MUTED, (A.CLOSE_MICROPHONE, A.LOG_MUTE), None),
    (S.RECORDING, "marker"): (S.RECORDING, (A.LOG_MARKER,), None),
    (S.RECORDING, "told"): (S.RECORDING, (A.LOG_TOLD,), None),
    (S.RECORDING, "label"): (S.RECORDING, (A.LOG_LABEL,), None),
    (S.RECORDING, "signal"): (S.RECORDING, (A.LOG_SIGNAL,), None),
    (S.RECORDING, "limit"): (S.RECORDING, (A.SPLIT_RECORDING,), None),
    (S.RECORDING, "dock"): (S.STOPPING, CLOSING, S.DOCKED),
    (S.RECORDING, "battery_critical"): (S.STOPPING, CLOSING, S.OFF),
    (S.RECORDING, "shutdown"): (S.STOPPING, CLOSING, S.OFF),
    (S.RECORDING, "storage_full"): (S.STOPPING, (*CLOSING, A.ALARM), S.ERROR),
    (S.RECORDING, "source_ended"): (S.STOPPING, (*CLOSING, A.ALARM), S.ERROR),
    (S.RECORDING, "fault"): (S.ERROR, BROKEN, None),
    (S.MUTED, "unmute"): (S.RECORDING, (A.OPEN_MICROPHONE, A.LOG_UNMUTE), None),
    (S.STOPPING, "closed"): (S.STANDBY, (A.SIGNALS_OFF, A.LONG_TONE), None),
    (S.STOPPING, "start"): (S.RECORDING, (A.OPEN_RECORDING, A.OPEN_MICROPHONE, A.BEEP_TWICE), None),
    (S.STOPPING, "dock"): (S.STOPPING, (), S.DOCKED),
    (S.STOPPING, "fault"): (S.ERROR, BROKEN, None),
    (S.DOCKED, "undock"): (S.STANDBY, (A.START_ENCODER,), None),
    (S.DOCKED, "undock_unassigned"): (S.ERROR, (A.ALARM,), None),
    (S.DOCKED, "power_off"): (S.OFF, (), None),
    (S.ERROR, "dock"): (S.DOCKED, (A.OFFLOAD,), None),
    (S.ERROR, "power_off"): (S.OFF, (), None),
    (S.ERROR, "recovered"): (S.STANDBY, (A.START_ENCODER,), None),
}
TABLE |= {  # every exit of RECORDING is one of MUTED, which otherwise stays muted
    (S.MUTED, event): (S.MUTED if row[0] == S.RECORDING else row[0], row[1], row[2])
    for (state, event), row in list(TABLE.items())
    if state == S.RECORDING and event != "mute"
}
ARRIVALS: dict[State, tuple[Act, ...]] = {
    S.STANDBY: (),
    S.DOCKED: (A.STOP_ENCODER, A.OFFLOAD),
    S.OFF: (A.STOP_ENCODER,),
    S.ERROR: (A.STOP_ENCODER,),
}
EVENTS = sorted({event for _, event in TABLE})
OPEN_STATES = frozenset({S.RECORDING, S.MUTED})


@dataclass
class Machine:
    """Where the camera is and where a stop will lead. `refusal` says why a start was refused."""

    state: State = State.OFF
    after_stop: State = State.STANDBY
    refusal: str = field(default="", init=False)

    def take(self, event: str, *, refuse_start: str = "") -> tuple[Act, ...] | None:
        """Take an event; returns what is to be done, in order, or None when it means nothing here.

        `refuse_start` is why no recording may begin now (no room, battery too low); it then stands in `refusal`.
        """
        self.refusal = ""
        row = TABLE.get((self.state, event))
        if row is None:
            return None
        state, acts, then = row
        if state in OPEN_STATES and self.state not in OPEN_STATES and refuse_start:
            self.refusal = refuse_start
            return None
        if self.state == S.STOPPING and event == "closed":
            state = self.after_stop
            acts = (*acts, *ARRIVALS[state])
        if then is not None and not (self.state == S.STOPPING and self.after_stop in (S.OFF, S.ERROR)):
            self.after_stop = then
        self.state = state
        return acts

    def can(self) -> Iterable[str]:
        """Return the events that mean something now."""
        return sorted(event for state, event in TABLE if state == self.state)
