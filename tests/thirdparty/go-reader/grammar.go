package main

// recording-format.cddl, as far as the entries of a recording go.

type check func(any) bool

type field struct {
	key      int64
	optional bool
	fits     check
}

func must(key int64, fits check) field { return field{key, false, fits} }
func may(key int64, fits check) field  { return field{key, true, fits} }

// record is a map of these fields; others are ignored from 64 up and refused below.
func record(fields ...field) check {
	return func(value any) bool {
		found, ok := value.(dict)
		if !ok {
			return false
		}
		known := map[any]bool{}
		for _, one := range fields {
			known[one.key] = true
			content, there := found[one.key]
			if there && !one.fits(content) || !there && !one.optional {
				return false
			}
		}
		for key := range found {
			if _, text := key.(string); text {
				return false
			}
			if number, ok := key.(int64); ok && number < 64 && !known[key] {
				return false
			}
		}
		return true
	}
}

func tuple(fits ...check) check {
	return func(value any) bool {
		list, ok := value.([]any)
		if !ok || len(list) != len(fits) {
			return false
		}
		for index, one := range fits {
			if !one(list[index]) {
				return false
			}
		}
		return true
	}
}

func listOf(fits check, least, most int) check {
	return func(value any) bool {
		list, ok := value.([]any)
		if !ok || len(list) < least || len(list) > most {
			return false
		}
		for _, one := range list {
			if !fits(one) {
				return false
			}
		}
		return true
	}
}

func between(low, high int64) check {
	return func(value any) bool { number, ok := value.(int64); return ok && low <= number && number <= high }
}

func size(sizes ...int) check {
	return func(value any) bool {
		content, ok := value.([]byte)
		for _, one := range sizes {
			if ok && len(content) == one {
				return true
			}
		}
		return false
	}
}

func either(some ...check) check {
	return func(value any) bool {
		for _, one := range some {
			if one(value) {
				return true
			}
		}
		return false
	}
}

func equals(wanted any) check { return func(value any) bool { return value == wanted } }
func anyBytes(value any) bool { _, ok := value.([]byte); return ok }
func anyText(value any) bool  { _, ok := value.(string); return ok }
func truth(value any) bool    { _, ok := value.(bool); return ok }
func whatever(value any) bool { return true }
func emptyMap(value any) bool { found, ok := value.(dict); return ok && len(found) == 0 }
func intKeyed(value any) bool {
	found, ok := value.(dict)
	for key := range found {
		if _, text := key.(string); text {
			return false
		}
	}
	return ok
}

const (
	typeOpen, typeFrag, typeEvent, typeClose = 0, 1, 2, 3
	most                                     = 1<<63 - 1
)

var (
	u63      = between(0, most)
	sha      = size(32)
	id16     = size(16)
	header   = record(must(1, equals(int64(-7))), must(4, sha), must(16, equals("application/vnd.openbwv.entry+cbor")))
	chained  = record(must(33, listOf(anyBytes, 2, 6)))
	source   = between(0, 4)
	category = either(between(0, 10), between(32, 37), between(64, most))
	clock    = record(must(1, u63), must(2, u63), must(3, source), must(4, u63))
	track    = tuple(u63, between(1, 2), equals(int64(1)), either(equals(int64(1)), equals(int64(16))), between(1, 1<<32))
	payload  = record(must(1, between(0, 3)), must(2, id16), must(3, u63), must(4, sha), must(5, u63), must(6, whatever))
)

var bodies = map[int64]check{
	typeOpen: record(must(1, equals(int64(1))), must(2, equals(int64(1))), must(3, sha), must(4, sha), must(5, u63),
		may(6, id16), may(7, sha), must(8, u63), must(9, sha), must(10, sha),
		may(11, tuple(anyText, u63, sha, size(0, 32))), must(12, clock), must(13, u63), must(14, between(1, 5)),
		must(15, u63), must(16, listOf(track, 1, most)), may(17, id16)),
	typeFrag: record(must(1, between(17, 16<<20+16)), must(2, sha), must(3, sha),
		must(4, listOf(tuple(u63, u63, u63), 0, most)), must(5, between(0, 15)), may(6, anyBytes)),
	typeEvent: record(must(1, either(between(1, 14), between(32, 41), between(64, most))), may(2, intKeyed), may(3, anyBytes)),
	typeClose: record(must(1, between(1, 10)), must(2, u63), must(3, listOf(tuple(u63, u63), 0, most)), may(4, u63)),
}

// The public parts of the events that a recording takes; those from 32 to 41 are the journal's.
var publics = map[int64]check{
	1:  record(must(1, either(between(1, 5), between(15, 15))), must(2, u63)),
	2:  record(must(2, u63)),
	3:  record(must(1, u63), must(2, u63), must(3, u63), must(4, source), must(5, u63)),
	4:  record(must(1, u63)),
	5:  record(must(1, category), must(2, truth)),
	6:  record(must(1, u63), must(2, u63)),
	7:  record(must(1, u63)),
	8:  record(must(1, u63), may(2, u63)),
	9:  record(must(1, u63), may(2, between(-most-1, most))),
	10: record(must(1, u63), may(2, u63)),
	11: record(must(1, u63)),
	12: record(must(1, u63)),
	13: record(must(1, truth)),
	14: record(must(1, sha)),
}

// fits says whether a body is what its type demands, with the page's rules that the grammar cannot say.
func fits(kind int64, body any) bool {
	if !bodies[kind](body) {
		return false
	}
	found := body.(dict)
	switch kind {
	case typeOpen:
		_, before := found[int64(6)]
		_, tail := found[int64(7)]
		return before == tail && distinct(found.list(16))
	case typeFrag:
		return (found.int(5)&flagInit != 0) == (len(found.list(4)) == 0) && distinct(found.list(4))
	case typeEvent:
		public, there := found[int64(2)]
		if !there {
			public = dict{}
		}
		if found.int(1) >= 64 {
			return true
		}
		known := publics[found.int(1)]
		return known != nil && known(public)
	case typeClose:
		_, starts := found[int64(4)]
		return starts == (found.int(1) == 6)
	}
	return true
}

// distinct says whether the first members of these rows differ.
func distinct(rows []any) bool {
	seen := map[any]bool{}
	for _, row := range rows {
		id := row.([]any)[0]
		if seen[id] {
			return false
		}
		seen[id] = true
	}
	return true
}

// What a checked map holds under a key.
func (d dict) int(key int64) int64    { return d[key].(int64) }
func (d dict) bytes(key int64) []byte { return d[key].([]byte) }
func (d dict) list(key int64) []any   { return d[key].([]any) }
func (d dict) dict(key int64) dict    { return d[key].(dict) }
