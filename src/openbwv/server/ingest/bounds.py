"""Numbers in signed entries that no calendar, column or time line can hold; each would fault deep inside otherwise.

Rule: what recording.fields lets through is below 2^63; here the sums that the server makes of it are bounded too. The
bounds are far beyond any camera, so an entry past them is a broken one or an attempt.
"""

from collections.abc import Iterable

from openbwv.recording import Entry, FragBody, OpenBody
from openbwv.server.evidence.models import Recording
from openbwv.server.ingest.errors import EntryRefused

LATEST_UTC_MS = (
    190_288_396_800_000  # the year 8000: what is counted from there on stays in the calendar, which ends 9999
)
MOST_PRE_MS = 2**31 - 1
MOST_TRACK_S = 100 * 366 * 86_400  # media time may begin at some epoch; a hundred years after its zero it is no time
USUAL_TIMESCALE = 1_000_000  # for a track whose own is not at hand; only the video's is kept with the recording


def check_bounds(entries: Iterable[Entry], recording: Recording | None) -> None:
    """Raise EntryRefused for the first entry with a number that cannot be kept; `recording` is None before OPEN."""
    facts = recording.open_facts if recording is not None else {}
    scales = {facts["video_track"]: facts["video_timescale"]} if facts else {}
    for entry in entries:
        body = entry.body
        if isinstance(body, OpenBody):
            scales = {track.track: track.timescale for track in body.tracks}
            if body.clock.utc_ms > LATEST_UTC_MS:
                raise _refused(entry, "the camera's clock shows a time that no calendar has", "set the camera's clock")
            if body.pre_ms > MOST_PRE_MS:
                raise _refused(entry, "its pre-event buffer would be weeks long", "have the camera looked at")
        elif isinstance(body, FragBody):
            for time in body.times:
                if time.start + time.duration > MOST_TRACK_S * scales.get(time.track, USUAL_TIMESCALE):
                    raise _refused(entry, "its media time is a hundred years on", "have the camera looked at")


def _refused(entry: Entry, what: str, remedy: str) -> EntryRefused:
    return EntryRefused(
        what=f"Entry {entry.seq} cannot be kept: {what}.",
        remedy=f"What came is kept aside; {remedy} and tell the fleet manager.",
        kid=entry.kid.hex(),
    )
