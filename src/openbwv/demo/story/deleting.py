"""C is deleted between day 30.5 and 31, and its certificate has both dates by day 32."""

from openbwv.demo import judges, publiclog
from openbwv.demo.destruction import SIGNATURE_WRONG, Said, objection, said_by
from openbwv.demo.force import DAY_MS, HOUR_MS
from openbwv.demo.story.docking import stored_bytes
from openbwv.demo.story.telling import Story, step
from openbwv.demo.story.watching import address, trail, watch

MINUTE_MS = 60_000


@step("C is deleted with a certificate; A and B are still there")
def c_is_deleted(story: Story) -> None:
    """C goes between day 30.5 and 31 after its end; by day 32 the key that wrapped it is gone too."""
    force, end_ms = story.force, story.captured_ms["C"]
    devi = force.visitor("devi")
    force.move_clock(end_ms + 30 * DAY_MS + 12 * HOUR_MS - 10 * MINUTE_MS)
    page = devi.get(address(story, "C"))
    story.must("has been deleted" not in page.text, "Ten minutes before day 30.5 C is still there", "HTTP", page.text)
    force.move_clock(end_ms + 31 * DAY_MS)
    page = devi.get(address(story, "C"))
    story.must("has been deleted" in page.text, "On day 31 C is gone: a tombstone says when and why", "HTTP", page.text)
    _nothing_is_left_of_c(story)
    events = trail(devi, story.references["C"])
    story.must("erased" in events, "C's trail says that it was erased", "HTTP", events)
    force.move_clock(end_ms + 32 * DAY_MS)
    page = devi.get(f"/retention/certificates/{story.references['C']}")
    story.must(
        "Irrecoverable" in page.text,
        "Its certificate has both dates by day 32: erased, irrecoverable",
        "HTTP",
        page.text,
    )
    certificate_is_judged(story)
    for name, officer in (("A", "avery"), ("B", "avery")):
        streams = judges.streams(watch(story, force.visitor(officer), name))
        story.must(story.plays(streams), f"{name} is still there and plays", "ffprobe", streams)
    answer = force.runner.run("check", "--json", "--state", force.state, expect=None).json()
    story.must(answer["ok"], "Database, files, log and keys agree", "bwv check", answer["disagreements"])
    _log_holds(story)


def _nothing_is_left_of_c(story: Story) -> None:
    force, rec_id = story.force, story.recordings["C"].name
    held = stored_bytes(force.state / "vault")
    films = {name: (folder / "media.bin").stat().st_size for name, folder in story.copies.items()}
    only = films["C"] not in held and {films["A"], films["B"]} <= set(held)
    story.must(only, "C's film lies on the server no more, those of A and B do", "the file system", (films, held))
    keys = judges.rows(force.database, "SELECT recording_id FROM vault_keywrap")
    story.must((rec_id,) not in keys, "nor does the key that opened it", "SQLite", keys)


def _log_holds(story: Story) -> None:
    """Somebody without an account fetches the log, and needs nothing of ours to check it."""
    stranger = story.force.stranger()
    note = stranger.download("/log/checkpoint").text
    vkey = (story.force.state / "log.vkey").read_text(encoding="ascii")
    signed = publiclog.note_is_signed(note, vkey)
    story.must(signed, "The custody log's checkpoint is signed by the log's key", "openssl", note)
    size, root = publiclog.size_and_root(note)
    computed = publiclog.root_of(lambda address: stranger.download(address).content, size)
    story.must(computed == root, f"Anybody can compute what it signs, from all {size} entries", "SHA-256", note)


def certificate_is_judged(story: Story) -> None:
    """Fetch both phases of C's certificate; OpenSSL judges them, and a copy with one changed bit."""
    said: dict[int, Said] = {}
    for phase in (1, 2):
        file = story.folder / f"certificate-phase{phase}.cbor"
        story.force.runner.run(
            "retention", "--certificate", story.references["C"], "--phase", phase, "--to", file, "--as", "devi",
            "--reason", "the demo", "--state", story.force.state, "--json",
        )  # fmt: skip
        said[phase] = said_by(file.read_bytes())
        problem = _objection(story, file.read_bytes(), said[phase])
        story.must(not problem, f"Phase {phase} is signed by the records key, under the trust file", "openssl", problem)
    _dates_hold(story, said)
    file = story.folder / "certificate-phase2.cbor"
    changed = bytearray(file.read_bytes())
    date = said[2].irrecoverable_ms.to_bytes(8, "big")
    changed[changed.index(date) + len(date) - 1] ^= 0x01
    problem = _objection(story, bytes(changed), said[2])
    story.must(
        problem == SIGNATURE_WRONG, "With its date changed by a millisecond the signature fails", "openssl", problem
    )


def _objection(story: Story, message: bytes, said: Said) -> str:
    return objection(message, story.force.trust, at_s=max(said.erased_ms, said.irrecoverable_ms) // 1000)


def _dates_hold(story: Story, said: dict[int, Said]) -> None:
    end_ms, rec_id = story.captured_ms["C"], story.recordings["C"].name
    first, last = said[1], said[2]
    named = {(each.rec_id, each.phase) for each in (first, last)} == {(rec_id, 1), (rec_id, 2)}
    story.must(named, "Both name C by the number its camera gave it", "cbor2", said)
    erased = (
        first.erased_ms == last.erased_ms
        and end_ms + 30 * DAY_MS + 12 * HOUR_MS - 10 * MINUTE_MS <= first.erased_ms <= end_ms + 31 * DAY_MS
    )
    story.must(erased, "Both say when C was erased: between day 30.5 and 31", "cbor2", said)
    gone = first.irrecoverable_ms == 0 and last.erased_ms <= last.irrecoverable_ms <= end_ms + 32 * DAY_MS
    story.must(gone, "Only phase 2 says since when it is irrecoverable: by day 32", "cbor2", said)
