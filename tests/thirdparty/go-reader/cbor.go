package main

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// The deterministic CBOR of the page: RFC 8949 section 4.2.1 with fewer types. A value is one of int64, large, []byte,
// string, []any, dict, bool or nil.
type (
	dict  map[any]any // keys: int64 or large, not negative, or all string
	large struct {    // an integer beyond int64: only a maker's own keys may hold one
		negative bool
		argument uint64
	}
)

const mostDepth = 12

var (
	errTruncated = errors.New("bytes stop inside an item")
	errSpelling  = errors.New("not deterministic CBOR")
	errType      = errors.New("a type, a key or a depth that the format does not have")
)

// head reads the first byte and its argument, which must be in its shortest form.
func head(b []byte) (major byte, argument uint64, rest []byte, err error) {
	if len(b) == 0 {
		return 0, 0, nil, errTruncated
	}
	major, short, rest := b[0]>>5, b[0]&31, b[1:]
	if short < 24 {
		return major, uint64(short), rest, nil
	}
	if major == 7 {
		return 0, 0, nil, errType // floats, and simple values of two bytes
	}
	if short > 27 {
		return 0, 0, nil, errSpelling // an indefinite length, or reserved
	}
	width := 1 << (short - 24)
	if len(rest) < width {
		return 0, 0, nil, errTruncated
	}
	for _, digit := range rest[:width] {
		argument = argument<<8 | uint64(digit)
	}
	least := map[int]uint64{1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[width]
	if argument < least {
		return 0, 0, nil, errSpelling
	}
	return major, argument, rest[width:], nil
}

// item reads one value that lies `depth` levels deep, and returns what follows it. Tags are not its business.
func item(b []byte, depth int) (any, []byte, error) {
	major, argument, rest, err := head(b)
	if err != nil {
		return nil, nil, err
	}
	if depth > mostDepth {
		return nil, nil, errType
	}
	switch {
	case major < 2 && argument > most:
		return large{major == 1, argument}, rest, nil
	case major == 0:
		return int64(argument), rest, nil
	case major == 1:
		return -1 - int64(argument), rest, nil
	case major < 4 && uint64(len(rest)) < argument:
		return nil, nil, errTruncated
	case major == 2: // copied: the caller reads on into the same window
		return append([]byte{}, rest[:argument]...), rest[argument:], nil
	case major == 3 && utf8.Valid(rest[:argument]):
		return string(rest[:argument]), rest[argument:], nil
	case major == 4:
		return items(argument, rest, depth+1)
	case major == 5:
		return pairs(argument, rest, depth+1)
	case major == 7 && (argument == 20 || argument == 21):
		return argument == 21, rest, nil
	case major == 7 && argument == 22:
		return nil, rest, nil
	}
	return nil, nil, errType
}

func items(count uint64, rest []byte, depth int) (any, []byte, error) {
	list := []any{}
	for ; count > 0; count-- {
		value, after, err := item(rest, depth)
		if err != nil {
			return nil, nil, err
		}
		list, rest = append(list, value), after
	}
	return list, rest, nil
}

func pairs(count uint64, rest []byte, depth int) (any, []byte, error) {
	found, texts, last := dict{}, 0, []byte(nil)
	for ; count > 0; count-- {
		key, after, err := item(rest, depth)
		if err != nil {
			return nil, nil, err
		}
		switch number := key.(type) {
		case string:
			texts++
		case int64:
			if number < 0 {
				return nil, nil, errType
			}
		case large:
			if number.negative {
				return nil, nil, errType
			}
		default:
			return nil, nil, errType
		}
		spelled := rest[:len(rest)-len(after)]
		if last != nil && bytes.Compare(last, spelled) >= 0 {
			return nil, nil, errSpelling // out of order, or twice
		}
		last = spelled
		if found[key], rest, err = item(after, depth); err != nil {
			return nil, nil, err
		}
	}
	if texts != 0 && texts != len(found) {
		return nil, nil, errType
	}
	return found, rest, nil
}

// whole reads bytes that are one value and nothing else.
func whole(b []byte) (any, error) {
	value, rest, err := item(b, 0)
	if err == nil && len(rest) != 0 {
		err = errors.New("bytes after the item")
	}
	return value, err
}

// encoded is a byte string with its head.
func encoded(content []byte) []byte {
	size, start := len(content), []byte(nil)
	switch {
	case size < 24:
		start = []byte{0x40 | byte(size)}
	case size < 1<<8:
		start = []byte{0x58, byte(size)}
	case size < 1<<16:
		start = []byte{0x59, byte(size >> 8), byte(size)}
	default:
		start = []byte{0x5a, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}
	}
	return append(start, content...)
}
