"""Reading a decoded map field by field, strictly.

Rule: a known key has one type and range; an unknown key below 64 is refused, one from 64 up is kept and ignored, so
that a later version can add facts without an older reader misunderstanding them (docs/ref/recording-format.md).
"""

from enum import IntEnum
from typing import Any, TypeGuard, TypeVar

from openbwv.recording import cbor
from openbwv.recording.problems import FormatError, Truncated
from openbwv.recording.registry import FIRST_PRIVATE

CodeT = TypeVar("CodeT", bound=IntEnum)
MAX_UINT = 2**63 - 1


def decode_inner(data: bytes, where: str) -> Any:
    """Decode a whole byte string that is itself CBOR; a cut inside it is damage, not an incomplete file."""
    try:
        return cbor.decode(data)
    except Truncated as error:
        raise FormatError(f"The {where} is cut short.") from error


def is_u63(value: object) -> TypeGuard[int]:
    """Say whether a decoded value is a non-negative integer below 2^63; true and false are none."""
    return type(value) is int and 0 <= value <= MAX_UINT


class Fields:
    """One integer-keyed map under examination. `where` names it in errors."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict) or any(not isinstance(key, int) for key in value):
            raise FormatError(f"The {where} is not a map with integer keys.")
        self._values: dict[int, Any] = value
        self._where = where
        self._seen: set[int] = set()

    def _bad(self, key: int, wanted: str) -> FormatError:
        return FormatError(f"The {self._where} needs {wanted} under key {key}.")

    def has(self, key: int) -> bool:
        """Say whether an optional key is there."""
        return key in self._values

    def value(self, key: int) -> Any:
        """Return the value under `key`, whatever it is; raises FormatError where it is missing."""
        self._seen.add(key)
        if key not in self._values:
            raise self._bad(key, "a value")
        return self._values[key]

    def uint(self, key: int, default: int | None = None) -> int:
        """Return a non-negative integer below 2^63."""
        if default is not None and key not in self._values:
            return default
        value = self.value(key)
        if not is_u63(value):
            raise self._bad(key, "a non-negative integer below 2^63")
        return value

    def code(self, key: int, codes: type[CodeT]) -> CodeT:
        """Return a code of a registry."""
        value = self.uint(key)
        try:
            return codes(value)
        except ValueError:
            raise self._bad(key, f"a known {codes.__name__} code, not {value},") from None

    def octets(self, key: int, length: int | None = None) -> bytes:
        """Return a byte string, of exactly `length` bytes where given."""
        value = self.value(key)
        if not isinstance(value, bytes) or (length is not None and len(value) != length):
            raise self._bad(key, "a byte string" + (f" of {length} bytes" if length is not None else ""))
        return value

    def optional_octets(self, key: int, length: int | None = None) -> bytes | None:
        """Return a byte string, or None where the key is absent."""
        return self.octets(key, length) if key in self._values else None

    def text(self, key: int) -> str:
        """Return a text."""
        value = self.value(key)
        if not isinstance(value, str):
            raise self._bad(key, "a text")
        return value

    def flag(self, key: int) -> bool:
        """Return true or false."""
        value = self.value(key)
        if not isinstance(value, bool):
            raise self._bad(key, "true or false")
        return value

    def array(self, key: int) -> list[Any]:
        """Return an array."""
        value = self.value(key)
        if not isinstance(value, list):
            raise self._bad(key, "an array")
        return value

    def table(self, key: int) -> dict[int, Any]:
        """Return an integer-keyed map, unexamined."""
        value = self.value(key)
        if not isinstance(value, dict) or any(not isinstance(name, int) for name in value):
            raise self._bad(key, "a map with integer keys")
        return value

    def rows(self, key: int, width: int) -> list[tuple[int, ...]]:
        """Return an array of rows of `width` non-negative integers."""
        rows = []
        for row in self.array(key):
            whole = isinstance(row, list) and len(row) == width
            if not whole or not all(is_u63(n) for n in row):
                raise self._bad(key, f"rows of {width} non-negative integers")
            rows.append(tuple(row))
        return rows

    def done(self) -> None:
        """Refuse keys below 64 that nobody asked for."""
        for key in self._values:
            if key not in self._seen and key < FIRST_PRIVATE:
                raise FormatError(f"The {self._where} has the unknown key {key}.")
