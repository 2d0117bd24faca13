"""The grammar in docs/ref is the format: pycddl judges every map we write, and refuses what we refuse."""

import re
from pathlib import Path

import cbor2
import pycddl
import pytest

from openbwv import recording as r
from openbwv.recording.events import PUBLIC
from openbwv.recording.wrap import _info
from tests.recording.factory import SECOND, Agency
from tests.recording.test_messages import AGENCY, MESSAGES

DOCS = Path(__file__).parents[2] / "docs" / "ref"
GRAMMAR = (DOCS / "recording-format.cddl").read_text(encoding="utf-8")


def valid(rule, data, more=""):
    try:
        pycddl.Schema(f"top = {rule}\n{GRAMMAR}\n{more}").validate_cbor(data)
    except pycddl.ValidationError:
        return False
    return True


@pytest.fixture(scope="module")
def entries():
    camera = Agency().camera()
    camera.record(2)
    builder, rec = camera.start(
        anchor=r.Anchor("force.example/log", 7, bytes(32), bytes(32)), assignment=bytes(16), pre_ms=2000
    )
    camera.add(builder, rec, 0, flags=r.FragFlag.PRE, meta={1: [[1, 2]]})
    for kind, rule in PUBLIC.items():
        if kind < r.EventKind.BOOT:
            rec.entries.append(builder.event(kind, mono_ns=camera.mono_ns + 2 * SECOND, public=example(rule)))
    camera.finish(builder, rec)
    reader = r.ManifestReader()
    cut = camera.record(1, close=False)
    reader.feed(cut.manifest)
    recovered = r.close_recovered(reader, signer=camera.signer, mono_ns=1, bt=9)
    journal = r.JournalBuilder(chain_id=bytes(16), signer=camera.signer, chain=camera.chain)
    lines = [journal.open(r.JournalBody(bt=1, previous=bytes(16), previous_tail=bytes(32)), mono_ns=1)]
    for kind, rule in PUBLIC.items():
        if kind >= r.EventKind.BOOT:
            lines.append(journal.event(kind, mono_ns=2, public=example(rule)))
    return [*rec.entries, *cut.entries, recovered, *lines]


def example(rule):
    clock = r.ClockState(5, 1, r.ClockSource.DOCK, 4).to_row()
    samples = {"bool": True, "bytes16": bytes(16), "bytes32": bytes(32), "clock": clock}
    return {key: samples.get(kind, 1) for key, (kind, _) in rule.items()}


def test_every_entry_we_write_is_in_the_grammar(entries):
    for entry in entries:
        signed = r.parse_entry(entry).signed
        assert valid("entry", entry)
        assert valid("entry-protected", signed.protected)
        assert valid("payload", signed.payload)


RULES = {
    "MUTE_ON": "ev-mute-on", "MUTE_OFF": "ev-mute-off", "CLOCK_SYNC": "ev-clock-sync", "MARKER": "ev-marker",
    "CATEGORY": "ev-category", "PEOPLE_TOLD": "ev-people-told", "SIGNAL": "ev-signal", "DROP": "ev-drop",
    "THERMAL": "ev-thermal", "STORAGE": "ev-storage", "BATTERY": "ev-battery", "TAMPER": "ev-tamper",
    "LIVE_VIEW": "ev-live-view", "PROFILE": "ev-profile", "BOOT": "ev-boot", "HEARTBEAT": "ev-heartbeat",
    "POWER": "ev-power", "SLEEP": "ev-sleep", "WAKE": "ev-wake", "LABEL": "ev-label", "ASSIGNED": "ev-assigned",
    "RECOVERED": "ev-recovered", "WIPED": "ev-wiped", "ALARM": "ev-alarm",
}  # fmt: skip


@pytest.mark.parametrize("kind", list(r.EventKind), ids=lambda kind: kind.name)
def test_the_public_part_of_every_event_is_in_the_grammar(kind):
    rule = RULES[kind.name]
    public = example(PUBLIC[kind])
    assert valid(rule, cbor2.dumps(public))
    assert not valid(rule, cbor2.dumps(public | {63: 1}))
    for key, (_, compulsory) in PUBLIC[kind].items():
        less = {name: value for name, value in public.items() if name != key}
        assert valid(rule, cbor2.dumps(less)) == (not compulsory)
        assert not valid(rule, cbor2.dumps(public | {key: "text"}))


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_we_write_is_in_the_grammar(name):
    message, use = MESSAGES[name]
    data = message.encode(*AGENCY.signer(use))
    signed, _ = r.split1(data)
    assert valid("message", data)
    assert valid("message-protected", signed.protected)
    rule = {
        "inventory of a dock": "inventory", "tombstone": "wiped", "bundle": "bundle-seal",
        "first counts": "count-statement", "counts": "count-statement",
    }.get(name, name.replace(" ", "-"))  # fmt: skip
    assert valid(rule, signed.payload)
    assert not valid(rule, cbor2.dumps(cbor2.loads(signed.payload) | {63: 1}))
    assert valid(rule, cbor2.dumps(cbor2.loads(signed.payload) | {70: 1}), "$$private //= (70 => uint)")


def test_key_file_and_the_structures_that_are_never_stored():
    agency = Agency()
    assert valid("key-cbor", agency.camera().record().key_cbor)
    assert valid("wrap-info", _info(bytes(16), bytes(32), bytes(32)))
    assert valid("seal-aad", r.cbor.encode(["openbwv/seal/v1", bytes(16), 5, 1]))


@pytest.mark.parametrize("kind", range(5))
def test_the_grammar_refuses_unknown_keys_and_wrong_types_as_we_do(kind, entries):
    payload = next(p for p in map(_payload, entries) if p[1] == kind)
    assert valid("payload", cbor2.dumps(payload))
    for spoilt in (payload | {9: 1}, payload | {6: payload[6] | {40: 1}}, payload | {4: b""}, payload | {5: 1.5}):
        assert not valid("payload", cbor2.dumps(spoilt))


def _payload(entry):
    return cbor2.loads(r.parse_entry(entry).signed.payload)


def test_the_document_shows_every_code():
    """A number that is in the code and not in the document, or the other way round, is a bug in one of them."""
    text = (DOCS / "recording-format.md").read_text(encoding="utf-8")
    codes = dict(re.findall(r"\| (\d+) \| `([A-Z0-9_]+)` \|", text))
    shown = set(re.findall(r"\| (\d+) \| `([A-Z0-9_]+)` \|", text))
    registries = (
        r.EntryType, r.EventKind, r.Trigger, r.CloseReason, r.MuteReason, r.ClockSource, r.FragFlag, r.TrackKind,
        r.Container, r.Codec, r.Kind, r.CameraMode, r.PowerReason,
    )  # fmt: skip
    known = {(str(int(code)), code.name) for registry in registries for code in registry}
    assert codes
    assert shown == known
    slugs = {(str(category.code), slug) for slug, category in r.CATEGORIES.items()}
    assert set(re.findall(r"\| (\d+) \| `([a-z-]+)` \|", text)) == slugs
