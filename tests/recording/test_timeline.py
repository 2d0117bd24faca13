"""Mute, pre-event buffer and time without holes: what a camera's own entries must agree on."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbwv import recording as r
from tests.recording.factory import SECOND, Agency

AGENCY = Agency()
MS = 1_000_000


class Script:
    """A recording written step by step, judged at the end."""

    def __init__(self, **changes):
        self.camera = AGENCY.camera()
        self.builder, self.rec = self.camera.start(**changes)
        self.zero = self.camera.mono_ns
        self.second = 0

    def fragments(self, count=1, *, flags=0, times=None, late_ns=0):
        for _ in range(count):
            at = max(self.zero + (self.second + 1) * SECOND + late_ns, self.zero)
            self.camera.add(self.builder, self.rec, self.second, flags=flags, times=times, mono_ns=at)
            self.second += 1
        return self

    def event(self, kind, **public):
        keys = {int(name[1:]): value for name, value in public.items()}
        at = max(self.zero + self.second * SECOND, self.builder.last_mono_ns)
        self.rec.entries.append(self.builder.event(kind, mono_ns=at, public=keys))
        return self

    def mute(self, at_s, reason=r.MuteReason.PRIVACY):
        return self.event(r.EventKind.MUTE_ON, _1=int(reason), _2=self.zero + round(at_s * 1000) * MS)

    def unmute(self, at_s):
        return self.event(r.EventKind.MUTE_OFF, _2=self.zero + int(at_s * SECOND))

    def codes(self):
        self.camera.finish(self.builder, self.rec, second=self.second + 10_000)
        verdict = r.verify_recording([self.rec.manifest], io.BytesIO(self.rec.media_bin), trust=AGENCY.trust)
        return [reason.code for reason in verdict.reasons]


MUTED = r.FragFlag.MUTED


def test_a_mute_that_is_signed_and_flagged_holds():
    assert Script().fragments(3).mute(3).fragments(5, flags=MUTED).unmute(8).fragments(2).codes() == []


def test_a_mute_open_at_the_end_holds():
    assert Script().fragments(1).mute(1).fragments(5, flags=MUTED).codes() == []


def test_a_mute_from_the_first_sample_holds():
    assert Script().mute(0).fragments(2, flags=MUTED).unmute(2).fragments(1).codes() == []


def test_a_fragment_only_partly_muted_is_flagged():
    assert Script().fragments(3).mute(3.5).fragments(1, flags=MUTED).unmute(4.2).fragments(1, flags=MUTED).codes() == []
    assert Script().fragments(3).mute(3.5).fragments(1).codes() == ["mute-flag"]


def test_unflagged_in_a_mute_span():
    script = Script().fragments(3).mute(3).fragments(2, flags=MUTED).fragments(1).fragments(1, flags=MUTED)
    assert script.codes() == ["mute-flag"]


def test_flagged_without_a_mute():
    assert Script().fragments(3, flags=MUTED).codes() == ["mute-flag"] * 3
    script = Script().fragments(1).mute(1).fragments(2, flags=MUTED).unmute(3)
    assert script.fragments(1).fragments(2, flags=MUTED).codes() == ["mute-flag"] * 2


def test_a_mute_event_that_reaches_back_over_signed_sound():
    assert Script().fragments(5).mute(3).fragments(1, flags=MUTED).codes() == ["mute-flag"]


def test_an_unmute_that_reaches_back_over_muted_sound():
    assert Script().fragments(1).mute(1).fragments(4, flags=MUTED).unmute(3).fragments(1).codes() == ["mute-flag"]


def test_muted_twice_or_unmuted_unasked():
    assert Script().mute(0).mute(0).fragments(1, flags=MUTED).codes() == ["mute-order"]
    assert Script().unmute(0).fragments(1).codes() == ["mute-order"]


@given(
    edge_ms=st.integers(-1000, 2000),
    flagged=st.booleans(),
)
@settings(max_examples=80)
def test_the_edge_of_a_mute_is_tolerated_by_a_tenth_of_a_second_and_no_more(edge_ms, flagged):
    """A mute from 3 s + edge on: is the fragment from 3 s to 4 s to be flagged?"""
    script = Script().fragments(2)
    script.mute(3 + edge_ms / 1000)
    if edge_ms <= -100:  # begins before fragment 2 ends: that one is concerned as well
        script.fragments(1, flags=MUTED)
    else:
        script.fragments(1)
    found = script.fragments(1, flags=MUTED if flagged else 0).codes()
    overlap_ms = min(1000, 1000 - edge_ms)
    if flagged:
        assert (found == []) == (overlap_ms > -100)
    else:
        assert (found == []) == (overlap_ms <= 100)


def test_pre_event_fragments_come_first_and_only_when_announced():
    pre = r.FragFlag.PRE
    assert (
        Script(pre_ms=5000).fragments(3, flags=pre, late_ns=5 * SECOND).fragments(1, late_ns=5 * SECOND).codes() == []
    )
    assert Script().fragments(1, flags=pre).codes() == ["pre-buffer"]
    assert Script(pre_ms=5000).fragments(1).fragments(1, flags=pre).codes() == ["pre-buffer"]


@pytest.mark.parametrize(("late_ms", "holds"), [(0, True), (15_000, True), (15_001, False), (3_600_000, False)])
def test_a_pre_event_fragment_is_signed_no_later_than_the_buffer_is_long(late_ms, holds):
    found = Script(pre_ms=5000).fragments(1, flags=r.FragFlag.PRE, late_ns=late_ms * MS).codes()
    assert found == ([] if holds else ["pre-buffer"])


def shifted(second, video_ms=0, audio_ms=0):
    return (
        r.TrackTime(1, second * 90_000 + video_ms * 90, 90_000),
        r.TrackTime(2, second * 48_000 + audio_ms * 48, 48_000),
    )


@pytest.mark.parametrize(
    ("video_ms", "audio_ms", "found"),
    [
        (0, 0, 0), (250, 0, 0), (251, 0, 1), (0, 50, 0), (0, 51, 1), (-250, -50, 0), (-251, 0, 1), (0, -51, 1),
        (5000, 5000, 2),
    ],
)  # fmt: skip
def test_a_hole_in_media_time_needs_an_explanation(video_ms, audio_ms, found):
    times = shifted(2, video_ms, audio_ms)
    assert Script().fragments(2).fragments(1, times=times).codes() == ["media-time-gap"] * found
    assert Script().fragments(2).fragments(1, times=times, flags=r.FragFlag.AFTER_DROP).codes() == []
    announced = Script().fragments(2)
    assert announced.event(r.EventKind.DROP, _1=announced.zero).fragments(1, times=times).codes() == []


def test_a_drop_explains_one_hole_only():
    script = Script().fragments(2)
    script.event(r.EventKind.DROP, _1=script.zero).fragments(1)
    assert script.fragments(1, times=shifted(9)).codes() == ["media-time-gap"] * 2


def test_a_drop_explains_a_hole_in_sound_that_comes_back_later_than_the_picture():
    video_only = shifted(2)[:1]
    silent = Script().fragments(2).fragments(1, times=video_only)
    assert silent.fragments(1).codes() == ["media-time-gap"]
    script = Script().fragments(2)
    script.event(r.EventKind.DROP, _1=script.zero).fragments(1, times=video_only)
    assert script.fragments(1).codes() == []


def test_a_mute_that_ends_as_the_clock_begins_mutes_nothing():
    script = Script(m0_ns=0)
    script.event(r.EventKind.MUTE_ON, _1=1, _2=0).event(r.EventKind.MUTE_OFF, _2=0)
    assert script.fragments(1).codes() == []


def test_sound_may_begin_after_a_silent_pre_event_buffer():
    video_only = (r.TrackTime(1, 0, 90_000),)
    script = Script(pre_ms=5000).fragments(1, flags=r.FragFlag.PRE, times=video_only, late_ns=SECOND)
    assert script.fragments(3, late_ns=SECOND).codes() == []


def test_the_init_unit_comes_first_and_once():
    script = Script().fragments(1)
    script.camera.add(script.builder, script.rec, 0, flags=r.FragFlag.INIT, mono_ns=script.zero + 9 * SECOND)
    assert script.codes() == ["init-order"]


def test_a_thousand_faults_are_not_a_thousand_lines():
    assert len(Script().fragments(400, flags=MUTED).codes()) <= 60


steps = st.lists(
    st.tuples(st.sampled_from(["record", "mute", "unmute", "marker", "drop", "told"]), st.integers(0, 999)), max_size=25
)


@given(steps=steps, pre=st.integers(0, 5))
@settings(max_examples=60)
def test_whatever_an_honest_camera_does_is_genuine(steps, pre):
    """A model in plain milliseconds decides the flags; the verifier must agree with it every time."""
    script = Script(pre_ms=5000 if pre else 0)
    if pre:
        script.fragments(pre, flags=r.FragFlag.PRE, late_ns=5 * SECOND)
    spans, on_ms, lost, reached_ms = [], None, False, 0
    for action, offset_ms in [*steps, ("record", 0)]:
        at_ms = max(script.second * 1000 + offset_ms, reached_ms)
        if action == "mute" and on_ms is None:
            script.mute(at_ms / 1000)
            on_ms = reached_ms = at_ms
        elif action == "unmute" and on_ms is not None:
            script.unmute(at_ms / 1000)
            spans.append((on_ms, at_ms))
            on_ms, reached_ms = None, at_ms
        elif action == "marker":
            script.event(r.EventKind.MARKER, _1=script.zero)
        elif action == "told":
            script.event(r.EventKind.PEOPLE_TOLD, _1=script.zero, _2=at_ms)
        elif action == "drop" and not lost:
            script.event(r.EventKind.DROP, _1=script.zero)
            lost = True
        elif action == "record":
            start, end = script.second * 1000, script.second * 1000 + 1000
            known = [*spans, (on_ms, end)] if on_ms is not None else spans
            muted = any(on < end and off > start for on, off in known)
            script.fragments(1, flags=MUTED if muted else 0, late_ns=5 * SECOND)
            lost = False
    assert script.codes() == []
