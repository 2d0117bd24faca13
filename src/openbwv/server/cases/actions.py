"""Open and close matters (R2)."""

from collections.abc import Iterable

from django.db import transaction

from openbwv.custody import EventType
from openbwv.recording.errors import EXIT_USAGE, BwvError
from openbwv.server.cases.models import Matter, MatterOutcome
from openbwv.server.clock import utc
from openbwv.server.disclosure.actions import matter_closed as lift_embargoes
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.models import Person
from openbwv.server.people.rights import need_reason, require
from openbwv.server.people.rules import Decision
from openbwv.server.retention.actions import matter_closed as restart_clocks
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock


class MatterProblem(BwvError):
    """A matter cannot be opened, changed or closed as asked."""

    code = "matter-problem"
    http_status = 409
    exit_code = EXIT_USAGE


def open_matter(*, reference: str, title: str, members: Iterable[Person] = (), actor: Person, clock: Clock) -> Matter:
    """Open a matter; whoever opens it is its first member."""
    decision = require(actor, "open-matter")
    if not reference.strip() or not title.strip():
        raise MatterProblem(what="A matter needs a reference and a title.", remedy="Fill in both.")
    with transaction.atomic():
        if Matter.objects.filter(reference=reference.strip()).exists():
            raise MatterProblem(what=f"There is already a matter {reference}.", remedy="Use that one.")
        matter = Matter.objects.create(
            reference=reference.strip(), title=title.strip(), opened_by=actor, opened_utc=utc(clock)
        )
        matter.members.set({actor, *members})
        _log(matter, "open-matter", actor=actor, rule=decision.rule, clock=clock)
    return matter


def add_member(*, matter: Matter, member: Person, actor: Person, clock: Clock) -> None:
    """Let `member` into the matter's team. Only somebody in the team may."""
    decision = _in_team(matter, actor)
    with transaction.atomic():
        matter.members.add(member)
        _log(matter, "add-member", actor=actor, rule=decision.rule, clock=clock, member=member.username)


def close_matter(*, matter: Matter, outcome: str, reason: str, actor: Person, clock: Clock) -> Matter:
    """Close a matter: from now on it keeps nothing, and embargoes that waited for it lift."""
    decision = _in_team(matter, actor)
    if outcome not in MatterOutcome.values:
        raise MatterProblem(what="Choose how the matter ended.", remedy=f"One of {', '.join(MatterOutcome.values)}.")
    need_reason(reason, what="Closing a matter needs a reason.", remedy="Say in a few words why it ends.")
    with transaction.atomic():
        matter = Matter.objects.select_for_update().get(pk=matter.pk)
        if not matter.is_open:
            raise MatterProblem(what=f"{matter.reference} is closed already.", remedy="Nothing to do.")
        matter.closed_by, matter.closed_utc = actor, utc(clock)
        matter.outcome, matter.closing_reason = outcome, reason
        matter.save()
        _log(matter, "close-matter", actor=actor, why=reason, rule=decision.rule, clock=clock, outcome=outcome)
        restart_clocks(matter=matter, actor=actor, clock=clock)
        lift_embargoes(matter=matter, actor=actor, clock=clock)
    return matter


def _in_team(matter: Matter, actor: Person) -> Decision:
    decision = require(actor, "open-matter")
    if not matter.members.filter(pk=actor.pk).exists():
        raise NotPermitted(
            what=f"You are not in the team of {matter.reference}.",
            remedy="Ask one of its members to add you.",
            rule="matter-team",
        )
    return decision


def _log(matter: Matter, deed: str, *, actor: Person, why: str = "", rule: str, clock: Clock, **more: str) -> None:
    log_event(
        EventType.CLASSIFY,
        actor=actor,
        why=why,
        rule=rule,
        details={"deed": deed, "matter": matter.reference, **more},
        clock=clock,
    )
