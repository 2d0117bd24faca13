"""The codec string that a browser needs, read out of an init unit: RFC 6381, e.g. avc1.64001f, mp4a.40.2."""

import struct

AVC_CONFIGURATION = b"avcC"
ELEMENTARY_STREAM = b"esds"
DECODER_CONFIG_TAG, DECODER_SPECIFIC_TAG = 0x04, 0x05


def mime_of(init: bytes) -> str | None:
    """Return `video/mp4; codecs="…"` for an init unit, or None when it holds no codec we know how to name."""
    names = [name for name in (_avc(init), _aac(init)) if name]
    return f'video/mp4; codecs="{", ".join(names)}"' if names else None


def _avc(init: bytes) -> str | None:
    """ISO/IEC 14496-15, 5.3.3.1.2: version, profile, constraints, level follow the box's name."""
    at = init.find(AVC_CONFIGURATION)
    if at < 0 or len(init) < at + 8:
        return None
    profile, constraints, level = init[at + 5 : at + 8]
    return f"avc1.{profile:02x}{constraints:02x}{level:02x}"


def _aac(init: bytes) -> str | None:
    """ISO/IEC 14496-1, 7.2.6: the object type of the decoder, and the audio object type in its specific info."""
    at = init.find(ELEMENTARY_STREAM)
    if at < 4:
        return None
    (size,) = struct.unpack_from(">I", init, at - 4)
    box = init[at + 8 : at - 4 + size]
    config = box.find(bytes([DECODER_CONFIG_TAG]), 3)
    while config >= 0:
        content = _content(box, config)
        if content is not None and box[content] == 0x40:
            specific = box.find(bytes([DECODER_SPECIFIC_TAG]), content + 13)
            start = _content(box, specific) if specific >= 0 else None
            return f"mp4a.40.{box[start] >> 3}" if start is not None and start < len(box) else "mp4a.40.2"
        config = box.find(bytes([DECODER_CONFIG_TAG]), config + 1)
    return None


def _content(box: bytes, tag: int) -> int | None:
    """Return where a descriptor's content begins: after its tag and a length of up to four bytes."""
    at = tag + 1
    for _ in range(4):
        if at >= len(box):
            return None
        at += 1
        if not box[at - 1] & 0x80:
            return at if at < len(box) else None
    return None
