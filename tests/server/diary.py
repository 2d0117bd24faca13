"""A camera's journal, written as the camera writes it, at times of the test's choosing."""

from datetime import UTC, datetime, timedelta

from openbwv import recording as r
from openbwv.recording.events import CLOCK_KEY

SECOND_NS = 1_000_000_000
HEARTBEAT = timedelta(seconds=30)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ms(moment):
    return (moment - EPOCH) // timedelta(milliseconds=1)


class Diary:
    """`entries` grows; `is_set` says whether the camera's clock is set. `signer` and `chain` are the camera's."""

    def __init__(self, camera, journal_id=b"j" * 16, *, starts=0, previous=None):
        self.builder = r.JournalBuilder(chain_id=journal_id, signer=camera.signer, chain=camera.chain)
        self.entries, self.starts, self.previous = [], starts, previous
        self.is_set, self.shift = True, timedelta(0)
        self.began = None

    @property
    def position(self):
        return self.builder.rec_id, self.builder.next_seq, self.builder.tail

    def mono_ns(self, at):
        return SECOND_NS + (at - self.began) // timedelta(microseconds=1) * 1000

    def boot(self, at, *, skip=0):
        """The camera starts; `skip` starts before it are not in the journal."""
        self.starts += 1 + skip
        self.began = at
        if not self.entries:
            body = r.JournalBody(bt=self.starts)
            if self.previous is not None:
                body = r.JournalBody(bt=self.starts, previous=self.previous[0], previous_tail=self.previous[1])
            self.entries.append(self.builder.open(body, mono_ns=1))
        return self.say(at, r.EventKind.BOOT, {1: self.starts})

    def say(self, at, kind, public=None, *, clock=True):
        public = dict(public or {})
        if clock:
            source = r.ClockSource.DOCK if self.is_set else r.ClockSource.NONE
            public[CLOCK_KEY] = r.ClockState(ms(at + self.shift), 40, source, 0).to_row()
        self.entries.append(self.builder.event(kind, mono_ns=self.mono_ns(at), public=public))
        return self

    def mode(self, at, mode, reason=None):
        return self.say(at, r.EventKind.POWER, {1: int(mode)} | ({2: int(reason)} if reason else {}))

    def stand_by(self, since, until):
        """Standing by, a heartbeat each half minute."""
        self.mode(since, r.CameraMode.STANDBY)
        while (since := since + HEARTBEAT) <= until:
            self.say(since, r.EventKind.HEARTBEAT, {1: int(r.CameraMode.STANDBY)})
        return self

    def dock(self, at):
        return self.mode(at, r.CameraMode.DOCKED, r.PowerReason.DOCK)

    def off(self, at, reason=r.PowerReason.BY_HAND):
        return self.mode(at, r.CameraMode.OFF, reason)

    def sync(self, at, wrong_by):
        """A dock sets the clock, which was `wrong_by` behind or never set; from then on it is right."""
        old, self.shift = at + self.shift, timedelta(0)
        public = {1: self.mono_ns(at), 2: max(0, ms(old - wrong_by)), 3: ms(at), 4: 1, 5: 30}
        self.is_set = True
        return self.say(at, r.EventKind.CLOCK_SYNC, public, clock=False)

    def statement(self, at, next_rc, **changes):
        """What the camera signs of its counters at this moment."""
        journal_id, next_seq, tail = self.position
        values = {
            "starts": self.starts,
            "next_rc": next_rc,
            "clock": r.ClockState(ms(at), 40, r.ClockSource.DOCK, ms(at)),
            "journal_id": journal_id,
            "journal_next_seq": next_seq,
            "journal_tail": tail,
        }
        return r.CountStatement(**(values | changes))


def index(row, diary, clock, first=0):
    """Take a diary's entries from `first` on into the index of a camera's row, as the door does."""
    from openbwv.server.ingest.journal_index import index_entries

    entries = r.JournalReader().feed(b"".join(diary.entries))
    index_entries(row, entries[first:], clock)
    row.journal_id, row.journal_next_seq, row.journal_tail = diary.position
    row.save()
