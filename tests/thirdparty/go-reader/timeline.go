package main

import "errors"

// The rules of the timeline. Times are nanoseconds of the camera's monotonic clock.

const (
	flagPre, flagMuted, flagInit, flagAfterDrop = 1, 2, 4, 8
	eventMuteOn, eventMuteOff, eventDrop        = 1, 2, 8
	audio                                       = 2
	ms                                          = 1_000_000
	edge, pictureGap, soundGap, slack           = 100 * ms, 250 * ms, 50 * ms, 10_000 * ms
)

type (
	span     struct{ from, to int64 }
	timeline struct {
		open      dict
		tracks    map[int64][]any
		ends      map[int64]int64 // where each track's last fragment ended, in its units
		joins     map[int64]int64 // the same in ns, forgotten at a DROP
		fragments int64
		live      bool // a fragment without PRE was there
		mutes     []span
		muted     bool
		heard     int64 // where the sound of the last fragment ended
	}
)

func newTimeline(open dict) *timeline {
	tracks := map[int64][]any{}
	for _, row := range open.list(16) {
		tracks[row.([]any)[0].(int64)] = row.([]any)
	}
	return &timeline{open: open, tracks: tracks, ends: map[int64]int64{}, joins: map[int64]int64{}}
}

// at is m0 + units in ns, rounded down, and false from 2^63 on.
func (t *timeline) at(units, scale int64) (int64, bool) {
	seconds, rest, start := units/scale, units%scale*1_000_000_000/scale, t.open.int(13)
	if seconds > most/1_000_000_000-1 || start > most-seconds*1_000_000_000-rest {
		return 0, false
	}
	return start + seconds*1_000_000_000 + rest, true
}

func (t *timeline) fragment(body dict, mono int64) error {
	flags := body.int(5)
	t.fragments++
	if (t.fragments == 1) != (flags&flagInit != 0) {
		return errors.New("init unit: not first, or not once")
	}
	if flags&flagInit != 0 {
		return nil
	}
	var spans, sounds []span
	last := int64(0)
	for _, cell := range body.list(4) {
		row := cell.([]any)
		id, begin, length := row[0].(int64), row[1].(int64), row[2].(int64)
		track, known := t.tracks[id]
		if !known || length > most-begin {
			return errors.New("a track that OPEN does not have, or a time that is none")
		}
		from, _ := t.at(begin, track[4].(int64))
		to, fits := t.at(begin+length, track[4].(int64))
		if !fits {
			return errors.New("a time that is none")
		}
		gap := int64(pictureGap)
		if track[1] == int64(audio) {
			gap, sounds = soundGap, append(sounds, span{from, to})
		}
		if join, there := t.joins[id]; there && flags&flagAfterDrop == 0 && (from-join > gap || join-from > gap) {
			return errors.New("a hole in media time")
		}
		t.ends[id], t.joins[id], spans = begin+length, to, append(spans, span{from, to})
		if to > last {
			last = to
		}
	}
	if flags&flagPre == 0 {
		t.live = true
	} else if pre := t.open.int(15); pre == 0 || t.live || mono-last > slack && (mono-last-slack-1)/ms >= pre {
		return errors.New("a pre-event fragment where none can be, or signed too late")
	}
	if len(sounds) == 0 {
		sounds = spans
	}
	return t.mute(sounds[0], flags&flagMuted != 0)
}

// mute compares a fragment's sound, or its picture, with the spans signed so far.
func (t *timeline) mute(heard span, flagged bool) error {
	t.heard = heard.to
	overlap, near := int64(0), false
	for _, silent := range t.mutes {
		if silent.from < heard.to+edge && silent.to > heard.from-edge {
			near = true
		}
		begin, end := heard.from, heard.to
		if silent.from > begin {
			begin = silent.from
		}
		if silent.to < end {
			end = silent.to
		}
		if end > begin {
			overlap += end - begin
		}
	}
	if flagged && !near || !flagged && overlap > edge {
		return errors.New("mute flags and mute events disagree")
	}
	return nil
}

func (t *timeline) event(body dict) error {
	kind := body.int(1)
	if kind == eventDrop {
		t.joins = map[int64]int64{}
	}
	if kind != eventMuteOn && kind != eventMuteOff {
		return nil
	}
	instant := body.dict(2).int(2)
	switch {
	case t.muted == (kind == eventMuteOn):
		return errors.New("muted twice, or unmuted unasked")
	case instant < t.heard-edge:
		return errors.New("a mute event reaches back over a fragment before it")
	case kind == eventMuteOn:
		t.mutes = append(t.mutes, span{instant, most})
	default:
		t.mutes[len(t.mutes)-1].to = instant
	}
	t.muted = !t.muted
	return nil
}

// counts compares CLOSE with what was there.
func (t *timeline) counts(body dict) error {
	wrong := errors.New("CLOSE counts something else")
	rows := body.list(3)
	if body.int(2) != t.fragments || len(rows) != len(t.ends) {
		return wrong
	}
	before := int64(-1)
	for _, row := range rows {
		cells := row.([]any)
		id := cells[0].(int64)
		if end, there := t.ends[id]; !there || end != cells[1].(int64) || id <= before {
			return wrong
		}
		before = id
	}
	return nil
}
