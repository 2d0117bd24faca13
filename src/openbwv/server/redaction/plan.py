"""What a release copy shows: the stretch that leaves, where the picture is covered, where the sound is taken out.

The plan is data and the copy is derived from it, so a second person can check the one and make the other again.
Times are milliseconds on the recording's media time line (its first picture is 0), half-open: a span holds its start
and not its end. No Django, no clock, no disk here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openbwv.recording.errors import BwvError

MOST_SPANS = 1000


class BadPlan(BwvError):
    """A redaction plan cannot be carried out as it stands."""

    code = "bad-redaction-plan"
    http_status = 400


@dataclass(frozen=True, order=True)
class Span:
    """From `from_ms` up to, and not including, `to_ms`."""

    from_ms: int
    to_ms: int

    def holds(self, at_ms: float) -> bool:
        """Say whether a moment is inside."""
        return self.from_ms <= at_ms < self.to_ms


@dataclass(frozen=True)
class Plan:
    """One copy. `fill` covers the whole picture, `silence` makes exact zeros, `drop_sound` leaves no sound track."""

    from_ms: int
    to_ms: int
    fill: tuple[Span, ...] = ()
    silence: tuple[Span, ...] = ()
    drop_sound: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.from_ms < self.to_ms:
            raise BadPlan(what="The copy would be empty.", remedy="Choose an end that is after the start.")
        for spans in (self.fill, self.silence):
            if len(spans) > MOST_SPANS:
                raise BadPlan(what=f"More than {MOST_SPANS} spans.", remedy="Join spans that touch.")
            for span in spans:
                if not 0 <= span.from_ms < span.to_ms:
                    raise BadPlan(
                        what=f"{span.from_ms}-{span.to_ms} ms is no span.", remedy="Each span ends after it begins."
                    )

    @property
    def cut(self) -> Span:
        """The stretch that leaves."""
        return Span(self.from_ms, self.to_ms)

    def as_json(self) -> dict[str, Any]:
        """Return the shape that is stored, logged and shown."""
        return {
            "v": 1,
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "fill": [[span.from_ms, span.to_ms] for span in self.fill],
            "silence": [[span.from_ms, span.to_ms] for span in self.silence],
            "drop_sound": self.drop_sound,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, duration_ms: int) -> "Plan":
        """Read a stored plan; a missing start or end is the recording's. Raises BadPlan."""
        try:
            return cls(
                from_ms=_whole(data.get("from_ms") or 0),
                to_ms=min(_whole(data.get("to_ms") or duration_ms), duration_ms),
                fill=_spans(data.get("fill", ())),
                silence=_spans(data.get("silence", ())),
                drop_sound=bool(data.get("drop_sound", False)),
            )
        except (TypeError, ValueError) as problem:
            raise BadPlan(
                what=f"The plan cannot be read: {problem}.", remedy="Give times as whole milliseconds."
            ) from problem


def _spans(rows: Iterable[Sequence[Any]]) -> tuple[Span, ...]:
    """Return the spans in order, overlapping and touching ones joined."""
    joined: list[Span] = []
    for span in sorted(Span(_whole(first), _whole(last)) for first, last in rows):
        if joined and span.from_ms <= joined[-1].to_ms:
            joined[-1] = Span(joined[-1].from_ms, max(joined[-1].to_ms, span.to_ms))
        else:
            joined.append(span)
    return tuple(joined)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value
