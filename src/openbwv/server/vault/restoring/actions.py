"""Settling a laid-out backup: erased stays erased, keys that still open come back, the log goes on or begins anew."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator

from django.db import transaction

from openbwv.custody import EMPTY_ROOT, EventType, decode_leaf
from openbwv.recording import cbor
from openbwv.server.evidence.models import Recording, State
from openbwv.server.people.models import LimitCount
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import Event, LogHead
from openbwv.server.vault.actions import remove_recording_bytes
from openbwv.server.vault.backup_place import KEY_TABLE_FILE
from openbwv.server.vault.keyd import wraps
from openbwv.server.vault.keyd.errors import KeyDestroyed, KeyUnknown
from openbwv.server.vault.keyd.keyring import Keyring
from openbwv.server.vault.keyd.ledger import Ledger
from openbwv.server.vault.models import KeyWrap
from openbwv.server.vault.restoring.logs import Choice, leaves_after
from openbwv.shared.clock import Clock

LEDGER_FILE = "keyring.ledger"


@dataclass
class Report:
    """What was done, and what could not be brought back."""

    log_size: int
    newest_known_size: int
    generation: int
    keys: int = 0
    keys_that_no_longer_open: list[str] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    unknown_leaves: list[dict[str, Any]] = field(default_factory=list)
    second_factors_to_set_up_again: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return asdict(self)


def settle(work: Path, *, backup: Path, ring: Keyring, choice: Choice, generation: int, clock: Clock) -> Report:
    """Do everything that needs the database, in one transaction, and write the key service's ledger.

    `generation` is the log's from now on; when it differs from the database's, the first leaf of the new log will be
    the LOG_GENERATION event written here.
    """
    report = Report(choice.checkpoint.size, choice.newest.size, generation)
    with transaction.atomic():
        head = LogHead.objects.select_for_update().get(id=1)
        report.unknown_leaves = _join(head, choice)
        erased = _erase_again(choice)
        report.erased = [recording.reference for recording in erased]
        _bring_keys_back(backup, ring, report)
        report.second_factors_to_set_up_again, _ = Authenticator.objects.all().delete()
        LimitCount.objects.all().delete()  # tries of another time, and nobody here counted them
        if generation != head.generation:
            _begin_generation(head, choice, generation, clock)
        log_event(EventType.RESTORE, actor_label="./bwv restore", rule="R13", details=report.as_dict(), clock=clock)
    _write_ledger(work)
    return report


def _join(head: LogHead, choice: Choice) -> list[dict[str, Any]]:
    """Move the database's head to the log's end; return the leaves whose events this backup does not have."""
    unknown = []
    for index, entry in leaves_after(choice, head.size):
        known = Event.objects.filter(leaf_index=None, leaf=entry).update(
            leaf_index=index, log_generation=head.generation
        )
        if not known:
            leaf = decode_leaf(entry)
            unknown.append({"index": index, "type": leaf.name, "t_s": leaf.t_s})
    head.size, head.root = choice.checkpoint.size, choice.checkpoint.root
    head.save()
    return unknown


def _erase_again(choice: Choice) -> list[Recording]:
    """Remove what a leaf says is erased although the backup still had it: no backup revives it."""
    erased = list(Recording.objects.filter(pseudonym__in=choice.erased).exclude(state=State.ERASED))
    for recording in erased:
        remove_recording_bytes(recording=recording)
        recording.state = State.ERASED
        recording.save(update_fields=["state"])
    return erased


def _bring_keys_back(backup: Path, ring: Keyring, report: Report) -> None:
    gone = set(Recording.objects.filter(state=State.ERASED).values_list("pk", flat=True))
    present = dict(Recording.objects.values_list("pk", "reference"))
    by_id = {pk.bytes: pk for pk in present if pk not in gone}
    for rec_id, kek_id, blob, derived_blob in cbor.decode((backup / KEY_TABLE_FILE).read_bytes()):
        if rec_id not in by_id:
            continue  # erased since, or newer than the database: without its recording a key serves nothing
        try:
            wraps.unwrap(ring.kek_key(kek_id), blob, rec_id=rec_id, use=wraps.DATA)
        except (KeyDestroyed, KeyUnknown):
            report.keys_that_no_longer_open.append(present[by_id[rec_id]])
            continue
        KeyWrap.objects.create(recording_id=by_id[rec_id], kek_id=kek_id, blob=blob, derived_blob=derived_blob)
        report.keys += 1


def _begin_generation(head: LogHead, choice: Choice, generation: int, clock: Clock) -> None:
    """Start the database's head at nothing. The first leaf of the new log names where the old one ended."""
    head.generation, head.size, head.root = generation, 0, EMPTY_ROOT
    head.save()
    event = log_event(
        EventType.LOG_GENERATION,
        actor_label="./bwv restore",
        rule="R13",
        details={
            "old_origin": choice.newest.origin,
            "old_size": choice.newest.size,
            "old_root": choice.newest.root.hex(),
            "restored_size": choice.checkpoint.size,
        },
        clock=clock,
    )
    # The log takes events in the order of their numbers, and others may be waiting from before the backup.
    Event.objects.filter(pk=event.pk).update(id=-generation)


def _write_ledger(work: Path) -> None:
    ledger = Ledger(work / LEDGER_FILE)
    for key in KeyWrap.objects.order_by("pk").values_list("recording_id", flat=True).iterator():
        ledger.wrapped(key.bytes)
    for key in Recording.objects.filter(state=State.ERASED).values_list("pk", flat=True).iterator():
        ledger.drop(key.bytes)
