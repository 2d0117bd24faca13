"""Who may do what (docs/ref/roles.md), as one table and one pure function.

`TABLE` says, for each deed and role, how far it reaches. `decide` answers for one recording from `Facts` gathered by
`rights.py`; `evidence/queries.py` turns the same scopes into one database filter, and a property test checks that the
two agree. No Django, no database, no clock here.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from enum import StrEnum


class Scope(StrEnum):
    """How far a role's right to a deed reaches."""

    OWN = "own"
    UNIT = "unit"
    REQUEST = "request"
    PLACED = "placed"
    ANY = "any"
    YES = "yes"


@dataclass(frozen=True)
class Grant:
    """One cell of the table: how far, and whether a reason must be given first."""

    scope: Scope
    reason: bool = False


@dataclass(frozen=True)
class Facts:
    """What is true between one person and one object. All False when the deed is not about an object."""

    own: bool = False
    unit: bool = False
    request: bool = False
    placed: bool = False
    team: bool = False
    checking: bool = False
    restricted: bool = False


@dataclass(frozen=True)
class Decision:
    """The answer: whether, by which row, why in words, and whether a reason must be given."""

    allowed: bool
    rule: str
    why: str
    needs_reason: bool = False


_OWN, _UNIT, _REQUEST = Grant(Scope.OWN), Grant(Scope.UNIT), Grant(Scope.REQUEST)
_PLACED, _ANY, _YES = Grant(Scope.PLACED), Grant(Scope.ANY), Grant(Scope.YES)
_ANY_WITH_REASON = Grant(Scope.ANY, reason=True)

TABLE: Mapping[str, Mapping[str, Grant]] = {
    "watch": {
        "officer": _OWN,
        "supervisor": _UNIT,
        "investigator": _ANY_WITH_REASON,
        "disclosure": _REQUEST,
        "auditor": _ANY_WITH_REASON,
    },
    "see": {
        "officer": _OWN,
        "supervisor": _UNIT,
        "investigator": _ANY,
        "disclosure": _REQUEST,
        "records": _ANY,
        "auditor": _ANY,
    },
    "flag": {"officer": _OWN, "supervisor": _UNIT, "investigator": _ANY},
    "remove-flag-propose": {"supervisor": _UNIT, "investigator": _ANY},
    "remove-flag-confirm": {"records": _ANY},
    "hold": {
        "officer": _OWN,
        "supervisor": _UNIT,
        "investigator": _ANY,
        "disclosure": _ANY,
        "records": _ANY,
        "auditor": _ANY,
    },
    "release-hold": {"investigator": _PLACED, "records": _ANY},
    "restrict": {"supervisor": _UNIT, "investigator": _ANY, "records": _ANY},
    "export": {"investigator": _ANY_WITH_REASON},
    "claim": {"supervisor": _UNIT, "records": _ANY},
    "open-matter": {"investigator": _YES},
    "second-check": {"supervisor": _YES, "disclosure": _YES, "records": _YES},
    "approve-policy-first": {"records": _YES},
    "approve-policy-second": {"records": _YES, "administrator": _YES},
    "confirm-camera": {"fleet": _YES},
    "write-off-propose": {"fleet": _YES},
    "write-off-confirm": {"records": _YES},
    "see-cameras": {"fleet": _YES, "records": _YES, "auditor": _YES},
    "requests": {"disclosure": _YES},
    "see-retention": {"records": _YES, "auditor": _YES, "administrator": _YES},
    "see-log": {"records": _YES, "auditor": _YES},
    "see-accounts": {"administrator": _YES},
    "manage-people": {"administrator": _YES},
}
TEAM_ONLY = frozenset({"watch", "export"})  # deeds that a restriction closes to all but the team

_WHY = {
    Scope.OWN: "You recorded it.",
    Scope.UNIT: "It was recorded in your unit.",
    Scope.REQUEST: "A request assigned to you matches it.",
    Scope.PLACED: "You placed it.",
    Scope.ANY: "Your role reaches every recording.",
    Scope.YES: "It is part of your role.",
}
_ORDER = (Scope.OWN, Scope.UNIT, Scope.REQUEST, Scope.PLACED, Scope.YES, Scope.ANY)  # the closest reason is told first


def decide(roles: Set[str], deed: str, facts: Facts) -> Decision:
    """Say whether somebody with `roles` may do `deed`, given `facts`. Raises KeyError for an unknown deed."""
    grants = [grant for role, grant in TABLE[deed].items() if role in roles]
    if deed == "watch" and facts.checking and roles & TABLE["second-check"].keys():
        usual = decide(roles, deed, replace(facts, checking=False))
        if usual.allowed and not usual.needs_reason:
            return usual  # a right of their own reaches all of it, the check only the span that it is about
        return Decision(True, "watch-to-check", "You check a release that shows it.", needs_reason=facts.restricted)
    if facts.restricted and deed in TEAM_ONLY:
        return _decide_restricted(deed, grants, facts)
    for scope in _ORDER:
        fitting = [grant for grant in grants if grant.scope is scope and _reaches(scope, facts)]
        if fitting:
            free = any(not g.reason for g in grants if _reaches(g.scope, facts))
            return Decision(True, f"{deed}-{scope}", _WHY[scope], needs_reason=not free)
    return Decision(False, f"{deed}-refused", _refusal(deed, grants))


def _decide_restricted(deed: str, grants: list[Grant], facts: Facts) -> Decision:
    in_reach = any(_reaches(grant.scope, facts) for grant in grants)
    if in_reach and (facts.team or facts.request):
        return Decision(True, f"{deed}-team", "It is restricted and you are in its team.", needs_reason=True)
    return Decision(False, f"{deed}-restricted", "It is restricted to its team, and you are not in it.")


def _reaches(scope: Scope, facts: Facts) -> bool:
    if scope in (Scope.ANY, Scope.YES):
        return True
    return {
        Scope.OWN: facts.own,
        Scope.UNIT: facts.unit,
        Scope.REQUEST: facts.request,
        Scope.PLACED: facts.placed,
    }[scope]


def _refusal(deed: str, grants: list[Grant]) -> str:
    if not grants:
        return "None of your roles may do this."
    return {
        Scope.OWN: "You did not record it.",
        Scope.UNIT: "It was not recorded in your unit.",
        Scope.REQUEST: "No request assigned to you matches it.",
        Scope.PLACED: "Somebody else placed it.",
    }.get(grants[0].scope, "None of your roles may do this.")
