"""What an administrator does with people and units. Each deed logs an ACCOUNT event in its own transaction."""

from collections.abc import Iterable

from allauth.account.models import EmailAddress

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from openbwv.custody import EventType
from openbwv.recording.errors import EXIT_NOT_PERMITTED, EXIT_USAGE, BwvError
from openbwv.server.people.models import Person, Role, RoleHeld, Unit, UnitKind
from openbwv.server.people.units import BOROUGHS, SPECIALIST_UNITS, code_of
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock


class NotPermitted(BwvError):
    """Somebody asked for a deed that their roles do not allow. `rule` names the row of docs/ref/roles.md."""

    code = "not-permitted"
    http_status = 403
    exit_code = EXIT_NOT_PERMITTED

    def __init__(self, *, what: str, remedy: str, rule: str = "") -> None:
        super().__init__(what=what, remedy=remedy)
        self.rule = rule


class PersonProblem(BwvError):
    """An account cannot be made or changed as asked."""

    code = "person-problem"
    http_status = 400
    exit_code = EXIT_USAGE


def ensure_units() -> int:
    """Make every borough and specialist unit that is not there yet; return how many were made."""
    wanted = [(name, UnitKind.BOROUGH) for name in BOROUGHS] + [
        (name, UnitKind.SPECIALIST) for name in SPECIALIST_UNITS
    ]
    there = set(Unit.objects.values_list("code", flat=True))
    missing = [Unit(code=code_of(name), name=name, kind=kind) for name, kind in wanted if code_of(name) not in there]
    Unit.objects.bulk_create(missing)
    return len(missing)


def add_unit(*, name: str, kind: str, actor: Person | None, actor_label: str = "", why: str = "", clock: Clock) -> Unit:
    """Add a unit. Raises PersonProblem when its code is taken or the kind unknown."""
    if kind not in UnitKind.values or not code_of(name):
        raise PersonProblem(what=f"'{kind}' is not a kind of unit.", remedy=f"Use one of {', '.join(UnitKind.values)}.")
    with transaction.atomic():
        if Unit.objects.filter(code=code_of(name)).exists():
            raise PersonProblem(what=f"There is already a unit {code_of(name)}.", remedy="Use that one.")
        unit = Unit.objects.create(code=code_of(name), name=name, kind=kind)
        _log({"deed": "add-unit", "unit": unit.code}, actor, actor_label, why=why, clock=clock)
    return unit


def add_person(
    *,
    username: str,
    display_name: str,
    password: str,
    roles: Iterable[str] = (),
    unit: Unit | None = None,
    collar: str = "",
    email: str = "",
    actor: Person | None,
    actor_label: str = "",
    why: str = "",
    clock: Clock,
) -> Person:
    """Add somebody with an account. Raises PersonProblem for a taken name, weak password or unknown role."""
    chosen = _known_roles(roles)
    person = Person(username=username, display_name=display_name, unit=unit, collar=collar, email=email)
    _check_password(password, person)
    with transaction.atomic():
        if Person.objects.filter(username__iexact=username).exists():
            raise PersonProblem(what=f"There is already an account {username}.", remedy="Choose another user name.")
        try:
            person.set_password(password)
            person.full_clean()
        except ValidationError as error:
            raise PersonProblem(what=" ".join(error.messages), remedy="Correct it and try again.") from error
        person.save()
        RoleHeld.objects.bulk_create(RoleHeld(person=person, role=role) for role in chosen)
        _log({"deed": "add-person", "person": username, "roles": chosen}, actor, actor_label, why=why, clock=clock)
    return person


def change_person(
    *,
    person: Person,
    roles: Iterable[str] | None = None,
    unit: Unit | str | None = "unchanged",
    active: bool | None = None,
    email: str | None = None,
    actor: Person | None,
    actor_label: str = "",
    why: str = "",
    clock: Clock,
) -> Person:
    """Set roles, unit, e-mail address, or whether the account is open; what is not given stays.

    Nobody changes their own account. Raises NotPermitted, PersonProblem.
    """
    if actor and actor.pk == person.pk:
        raise NotPermitted(
            what="You cannot change your own account.", remedy="Ask another administrator.", rule="people-not-own"
        )
    changes: dict[str, object] = {"deed": "change-person", "person": person.username}
    with transaction.atomic():
        if roles is not None:
            changes["roles"] = chosen = _known_roles(roles)
            person.roles_held.exclude(role__in=chosen).delete()
            held = set(person.roles_held.values_list("role", flat=True))
            RoleHeld.objects.bulk_create(RoleHeld(person=person, role=role) for role in chosen if role not in held)
        if unit != "unchanged":
            person.unit = unit
            changes["unit"] = unit.code if unit else None
        if active is not None:
            person.is_active = changes["active"] = active
        if email is not None and email != person.email:
            person.email, changes["email_changed"] = email, True
            # allauth notes an address when a link is first sent there, and would go on sending links to it.
            EmailAddress.objects.filter(user=person).delete()
        person.save()
        _log(changes, actor, actor_label, why=why, clock=clock)
    return Person.objects.get(pk=person.pk)


def set_password(
    *, person: Person, password: str, actor: Person | None, actor_label: str = "", why: str = "", clock: Clock
) -> None:
    """Give somebody a new password. Raises PersonProblem when it is weak."""
    _check_password(password, person)
    with transaction.atomic():
        person.set_password(password)
        person.save(update_fields=["password"])
        _log({"deed": "set-password", "person": person.username}, actor, actor_label, why=why, clock=clock)


def _known_roles(roles: Iterable[str]) -> list[str]:
    chosen = sorted(set(roles))
    unknown = [role for role in chosen if role not in Role.values]
    if unknown:
        raise PersonProblem(what=f"There is no role '{unknown[0]}'.", remedy=f"Use one of {', '.join(Role.values)}.")
    return chosen


def _check_password(password: str, person: Person) -> None:
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise PersonProblem(what=" ".join(error.messages), remedy="Choose another password.") from error


def _log(details: dict[str, object], actor: Person | None, actor_label: str, *, why: str, clock: Clock) -> None:
    log_event(
        EventType.ACCOUNT, actor=actor, actor_label=actor_label, why=why, rule="people", details=details, clock=clock
    )
