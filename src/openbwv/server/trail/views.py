"""The log's files for everyone to check, and the trail of one recording for who may see it."""

from dataclasses import asdict

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from openbwv.custody import LogMissing, open_note, parse_tile_path
from openbwv.custody.tiles import BUNDLE_LEVEL, CHECKPOINT_PATH, Tile
from openbwv.server.evidence.views.page import seen_recording
from openbwv.server.people.pages import page_for
from openbwv.server.people.paging import page_of
from openbwv.server.trail import log
from openbwv.server.trail.queries import events_of, line_of, trail_of

PAGE_ENTRIES = 200
FOR_EVER = "public, max-age=31536000, immutable"
SHORTLY = "public, max-age=2"
ONLY_ASKER = "private, max-age=31536000, immutable"


@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    """Serve the signed checkpoint (C2SP tlog-tiles). Everybody may keep it: that is what makes a rewrite noticed."""
    try:
        note = log.reader().note()
    except LogMissing as problem:
        raise Http404(problem.what) from problem
    return HttpResponse(note, content_type="text/plain; charset=utf-8", headers={"Cache-Control": SHORTLY})


@require_safe
def hash_tile(request: HttpRequest, rest: str) -> HttpResponse:
    """Serve a tile of hashes, to everybody: hashes of leaves that carry no personal data."""
    tile = parse_tile_path(f"tile/{rest}")
    if tile is None or tile.level == BUNDLE_LEVEL:
        raise Http404("There is no such tile.")
    return _file(tile, FOR_EVER)


@page_for("see-log")
@require_safe
def entry_bundle(request: HttpRequest, rest: str) -> HttpResponse:
    """Serve a bundle of entries, to auditors and records managers: bundles show when a pseudonym was dealt with."""
    tile = parse_tile_path(f"tile/entries/{rest}")
    if tile is None:
        raise Http404("There is no such bundle.")
    return _file(tile, ONLY_ASKER)


@page_for("see")
@require_safe
def recording_trail(request: HttpRequest, reference: str) -> HttpResponse:
    """Show the whole trail of one recording, a page at a time, with keys and hashes."""
    recording = seen_recording(request, reference)
    page = page_of(request, events_of(recording), size=PAGE_ENTRIES)
    facts = {"recording": recording, "page": page, "lines": [line_of(event) for event in page]}
    return render(request, "trail/recording.html", facts)


@page_for("see")
@require_safe
def recording_trail_json(request: HttpRequest, reference: str) -> HttpResponse:
    """Give the newest events of one recording to its page."""
    lines = trail_of(seen_recording(request, reference))
    return JsonResponse({"lines": [{**asdict(line), "state": line.state} for line in lines]})


def _file(tile: Tile, caching: str) -> HttpResponse:
    """Serve a file that the published checkpoint covers; what an append is still writing is not there yet."""
    reader = log.reader()
    data = reader.storage.read(tile.path) if reader.storage.read(CHECKPOINT_PATH) else None
    if data is None or tile.end_index() > open_note(reader.note(), reader.vkey).size:
        raise Http404("The log has no such file.")
    return HttpResponse(data, content_type="application/octet-stream", headers={"Cache-Control": caching})
