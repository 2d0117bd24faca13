"""Which spans of time of one officer meet which: a join by sorting and bisection, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PAIRS_AT_A_TIME = 2_000_000
EARTH_M = 6_371_008.8


@dataclass(frozen=True)
class Spans:
    """Spans as arrays of one length: officer (code; -1 unknown), start and end in ms, place in degrees or nan."""

    officer: np.ndarray
    start_ms: np.ndarray
    end_ms: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray

    def at(self, rows: np.ndarray) -> "Spans":
        """Return the spans of some rows."""
        return Spans(
            self.officer[rows], self.start_ms[rows], self.end_ms[rows], self.latitude[rows], self.longitude[rows]
        )

    def __len__(self) -> int:
        return len(self.officer)


def meetings(left: Spans, right: Spans, *, slack_ms: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (rows of left, rows of right) of one officer that lie at most `slack_ms` apart.

    All pairs of a left row come at once.

    Right spans are sorted by officer and start. A left span can meet those that begin before it ends and whose latest
    end so far is after it begins: two bisections; what lies between and does not meet is sieved out.
    """
    known = np.flatnonzero(right.officer >= 0)
    if not len(known) or not len(left):
        return
    order = known[np.lexsort((right.end_ms[known], right.start_ms[known], right.officer[known]))]
    sorted_right = right.at(order)
    first = int(min(left.start_ms.min(), sorted_right.start_ms.min())) - 2 * slack_ms - 1
    last = int(max(left.end_ms.max(), sorted_right.end_ms.max())) + 2 * slack_ms + 1
    stride = last - first + 1  # one officer's stretch of the number line; officers < 2^20 and 2^42 ms fit in 63 bits
    base = sorted_right.officer.astype(np.int64) * stride - first
    starts = base + sorted_right.start_ms
    latest_ends = np.maximum.accumulate(base + sorted_right.end_ms)
    rows = np.flatnonzero(left.officer >= 0)
    own = left.officer[rows].astype(np.int64) * stride - first
    low = np.searchsorted(latest_ends, own + left.start_ms[rows] - slack_ms, side="left")
    high = np.searchsorted(starts, own + left.end_ms[rows] + slack_ms, side="right")
    counts = np.maximum(high - low, 0)
    begun = np.concatenate(([0], np.cumsum(counts)))
    cut = 0
    while cut < len(rows):
        upto = max(cut + 1, int(np.searchsorted(begun, begun[cut] + PAIRS_AT_A_TIME, side="right")) - 1)
        many = counts[cut:upto]
        pair_left = np.repeat(rows[cut:upto], many)
        inside = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        pair_right = order[np.repeat(low[cut:upto], many) + inside]
        meet = overlap_ms(left, pair_left, right, pair_right) >= -slack_ms
        yield pair_left[meet], pair_right[meet]
        cut = upto


def overlap_ms(left: Spans, left_rows: np.ndarray, right: Spans, right_rows: np.ndarray) -> np.ndarray:
    """Return how long two spans overlap; a negative number is the gap between them."""
    ends = np.minimum(left.end_ms[left_rows], right.end_ms[right_rows])
    return ends - np.maximum(left.start_ms[left_rows], right.start_ms[right_rows])


def distance_m(left: Spans, left_rows: np.ndarray, right: Spans, right_rows: np.ndarray) -> np.ndarray:
    """Return metres between two places on a sphere (haversine, float32); nan where either is unknown."""
    lat_a, lat_b = np.radians(left.latitude[left_rows]), np.radians(right.latitude[right_rows])
    across = np.radians(right.longitude[right_rows] - left.longitude[left_rows])
    chord = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin(across / 2) ** 2
    return (2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))).astype(np.float32)
