"""A power cut at every byte: of the manifest, of the media, and of both as the write order leaves them."""

import io

from openbwv import recording as r
from tests.recording.factory import Agency

AGENCY = Agency()
REC = AGENCY.camera().record(3, size=24)
ENDS = [len(b"".join(REC.entries[:count])) for count in range(len(REC.entries) + 1)]
MEDIA_ENDS = [len(b"".join(REC.media[:count])) for count in range(len(REC.media) + 1)]


def judged(manifest, media):
    verdict = r.verify_recording([manifest], io.BytesIO(media), trust=AGENCY.trust)
    return verdict, [reason.code for reason in verdict.reasons]


def media_after(entries):
    """The media bytes that the first `entries` entries cover."""
    covered = sum(r.parse_entry(raw).type == r.EntryType.FRAG for raw in REC.entries[:entries])
    return REC.media_bin[: MEDIA_ENDS[covered]]


def test_the_manifest_cut_at_every_byte():
    for cut in range(len(REC.manifest)):
        whole = sum(end <= cut for end in ENDS) - 1
        verdict, found = judged(REC.manifest[:cut], media_after(whole))
        if cut in ENDS and cut:
            assert (verdict.verdict, verdict.closed, verdict.through_seq) == ("genuine", False, whole - 1), cut
        elif cut == 0:
            assert found == ["open-missing"]
        else:
            assert (verdict.verdict, found) == ("changed", ["uncovered-bytes"]), cut
            assert verdict.through_seq == (whole - 1 if whole else None)


def test_the_media_cut_at_every_byte():
    for cut in range(len(REC.media_bin)):
        verdict, found = judged(REC.manifest, REC.media_bin[:cut])
        assert (verdict.verdict, found) == ("changed", ["fragment-missing"]), cut


def test_media_ahead_of_the_manifest_is_uncovered_until_recovery():
    """The write order syncs media before the entry: this is what a power cut leaves."""
    for count in range(1, len(REC.entries)):
        covered = media_after(count)
        for extra in range(1, len(REC.media_bin) - len(covered), 7):
            verdict, found = judged(b"".join(REC.entries[:count]), REC.media_bin[: len(covered) + extra])
            assert (verdict.verdict, found) == ("changed", ["uncovered-bytes"])
            assert "recover" in verdict.reasons[0].what


def test_the_reader_keeps_what_is_good_at_every_cut():
    for cut in range(len(REC.manifest)):
        reader = r.ManifestReader()
        reader.feed(REC.manifest[:cut])
        assert reader.good_bytes == max(end for end in ENDS if end <= cut)
        assert reader.waiting_bytes == cut - reader.good_bytes
