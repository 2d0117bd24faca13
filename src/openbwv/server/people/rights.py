"""May this person do this deed to this thing? Gathers the facts and asks `rules.decide`; every room asks here."""

from collections.abc import Iterable
from typing import Any

import rules as rules_package

from openbwv.recording.errors import EXIT_USAGE, BwvError
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.models import Person
from openbwv.server.people.rules import TABLE, Decision, Facts, decide

NOBODY = Decision(False, "signed-out", "You are not signed in.")


class ReasonMissing(BwvError):
    """A deed that needs a reason was asked for without one."""

    code = "reason-missing"
    http_status = 400
    exit_code = EXIT_USAGE


def need_reason(reason: str, *, what: str = "This needs a reason.", remedy: str = "Say in a few words why.") -> str:
    """Return `reason` without the blanks around it; raises ReasonMissing where nothing is left."""
    stripped = reason.strip()
    if not stripped:
        raise ReasonMissing(what=what, remedy=remedy)
    return stripped


def may(person: Any, deed: str, obj: Any = None) -> Decision:
    """Return the decision. `obj` is a Recording, a Hold for `release-hold`, or None."""
    if deed not in TABLE:
        raise KeyError(f"no deed {deed!r} in people.rules.TABLE")
    if not getattr(person, "is_authenticated", False) or not person.is_active:
        return NOBODY
    return decide(person.role_codes, deed, _facts(person, obj))


def may_each(person: Any, deeds: Iterable[str], obj: Any) -> dict[str, Decision]:
    """Return the decision for each of `deeds` to one object, for a page that offers them: the facts are read once."""
    if not getattr(person, "is_authenticated", False) or not person.is_active:
        return dict.fromkeys(deeds, NOBODY)
    roles, facts = person.role_codes, _facts(person, obj)
    return {deed: decide(roles, deed, facts) for deed in deeds}


def may_at_all(person: Any, deed: str) -> Decision:
    """Say whether there could be anything that `person` may do `deed` to: what a page's guard asks."""
    if not getattr(person, "is_authenticated", False) or not person.is_active:
        return NOBODY
    if person.has_role(*TABLE[deed]):
        return Decision(True, f"{deed}-page", "It is part of your role.")
    return Decision(False, f"{deed}-refused", "None of your roles may do this.")


def require(person: Any, deed: str, obj: Any = None, *, reason: str = "") -> Decision:
    """Return the decision when it allows the deed; raise NotPermitted or ReasonMissing otherwise."""
    decision = may(person, deed, obj)
    if not decision.allowed:
        raise refused(decision)
    if decision.needs_reason:
        need_reason(reason, remedy="Say in a few words why you need it.")
    return decision


def refused(decision: Decision) -> NotPermitted:
    """Return the error of a decision that says no."""
    return NotPermitted(
        what=f"You may not do this. {decision.why}",
        remedy="If your work needs it, ask your supervisor.",
        rule=decision.rule,
    )


def _facts(person: Person, obj: Any) -> Facts:
    if obj is None:
        return Facts()
    if hasattr(obj, "placed_by_id") and hasattr(obj, "recording"):
        return Facts(placed=obj.placed_by_id == person.pk)
    # Read here and not at the top: evidence stands on people.
    from openbwv.server.evidence import queries

    return Facts(
        own=obj.officer_id == person.pk,
        unit=person.unit_id is not None and obj.unit_id == person.unit_id,
        request=queries.matched_for(person).filter(pk=obj.pk).exists(),
        team=queries.in_team_of(person).filter(pk=obj.pk).exists(),
        checking=queries.to_check_for(person).filter(pk=obj.pk).exists(),
        restricted=obj.restricted,
    )


def _register() -> None:
    """Make each deed a Django permission: `user.has_perm("openbwv.watch", recording)`, for templates and the admin."""
    for deed in TABLE:
        if not rules_package.perm_exists(f"openbwv.{deed}"):
            rules_package.add_perm(f"openbwv.{deed}", _predicate(deed))


def _predicate(deed: str) -> Any:
    @rules_package.predicate(name=deed)
    def allowed(person: Any, obj: Any = None) -> bool:
        return may(person, deed, obj).allowed

    return allowed


_register()
