"""From ticks to signed fragments: encoders, ring, the file being muxed, and the draft it is written to.

Called by one thread, once a tick; deeds come between ticks and take effect at the next picture, at which a key frame is
forced. Times in events are the media clock's: the time at which that picture is due.
"""

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.counters import Counters
from openbwv.camera.disk import Disk, Reserve
from openbwv.camera.draft import Beginning, Draft
from openbwv.camera.encode import AudioEncoder, VideoEncoder
from openbwv.camera.identity import Identity
from openbwv.camera.positions import Track
from openbwv.camera.profile import VIDEO_TIMESCALE, Policy
from openbwv.camera.recorder import TRACKS, MuteSpan, Piece, Recorder
from openbwv.camera.ring import Ring
from openbwv.camera.source import Samples, Tick
from openbwv.camera.store import Store
from openbwv.camera.strip import Strip
from openbwv.camera.timing import CameraClock
from openbwv.camera.writer import Writer

FIRMWARE = hashlib.sha256(b"openbwv camera 0.1.0").digest()
Public = dict[int, Any]


class Deck:
    """The recording machinery of one camera. Deeds raise StorageTooSlow; write failures show in `writer.failure`."""

    def __init__(
        self,
        *,
        store: Store,
        identity: Identity,
        policy: Policy,
        clock: CameraClock,
        writer: Writer,
        boots: int,
        track: Track | None = None,
        disk: Disk | None = None,
        reserve: Reserve | None = None,
    ) -> None:
        self._store, self._identity, self._policy, self._clock = store, identity, policy, clock
        self._writer, self._boots, self._track = writer, boots, track
        self._disk, self._reserve = disk or Disk(), reserve
        picture = policy.picture
        self._units, self._samples = picture.units_per_frame, picture.samples_per_frame
        self._video, self._audio = VideoEncoder(picture), AudioEncoder()
        self._strip = Strip(identity.name, height=picture.height, note="TEST" if identity.is_test else "")
        self.ring = Ring(policy.pre_s)
        self._next_index = 0
        self._zero_ns = 0  # monotonic time at which picture 0 was due
        self._force_key = True
        self._recorder: Recorder | None = None
        self._draft: Draft | None = None
        self._splitting = False
        self._press_index = 0
        self._m0_ns = 0
        self.muted: r.MuteReason | None = None
        self.category = 0
        self.evidential = False
        self.folder: Path | None = None
        self.folders: list[Path] = []
        self._lost_from: int | None = None

    @property
    def recording(self) -> bool:
        """Whether a file is open."""
        return self._recorder is not None

    @property
    def busy(self) -> bool:
        """Whether a file is just being split: deeds wait for two or three pictures."""
        return self._splitting

    @property
    def on_reserve(self) -> bool:
        """Whether the disk is full and the recording must stop now."""
        return self._draft is not None and self._draft.on_reserve

    @property
    def recorded_s(self) -> float:
        """Seconds since the press of this file."""
        return (self._next_index - self._press_index) / self._policy.picture.fps if self.recording else 0.0

    def set_zero(self, mono_ns: int) -> None:
        """Say when picture 0 was due."""
        self._zero_ns = mono_ns

    def due_ns(self, index: int) -> int:
        """Return the monotonic time at which a picture is due."""
        return self._zero_ns + self._policy.picture.frame_ns(index)

    def tick(self, tick: Tick, *, microphone: bool) -> None:
        """Encode one picture and its sound. Sound counts only with an open microphone; muted or closed it is zeros."""
        index = tick.index
        self._next_index = index + 1
        if tick.frame is None:
            self._lost_from = index if self._lost_from is None else self._lost_from
        else:
            self._see_again(index)
            text = self._strip.text(self._clock.utc_ms(), muted=self.muted is not None)
            frame = self._strip.burn(tick.frame, text)
            key, self._force_key = self._force_key, False
            for packet in self._video.encode(frame, index, key=key):
                self.ring.add_video(packet)
                if self._recorder is not None:
                    self._recorder.video(packet)
        self._sound(index, tick.sound if microphone and self.muted is None else None)
        self._flush()
        if self._splitting and self._recorder is not None and self._recorder.complete:
            self._go_on_after_split()

    def _sound(self, index: int, samples: Samples | None) -> None:
        count = (index + 1) * self._samples - self._audio.fed  # less than a tick after a stop, which runs ahead
        if count > 0:
            self._heard(self._audio.silence(count) if samples is None else self._audio.encode(samples[-count:]))

    def _heard(self, packets: list[Any]) -> None:
        for packet in packets:
            self.ring.add_audio(packet)
            if self._recorder is not None:
                self._recorder.audio(packet)

    def _see_again(self, index: int) -> None:
        if self._lost_from is None:
            return
        lost_ms = (index - self._lost_from) * 1000 // self._policy.picture.fps
        self._lost_from, self._force_key = None, True
        if self._recorder is not None:
            self._recorder.marks.drop_at = index * self._units - self._recorder.zero
            self.event(r.EventKind.DROP, {1: self.due_ns(index), 2: lost_ms})

    def start(self, trigger: r.Trigger) -> Path:
        """Open a recording that begins with what the ring holds; returns its folder."""
        press = self._next_index * self._units
        with_ring = self._policy.pre_s > 0 and bool(self.ring.video)
        zero = self.ring.video[0].pts if with_ring else press
        self._press_index, self.category, self.evidential = self._next_index, 0, False
        folder = self._open(zero, press, trigger)
        self._force_key = True
        self.ring.keep_s = 0
        return folder

    def _open(self, zero: int, press: int, trigger: r.Trigger) -> Path:
        recorder = self._recorder = Recorder(self._video.stream, self._audio.stream, zero=zero)
        recorder.marks.press = press - zero
        utc_ms, mono_ns = self._clock.utc_ms(), self._clock.mono_ns()
        self._m0_ns = self._zero_ns + zero * 1_000_000_000 // VIDEO_TIMESCALE
        draft = self._draft = Draft(self._store.path, disk=self._disk, reserve=self._reserve)
        rec_id = r.new_rec_id(utc_ms, secrets.token_bytes)
        pre_ms = (press - zero) * 1000 // VIDEO_TIMESCALE
        clock_state, m0_ns = self._clock.state(), self._m0_ns
        self.folder = layout.recording_folder(self._store.path, rec_id, utc_ms)
        self.folders.append(self.folder)

        def job() -> None:
            before = self._store.counters()
            body = r.OpenBody(
                rc=before.rc + 1,
                bt=self._boots,
                clock=clock_state,
                m0_ns=m0_ns,
                tracks=TRACKS,
                trigger=trigger,
                pre_ms=pre_ms,
                previous=before.last_rec_id,
                previous_tail=before.last_tail,
                firmware=FIRMWARE,
                profile=self._identity.profile_hash,
                anchor=self._identity.anchor,
                assignment=self._identity.assignment.pseudonym if self._identity.assignment else None,
            )
            try:
                draft.open(Beginning(rec_id, utc_ms, body), self._identity, mono_ns=mono_ns)
            finally:  # a number is used up by a signed OPEN, not by a try: a hole would look like a removed recording
                if draft.open_is_written:
                    self._store.count(Counters(before.boots, before.rc + 1, before.last_rec_id, before.last_tail))

        self._writer.do(job)
        for packet in self.ring.video:
            recorder.video(packet)
        for packet in self.ring.audio:
            recorder.audio(packet)
        if self.muted is not None:  # a split inside a mute: the new file says so from its start
            self._mute_event(self._m0_ns, 0)
        self._flush()
        return self.folder

    def stop(self, why: r.CloseReason) -> None:
        """Close the recording at the next picture's time; CLOSE is queued behind the last fragment."""
        recorder = self._need()
        recorder.end_at(self._next_index * self._units)
        while not recorder.complete:  # the encoder is a packet or two behind; silence pushes the last sound out
            self._heard(self._audio.silence(self._samples))
        self._finish(why)
        self.ring.drop_before(self._next_index * self._units)  # the next pre-event must not hold this recording
        self.ring.keep_s = self._policy.pre_s
        self._force_key, self.muted, self.folder = True, None, None

    def _finish(self, why: r.CloseReason) -> None:
        recorder, draft = self._need(), self._draft
        recorder.close()
        self._flush()
        self._recorder = None
        mono_ns = self._clock.mono_ns()

        def job() -> None:
            if draft is not None:
                tail = draft.close(why, mono_ns=mono_ns)
                before = self._store.counters()
                self._store.count(Counters(before.boots, before.rc, draft.rec_id, tail))

        self._writer.do(job)

    def split(self) -> None:
        """End this file at the next picture and begin another there, without a gap."""
        self._need().end_at(self._next_index * self._units)
        self._force_key = self._splitting = True

    def _go_on_after_split(self) -> None:
        zero = self.ring.video[0].pts
        self._finish(r.CloseReason.SPLIT)
        self._splitting = False
        self._press_index = zero // self._units
        self._open(zero, zero, r.Trigger.SPLIT)

    def abandon(self) -> None:
        """Give the open file up after a failure; recovery closes what is on the medium."""
        if self._recorder is not None:
            self._recorder.close()
        self._recorder, self._splitting, self.muted, self.folder = None, False, None, None
        if self._draft is not None:
            self._draft.release()
            self._draft = None
        self.ring.drop_before(self._next_index * self._units)
        self.ring.keep_s, self._force_key = self._policy.pre_s, True

    def mute(self, reason: r.MuteReason) -> None:
        """Zero the sound from the next picture on; the event is signed before any fragment that it concerns."""
        self.muted = reason
        self._mute_event(self.due_ns(self._next_index), self._next_index * self._samples - self._need().zero_sample)
        self._force_key = True

    def _mute_event(self, instant_ns: int, sample: int) -> None:
        self._need().marks.mutes.append(MuteSpan(sample))
        self.event(r.EventKind.MUTE_ON, {1: int(self.muted or r.MuteReason.OTHER), 2: instant_ns})

    def unmute(self) -> None:
        """Let sound in again from the next picture on."""
        recorder = self._need()
        self.muted, self._force_key = None, True
        recorder.marks.mutes[-1].end = self._next_index * self._samples - recorder.zero_sample
        self.event(r.EventKind.MUTE_OFF, {2: self.due_ns(self._next_index)})

    def marker(self) -> None:
        """Mark this moment."""
        self._force_key = True
        self.event(r.EventKind.MARKER, {1: self.due_ns(self._next_index)})

    def told(self) -> None:
        """Say that people have been told, with the milliseconds since the press."""
        self.event(r.EventKind.PEOPLE_TOLD, {1: self.due_ns(self._next_index), 2: round(self.recorded_s * 1000)})

    def label(self, *, category: int | None = None, evidential: bool | None = None) -> None:
        """Give the recording a category, an evidential flag, or both."""
        self.category = self.category if category is None else category
        self.evidential = self.evidential if evidential is None else evidential
        self.event(r.EventKind.CATEGORY, {1: self.category, 2: self.evidential})

    def event(self, kind: r.EventKind, public: Public) -> None:
        """Queue any event of this recording."""
        self._need()
        draft, mono_ns = self._draft, self._clock.mono_ns()
        if draft is not None:
            self._writer.do(lambda: draft.event(kind, mono_ns=mono_ns, public=public))

    def _flush(self) -> None:
        recorder, draft = self._recorder, self._draft
        if recorder is None or draft is None:
            return
        for piece in recorder.pieces():
            mono_ns, meta = self._clock.mono_ns(), self._positions(piece.start, piece.end)
            self._writer.do(_fragment_job(draft, piece, mono_ns, meta))

    def _positions(self, start: int, end: int) -> dict[int, Any] | None:
        if self._track is None or end <= start:
            return None
        from_ms, to_ms = (
            (self._m0_ns - self._zero_ns) // 1_000_000 + at * 1000 // VIDEO_TIMESCALE for at in (start, end)
        )
        points = [
            [point.at_ms - from_ms + start * 1000 // VIDEO_TIMESCALE, point.lat_e7, point.lon_e7]
            for point in self._track.between(from_ms, to_ms)
        ]
        return {1: points} if points else None

    def _need(self) -> Recorder:
        if self._recorder is None:
            raise r.OrderError("Nothing is being recorded.")
        return self._recorder


def _fragment_job(draft: Draft, piece: Piece, mono_ns: int, meta: dict[int, Any] | None) -> Callable[[], None]:
    return lambda: draft.fragment(piece.data, mono_ns=mono_ns, times=piece.times, flags=piece.flags, meta=meta)
