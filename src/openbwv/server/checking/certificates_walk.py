"""Does every destruction certificate still hold: its signature, its log entries, and what our rows say was removed?"""

from collections.abc import Iterator
from dataclasses import fields

from openbwv.custody import EventType
from openbwv.recording import DestructionCertificate, LeafIndexes, Trust
from openbwv.recording.errors import BwvError
from openbwv.server.checking.papers import LogNow, NotInLog, agency
from openbwv.server.checking.result import Context, Disagreement
from openbwv.server.clock import to_ms
from openbwv.server.retention.certifying import body_of
from openbwv.server.retention.models import Certificate, Deletion
from openbwv.server.trail.models import Event
from openbwv.server.vault.models import Rotation

FROM_COPY = (
    "Keep the row as it is and find out who changed it; bring the signed certificate back from a backup, or from "
    "whoever was given a copy. The ERASED entry of the log stands whatever the row says."
)
AS_SIGNED = ("hold_check_size", "cannot_prove", "statement")  # of the moment of signing; no row repeats them


def walk_certificates(context: Context) -> Iterator[Disagreement]:
    """Verify both phases of every certificate again and compare them with the deletion they are about."""
    related = [f"deletion__{name}_event" for name in ("proposed", "authorised", "erased")]
    rows = Certificate.objects.select_related("deletion__recording", *related).order_by("pk")
    if not rows.exists():
        return
    try:
        trust, log_now = agency(), LogNow.look()
    except BwvError as problem:
        yield Disagreement(problem.code, "trust.pem", problem.what, problem.remedy)
        return
    for row in rows.iterator(chunk_size=200):
        for phase, signed in ((1, row.phase1), (2, row.phase2)):
            if signed is not None:
                context.looked_at["certificates"] += 1
                where = f"certificate of {row.deletion.recording.reference}, phase {phase}"
                for code, what in _problems(row, phase, bytes(signed), trust, log_now):
                    yield Disagreement(code, where, what, FROM_COPY)


def _problems(row: Certificate, phase: int, signed: bytes, trust: Trust, log_now: LogNow) -> Iterator[tuple[str, str]]:
    try:
        said = DestructionCertificate.decode(signed, trust=trust).body
    except BwvError as problem:
        yield "certificate-wrong", f"it does not hold: {problem.what}"
        return
    rotation = _rotation(row.deletion) if phase == 2 else None
    if phase == 2 and rotation is None:
        yield "certificate-differs", "it says that the retention key was destroyed; no finished rotation says so"
        return
    signed_ms = to_ms(row.phase1_utc if phase == 1 else row.phase2_utc)
    began_anew = _log_began_anew_since(signed_ms)
    try:
        ours = body_of(row.deletion, bytes(row.cert_id), phase=phase, rotation=rotation)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        yield "certificate-differs", f"the rows of the deletion cannot be read: {problem!r}"
        return
    if differing := _differing(said, ours, but=(*AS_SIGNED, *(["leaves"] if began_anew else []))):
        yield "certificate-differs", f"it says another {', '.join(differing)} than the rows of the deletion"
    try:
        for event, index in _entries(row.deletion, rotation, said.leaves):
            log_now.check_event(event, index)
    except NotInLog as problem:
        yield "certificate-not-in-log", str(problem)
    except BwvError as problem:
        yield "certificate-not-in-log", f"the log cannot be read there: {problem.what}"
    if log_now.size and not began_anew and said.hold_check_size > log_now.size:
        what = f"holds were looked for up to entry {said.hold_check_size}, the log has {log_now.size}"
        yield "certificate-not-in-log", what


def _differing(said: DestructionCertificate, ours: DestructionCertificate, *, but: tuple[str, ...]) -> list[str]:
    names = [each.name for each in fields(said) if each.name not in but]
    return [name.replace("_", " ") for name in names if getattr(said, name) != getattr(ours, name)]


def _entries(deletion: Deletion, rotation: Rotation | None, leaves: LeafIndexes) -> Iterator[tuple[Event | None, int]]:
    yield deletion.proposed_event, leaves.proposed
    yield deletion.authorised_event, leaves.authorised
    yield deletion.erased_event, leaves.erased
    if rotation is not None:
        yield rotation.destroyed_event, leaves.kek


def _rotation(deletion: Deletion) -> Rotation | None:
    done = Rotation.objects.filter(old_kek_id=deletion.kek_id, destroyed_event__isnull=False)
    return done.select_related("destroyed_event").first()


def _log_began_anew_since(signed_ms: int) -> bool:
    newest = Event.objects.filter(type=EventType.LOG_GENERATION).order_by("-at_utc").first()
    return newest is not None and to_ms(newest.at_utc) >= signed_ms
