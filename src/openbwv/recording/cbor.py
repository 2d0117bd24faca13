"""Deterministic CBOR, the small part of it that the recording format uses.

Rule: shortest heads, definite lengths, map keys sorted by their encoded bytes and unique; one kind of key in a map,
non-negative integers or text; values are 64-bit integers, byte strings, text, arrays, maps, true, false and null.
Source: RFC 8949, section 4.2.1. No floats and no tags, so no decoder hook ever runs on hostile bytes; that, and that
general decoders accept over-long heads and doubled keys, is why this is not a wrapper round one of them.
Proves: a value has exactly one spelling. The tests hold it against cbor2 in both directions.
"""

from collections.abc import Iterator
from typing import Any

from openbwv.recording.problems import FormatError, NotDeterministic, Truncated

MAX_DEPTH = 12
UINT, NINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
SIMPLE_VALUES = {20: False, 21: True, 22: None}
SHORT_HEADS = [bytes((byte,)) for byte in range(256)]


class NotEncodable(FormatError):
    """A value that the recording format has no spelling for."""

    code = "not-encodable"
    default_remedy = "Use integers, bytes, text, lists, maps, booleans or null; no floats."


def head(major: int, number: int) -> bytes:
    """Return the shortest head of `major` type with this argument (RFC 8949 section 3)."""
    if number < 24:
        return SHORT_HEADS[major << 5 | number]
    if number < 1 << 8:
        return bytes((major << 5 | 24, number))
    for code, width in ((25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * width:
            return SHORT_HEADS[major << 5 | code] + number.to_bytes(width, "big")
    raise NotEncodable(f"The integer {number} needs more than 64 bits.")


def encode(value: Any) -> bytes:
    """Return the one deterministic spelling of `value`; raises NotEncodable."""
    out = bytearray()
    _encode(value, out, 0)
    return bytes(out)


def _encode(value: Any, out: bytearray, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotEncodable(f"The value is nested deeper than {MAX_DEPTH} levels.")
    kind = type(value)
    if kind is int and 0 <= value < 24:  # the two most frequent kinds first
        out.append(value)
    elif kind is bytes:
        out += head(BYTES, len(value))
        out += value
    elif value is None or isinstance(value, bool):
        out += b"\xf6" if value is None else b"\xf5" if value else b"\xf4"
    elif isinstance(value, int):
        out += head(UINT, value) if value >= 0 else head(NINT, -1 - value)
    elif isinstance(value, bytes | bytearray | memoryview):
        out += head(BYTES, len(value)) + value
    elif isinstance(value, str):
        try:
            text = value.encode()
        except UnicodeEncodeError as error:
            raise NotEncodable("The text holds a lone surrogate, which UTF-8 cannot spell.") from error
        out += head(TEXT, len(text)) + text
    elif isinstance(value, list | tuple):
        out += head(ARRAY, len(value))
        for item in value:
            _encode(item, out, depth + 1)
    elif isinstance(value, dict):
        _encode_map(value, out, depth)
    else:
        raise NotEncodable(f"There is no spelling for a {type(value).__name__}.")


def _encode_map(value: dict[Any, Any], out: bytearray, depth: int) -> None:
    integers = all(isinstance(key, int) and not isinstance(key, bool) and key >= 0 for key in value)
    if not integers and not all(isinstance(key, str) for key in value):
        raise NotEncodable("A map needs keys of one kind: non-negative integers, or text.")
    out += head(MAP, len(value))
    if integers:  # shortest heads sort as their numbers do
        for number in sorted(value):
            out += head(UINT, number)
            _encode(value[number], out, depth + 1)
        return
    for key, item in sorted(((encode(key), item) for key, item in value.items()), key=lambda pair: pair[0]):
        out += key
        _encode(item, out, depth + 1)


def decode(data: bytes | bytearray | memoryview) -> Any:
    """Return the one value in `data`; raises Truncated, NotDeterministic or FormatError, also on bytes left over."""
    value, end = decode_at(data, 0)
    if end != len(data):
        raise FormatError(f"{len(data) - end} bytes follow the CBOR item.")
    return value


def decode_sequence(data: bytes | bytearray | memoryview) -> Iterator[Any]:
    """Yield the values of a CBOR sequence (RFC 8742); raises as `decode` does."""
    position = 0
    while position < len(data):
        value, position = decode_at(data, position)
        yield value


def decode_at(data: bytes | bytearray | memoryview, position: int, depth: int = 0) -> tuple[Any, int]:
    """Return (value, end) of the item at `position`; raises Truncated where the bytes stop too early."""
    if depth > MAX_DEPTH:
        raise FormatError(f"The CBOR item is nested deeper than {MAX_DEPTH} levels.")
    major, number, position = read_head(data, position)
    if major == UINT:
        return number, position
    if major == NINT:
        return -1 - number, position
    if major in (BYTES, TEXT):
        end = position + number
        if end > len(data):
            raise Truncated("The bytes stop inside a CBOR string.")
        piece = bytes(data[position:end])
        return (piece if major == BYTES else _text(piece)), end
    if major == ARRAY:
        items = []
        for _ in range(number):
            item, position = decode_at(data, position, depth + 1)
            items.append(item)
        return items, position
    if major == MAP:
        return _decode_map(data, position, number, depth)
    if major == SIMPLE and number in SIMPLE_VALUES:
        return SIMPLE_VALUES[number], position
    raise FormatError("The CBOR item holds a tag, float or simple value that the format does not use.")


def read_head(data: bytes | bytearray | memoryview, position: int) -> tuple[int, int, int]:
    """Return (major type, argument, end) of the head at `position`; only the shortest spelling is accepted."""
    if position >= len(data):
        raise Truncated("The bytes stop before a CBOR item.")
    first = data[position]
    major, low = first >> 5, first & 31
    position += 1
    if low < 24:
        return major, low, position
    if low == 31:
        raise NotDeterministic("A CBOR item has an indefinite length.")
    if low > 27:
        raise FormatError("A CBOR head uses a reserved value.")
    width = 1 << (low - 24)
    if position + width > len(data):
        raise Truncated("The bytes stop inside a CBOR head.")
    if major == SIMPLE:
        raise FormatError("The format uses no floats and no other simple values.")
    number = int.from_bytes(data[position : position + width], "big")
    if number < (24 if width == 1 else 1 << 4 * width):
        raise NotDeterministic("A CBOR integer or length is spelled longer than it need be.")
    return major, number, position + width


def _text(piece: bytes) -> str:
    try:
        return piece.decode()
    except UnicodeDecodeError as error:
        raise FormatError("A CBOR text is not UTF-8.") from error


def _decode_map(data: bytes | bytearray | memoryview, position: int, count: int, depth: int) -> tuple[Any, int]:
    values: dict[Any, Any] = {}
    last_key, kind = b"", None
    for _ in range(count):
        start = position
        key, position = decode_at(data, position, depth + 1)
        if isinstance(key, bool) or not isinstance(key, int | str) or (isinstance(key, int) and key < 0):
            raise FormatError("A CBOR map has a key that is neither a non-negative integer nor text.")
        if kind is not None and type(key) is not kind:
            raise FormatError("A CBOR map mixes integer and text keys.")
        spelled = bytes(data[start:position])
        if kind is not None and spelled <= last_key:
            raise NotDeterministic("The keys of a CBOR map are doubled or out of order.")
        last_key, kind = spelled, type(key)
        values[key], position = decode_at(data, position, depth + 1)
    return values, position
