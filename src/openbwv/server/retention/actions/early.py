"""Deletion that no policy orders: two people, the same 72 hours, and a hold still wins (R1)."""

from django.db import transaction

from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording, State
from openbwv.server.people.models import Person
from openbwv.server.people.rights import need_reason, require
from openbwv.server.retention.actions.clock import cancel
from openbwv.server.retention.errors import NotDeletable
from openbwv.server.retention.keeping import reasons_to_keep
from openbwv.server.retention.models import RUNNING_STATES, Deletion, DeletionCause, DeletionState
from openbwv.server.retention.second import require_second
from openbwv.server.retention.sweep import begin_deletion
from openbwv.shared.clock import Clock


def propose_early(*, recording: Recording, reason: str, actor: Person, session: str, clock: Clock) -> Deletion:
    """Propose to delete `recording` before its time. Raises NotDeletable, NotPermitted, ReasonMissing."""
    require(actor, "approve-policy-first")
    need_reason(reason, remedy="Say in a few words why it should go early.")
    with transaction.atomic():
        recording = Recording.objects.select_for_update(of=("self",)).get(pk=recording.pk)
        reasons = reasons_to_keep(recording, utc(clock))
        if reasons or recording.state != State.STORED:
            why = reasons[0] if reasons else "it is not stored here"
            raise NotDeletable(what=f"{recording.reference} cannot be deleted: {why}.", remedy="Nothing was changed.")
        if recording.deletions.filter(state__in=RUNNING_STATES).exists():
            raise NotDeletable(what="Its deletion has been proposed already.", remedy="See the page Deletion.")
        return begin_deletion(
            recording,
            cause=DeletionCause.EARLY,
            clock=clock,
            proposed_by=actor,
            proposed_session=session,
            reason=reason.strip(),
        )


def approve_early(*, deletion: Deletion, actor: Person, session: str, clock: Clock) -> Deletion:
    """Agree to an early deletion as the second person. Raises NotDeletable, SecondPersonNeeded, NotPermitted."""
    require(actor, "approve-policy-second")
    with transaction.atomic():
        deletion = _waiting(deletion)
        require_second(
            what=f"deletion:{deletion.pk}",
            first=deletion.proposed_by,
            first_session=deletion.proposed_session,
            person=actor,
            session=session,
        )
        deletion.approved_by = actor
        deletion.save(update_fields=["approved_by"])
    return deletion


def decline_early(*, deletion: Deletion, reason: str, actor: Person, clock: Clock) -> Deletion:
    """Let a recording keep its date: the second person says no, or the first takes the proposal back.

    Raises NotDeletable, NotPermitted, ReasonMissing.
    """
    own = deletion.proposed_by_id == actor.pk
    rule = require(actor, "approve-policy-first" if own else "approve-policy-second").rule
    need_reason(reason, remedy="Say in a few words why it keeps its date.")
    with transaction.atomic():
        deletion = _waiting(deletion)
        cancel(deletion, because=reason.strip(), actor=actor, rule=rule, clock=clock)
    return deletion


def _waiting(deletion: Deletion) -> Deletion:
    """Return the early deletion anew, its recording locked; raises NotDeletable when it waits for nobody."""
    Recording.objects.select_for_update(of=("self",)).get(pk=deletion.recording_id)
    deletion = Deletion.objects.select_related("proposed_by", "recording").get(pk=deletion.pk)
    if (deletion.state, deletion.cause) != (DeletionState.PROPOSED, DeletionCause.EARLY) or deletion.approved_by_id:
        raise NotDeletable(what="This deletion does not wait for a second person.", remedy="Nothing to do.")
    return deletion
