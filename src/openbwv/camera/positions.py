"""Positions replayed from a track file: GPX, or CSV with the columns seconds, lat, lon.

Rule: integers only (degrees times 10^7, milliseconds since the first point); the track begins with the first
picture and ends when it ends. Positions are sealed in the fragments' metadata: a lost camera shows nobody where it was.
"""

import csv
import math
from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from openbwv.camera.errors import TrackUnreadable

LARGEST_BYTES = 16 << 20


class Point(NamedTuple):
    """A place: milliseconds since the first point, latitude and longitude in 10^-7 degrees (WGS 84)."""

    at_ms: int
    lat_e7: int
    lon_e7: int


class Track:
    """Points in order of time."""

    def __init__(self, points: list[Point]) -> None:
        self._points = sorted(points)
        self._times = [point.at_ms for point in self._points]

    def between(self, from_ms: int, to_ms: int) -> list[Point]:
        """Return the points with from_ms <= time < to_ms."""
        return self._points[bisect_left(self._times, from_ms) : bisect_left(self._times, to_ms)]


def read_track(path: Path) -> Track:
    """Read a track file; raises TrackUnreadable."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError("it is larger than 16 MiB")
        text = path.read_text(encoding="utf-8-sig")
        rows = list(_gpx(text) if text.lstrip().startswith("<") else _csv(text))
        if not rows:
            raise ValueError("it holds no positions")
        return Track([_point(seconds - rows[0][0], lat, lon) for seconds, lat, lon in rows])
    except (OSError, ValueError, KeyError, TypeError, ElementTree.ParseError) as problem:
        raise TrackUnreadable(
            what=f"The track {path} cannot be read: {problem}.",
            remedy="Use GPX with times, or CSV with the columns seconds,lat,lon.",
        ) from problem


def _point(seconds: float, lat: float, lon: float) -> Point:
    if not (math.isfinite(seconds) and -90 <= lat <= 90 and -180 <= lon <= 180):
        raise ValueError(f"{lat}, {lon} is no place on Earth")
    return Point(round(seconds * 1000), round(lat * 1e7), round(lon * 1e7))


def _csv(text: str) -> Iterator[tuple[float, float, float]]:
    for row in csv.DictReader(text.splitlines()):
        yield float(row["seconds"]), float(row["lat"]), float(row["lon"])


def _gpx(text: str) -> Iterator[tuple[float, float, float]]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("a track has no document type")
    for element in ElementTree.fromstring(text).iter():  # noqa: S314 - document types are refused above
        if element.tag.rsplit("}", 1)[-1] == "trkpt":
            time = next((child.text for child in element if child.tag.rsplit("}", 1)[-1] == "time"), None)
            if not time:
                raise ValueError("a point has no time")
            moment = datetime.fromisoformat(time.strip().replace("Z", "+00:00"))
            yield moment.timestamp(), float(element.attrib["lat"]), float(element.attrib["lon"])
