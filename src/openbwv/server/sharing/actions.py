"""Exporting one recording: right, key release, bundle, event, and only then the folder's name."""

import secrets
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from openbwv import recording as r
from openbwv.custody import EventType, parse_tlog_proof
from openbwv.server.evidence.models import Recording, State
from openbwv.server.fleet.revocation import revocation_list
from openbwv.server.people.models import Person
from openbwv.server.people.rights import require
from openbwv.server.sharing import bundle, readme
from openbwv.server.sharing.errors import NotExportable, TargetExists
from openbwv.server.sharing.snapshot import snapshot_of
from openbwv.server.trail import log
from openbwv.server.trail.actions import event_map, log_event, wait_for_leaf
from openbwv.server.trail.models import Event
from openbwv.server.vault import door
from openbwv.server.vault.force import force
from openbwv.server.vault.keys import key_client
from openbwv.shared.clock import Clock
from openbwv.shared.durable import as_write_error, move_durably

PARTIAL = ".unfinished"


def export_recording(
    *, recording: Recording, to: Path, actor: Person, reason: str, sealed: bool = False, clock: Clock
) -> Path:
    """Write the bundle of `recording` into the new folder `to` and return it.

    Raises NotPermitted, ReasonMissing, NotExportable, TargetExists, LogNotRunning, KeydUnavailable, DiskFull. Whatever
    fails leaves no folder. The EXPORT event names the bundle by the hash of its tag manifest and is in the log before
    the folder gets its name.
    """
    require(actor, "export", recording, reason=reason)
    check_exportable(recording)
    to = to.expanduser().absolute()
    if to.exists():
        raise TargetExists(what=f"{to} is there already.", remedy="Name a folder that does not exist yet.")
    work = to.with_name(f".{to.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        work.mkdir(parents=True)
        with door.open_for_job(
            recording=recording, purpose="export", actor=actor, why=reason, clock=clock, sealed=sealed
        ) as opened:
            contents = _contents(opened, recording, actor=actor, reason=reason, sealed=sealed, clock=clock)
            tagmanifest = bundle.write_bundle(work, contents)
        _seal(work, recording, tagmanifest, actor=actor, sealed=sealed, clock=clock)
        event = _log_export(recording, tagmanifest, actor=actor, reason=reason, sealed=sealed, clock=clock)
        wait_for_leaf(event)
        move_durably(work, to)
    except OSError as problem:
        raise as_write_error(problem, to) from problem
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return to


def check_exportable(recording: Recording) -> None:
    """Raise NotExportable unless all of `recording` is here and was acknowledged."""
    if recording.state != State.STORED:
        raise NotExportable(
            what=f"{recording.reference} is not stored here: {State(recording.state).label.lower()}.",
            remedy="Export it once it has been uploaded whole; what was deleted has a certificate instead.",
        )
    if not recording.receipts.exclude(signed=None).exists():
        raise NotExportable(
            what=f"{recording.reference} has no evidence receipt yet.",
            remedy="Wait a moment; if it stays so, see whether `./bwv keyd` and `./bwv worker` run.",
        )


def _contents(
    opened: Any, recording: Recording, *, actor: Person, reason: str, sealed: bool, clock: Clock
) -> bundle.Contents:
    reader = snapshot_of(log.reader())
    public = key_client().public()
    certificates = public["certificates"]
    receipt = bytes(recording.receipts.exclude(signed=None).latest("id").signed)
    ended, revoked = public["earlier_logs"].get(_log_of(receipt)), revocation_list()
    return bundle.Contents(
        reference=recording.reference,
        force=force().name,
        chain=_device_chain(opened),
        manifest=opened.manifest_bytes(),
        media=bundle.flatten(opened.sealed_fragments() if sealed else opened.fragments()),
        commit_key=None if sealed else opened.commit_key,
        orphan=opened.orphan_bytes(),
        receipt=receipt,
        trail=_trail(recording, reader.checkpoint().size),
        log=reader,
        log_chain=[certificates["log"], certificates["agency"]],
        earlier_log_chain=[ended, certificates["agency"]] if ended else [],
        facts=_facts(recording, actor=actor, reason=reason, sealed=sealed, clock=clock),
        revocations=revoked.encode("ascii") if revoked else None,
    )


def _log_of(receipt: bytes) -> str:
    """Return the origin of the log that a receipt's proof leads to."""
    return parse_tlog_proof(r.EvidenceReceipt.decode(receipt).body.proof).note.partition("\n")[0]


def _device_chain(opened: Any) -> list[bytes]:
    reader = r.ManifestReader()
    for chunk in opened.manifest_bytes():
        for entry in reader.read(chunk):
            if entry.x5chain:
                return list(entry.x5chain)
    raise NotExportable(what="The manifest names no camera.", remedy="Run `./bwv check`; the vault may be damaged.")


def _trail(recording: Recording, size: int) -> list[bundle.TrailLine]:
    generation = force().generation
    events = recording.events.filter(log_generation=generation, leaf_index__lt=size, salt__isnull=False)
    return [_line(event) for event in events.order_by("leaf_index")]


def _line(event: Event) -> bundle.TrailLine:
    words = {
        "at": event.at_utc.isoformat(timespec="milliseconds"),
        "who": event.actor_label,
        "what": event.sentence,
        "why": event.why,
        "rule": event.rule,
        "outcome": event.outcome,
    }
    return bundle.TrailLine(event.leaf_index, bytes(event.leaf), event_map(event), bytes(event.salt), words)


def _facts(recording: Recording, *, actor: Person, reason: str, sealed: bool, clock: Clock) -> readme.Facts:
    zone = ZoneInfo(settings.TIME_ZONE)
    now = datetime.fromtimestamp(clock.utc_ms() / 1000, zone)
    fingerprint = force().fingerprint.upper()
    return readme.Facts(
        reference=recording.reference,
        force=force().name,
        recorded=f"{recording.started_utc.astimezone(zone):%a %d %b %Y, %H:%M:%S %Z}",
        length=f"{recording.duration_ms / 1000:.1f} seconds",
        camera=recording.camera.name if recording.camera else "unknown",
        exported=f"{now:%a %d %b %Y, %H:%M:%S %Z}",
        exported_by=actor.display_name or actor.get_username(),
        reason=reason,
        sealed=sealed,
        trust_fingerprint=" ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4)),
    )


def _seal(folder: Path, recording: Recording, tagmanifest: bytes, *, actor: Person, sealed: bool, clock: Clock) -> None:
    signer = key_client().signer("export")
    bundle.seal_bundle(
        folder,
        r.BundleSeal(
            rec_id=recording.rec_id,
            tail=bytes(recording.tail),
            tagmanifest_sha256=tagmanifest,
            exported_at_ms=clock.utc_ms(),
            sealed=sealed,
            exported_by=actor.get_username(),
        ),
        signer,
        signer.chain,
    )


def _log_export(
    recording: Recording, tagmanifest: bytes, *, actor: Person, reason: str, sealed: bool, clock: Clock
) -> Event:
    with transaction.atomic():
        locked = Recording.objects.select_for_update().get(pk=recording.pk)
        check_exportable(locked)  # it may have been erased while the bundle was written
        return log_event(
            EventType.EXPORT,
            recording=locked,
            actor=actor,
            why=reason,
            rule="export",
            details={"tagmanifest_sha256": tagmanifest.hex(), "sealed": sealed},
            clock=clock,
        )
