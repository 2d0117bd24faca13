"""A stored recording as something to send."""

from collections.abc import Iterator, Sequence

from openbwv.camera.stored import Stored
from openbwv.shared.upload import Fragment, Orphan, Parcel, file_chunks


def parcel_of(stored: Stored) -> Parcel:
    """Return a recording ready for the door; its media is read from disk while it is sent."""
    media = str(stored.folder / "media.bin")

    def read(run: Sequence[Fragment]) -> Iterator[bytes]:
        yield from file_chunks(media, run[0].offset, sum(each.length for each in run))

    orphan = None
    if stored.orphan is not None:
        length, digest = stored.orphan
        path = str(stored.folder / "orphan.bin")
        orphan = Orphan(length, digest, lambda: file_chunks(path, 0, length))
    return Parcel(
        rec_id=stored.rec_id,
        entries=stored.entries,
        key_cbor=stored.key_cbor,
        fragments=[Fragment(each.seq, each.offset, each.n) for each in stored.fragments],
        read=read,
        tail=stored.tail,
        rank=stored.rank.key,
        orphan=orphan,
    )
