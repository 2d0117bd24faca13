"""Writes the stored vectors anew: only for a new format version, because old files must read for ever.

python -m tests.recording.make_vectors
"""

import subprocess
import sys
from pathlib import Path

from openbwv import recording as r
from tests.recording.factory import SECOND, Agency

VECTORS = Path(__file__).with_name("vectors")


def main() -> None:
    """Write vectors/foreign (by the foreign writer) and vectors/ours (a store with everything in it)."""
    script = Path(__file__).parents[1] / "thirdparty" / "foreign_writer.py"
    subprocess.run([sys.executable, script, VECTORS / "foreign"], check=True)
    agency = Agency()
    camera = agency.camera()
    store = VECTORS / "ours"
    first = camera.record(2)
    builder, second = camera.start(pre_ms=2000, assignment=bytes(range(16)))
    camera.add(builder, second, 0, flags=r.FragFlag.PRE)
    at = camera.mono_ns + SECOND
    second.entries.append(builder.event(r.EventKind.MUTE_ON, mono_ns=at, public={1: 2, 2: at}))
    camera.add(builder, second, 1, flags=r.FragFlag.MUTED)
    second.entries.append(builder.event(r.EventKind.MUTE_OFF, mono_ns=at + SECOND, public={2: at + SECOND}))
    camera.add(builder, second, 2, meta={1: [[1, 2]]})
    category = {1: r.CATEGORIES["arrest"].code, 2: True}
    second.entries.append(
        builder.event(r.EventKind.CATEGORY, mono_ns=at + 2 * SECOND, public=category, sealed={1: "a note"})
    )
    reader = r.ManifestReader()
    reader.feed(second.manifest)
    second.entries.append(r.close_recovered(reader, signer=camera.signer, mono_ns=1, bt=2))
    journal = r.JournalBuilder(chain_id=bytes(range(16)), signer=camera.signer, chain=camera.chain)
    lines = journal.open(r.JournalBody(bt=1), mono_ns=1)
    lines += journal.event(r.EventKind.BOOT, mono_ns=1, public={1: 2})
    lines += journal.event(r.EventKind.RECOVERED, mono_ns=2, public={1: second.rec_id, 2: reader.next_seq, 3: 0})
    for rec in (first, second):
        rec.write(store / "rec" / "2026-11-18" / rec.rec_id.hex())
    (store / "journal.cbor").write_bytes(lines)
    agency.write_trust(VECTORS / "ours-trust.pem")


if __name__ == "__main__":
    main()
