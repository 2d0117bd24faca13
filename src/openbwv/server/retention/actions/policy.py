"""Policy versions: one person proposes, a second who has opened the list of what it would delete approves (R1)."""

from collections.abc import Iterator

from django.db import transaction
from django.db.models import Max, QuerySet

from openbwv.custody import EventType
from openbwv.server.clock import from_ms, utc
from openbwv.server.evidence.models import Recording, State
from openbwv.server.people.models import Person
from openbwv.server.people.rights import need_reason, require
from openbwv.server.retention import rules
from openbwv.server.retention.dates import compute, rule_policy
from openbwv.server.retention.errors import PolicyOver, PolicyWrong
from openbwv.server.retention.models import RUNNING_STATES, PolicyVersion
from openbwv.server.retention.second import require_second
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock

BATCH = 1000


def propose_policy(
    *,
    days: int,
    least_days: int,
    log_years: int = rules.LOG_YEARS,
    reason: str,
    actor: Person,
    session: str,
    clock: Clock,
) -> PolicyVersion:
    """Propose a version; it changes nothing until a second person approves it.

    `log_years`: how long the words of events stay. Raises PolicyWrong for periods outside 1 to 31 days (0 to 31 after
    ingest) or 1 to 100 years, NotPermitted, ReasonMissing.
    """
    decision = require(actor, "approve-policy-first")
    need_reason(reason)
    if not 1 <= log_years <= rules.MOST_LOG_YEARS:
        raise PolicyWrong(
            what=f"The words of events cannot be kept {log_years} years.",
            remedy=f"Use 1 to {rules.MOST_LOG_YEARS} years.",
        )
    if not 1 <= days <= rules.MOST_DAYS or not 0 <= least_days <= rules.MOST_DAYS:
        raise PolicyWrong(
            what=f"Footage cannot be kept {days} days after recording and {least_days} after it was stored.",
            remedy="Use 1 to 31 days after recording, and 0 to 31 after it was stored.",
        )
    with transaction.atomic():
        number = (PolicyVersion.objects.aggregate(last=Max("number"))["last"] or 0) + 1
        policy = rules.Policy(number, days, least_days)
        version = PolicyVersion.objects.create(
            number=number,
            days=days,
            least_days=least_days,
            log_years=log_years,
            reason=reason.strip(),
            proposed_by=actor,
            proposed_utc=utc(clock),
            proposed_session=session,
            shortens=sum(1 for _ in earlier_under(policy)),
        )
        _log(version, "proposed", actor=actor, why=reason, rule=decision.rule, clock=clock)
    return version


def approve_policy(*, version: PolicyVersion, reason: str, actor: Person, session: str, clock: Clock) -> PolicyVersion:
    """Bring a version into force as the second person, and give every recording its date under it.

    Raises SecondPersonNeeded, PolicyOver, NotPermitted, ReasonMissing.
    """
    decision = require(actor, "approve-policy-second")
    need_reason(reason)
    with transaction.atomic():
        version = PolicyVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        _still_open(version)
        require_second(
            what=f"policy:{version.number}",
            first=version.proposed_by,
            first_session=version.proposed_session,
            person=actor,
            session=session,
        )
        version.approved_by, version.approved_utc = actor, utc(clock)
        version.save()
        _log(version, "approved", actor=actor, why=reason, rule=decision.rule, clock=clock)
        _date_anew(rule_policy(version))
    return version


def withdraw_policy(*, version: PolicyVersion, reason: str, actor: Person, clock: Clock) -> PolicyVersion:
    """Drop a proposal."""
    decision = require(actor, "approve-policy-first")
    need_reason(reason)
    with transaction.atomic():
        version = PolicyVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        _still_open(version)
        version.withdrawn_utc = utc(clock)
        version.save()
        _log(version, "withdrawn", actor=actor, why=reason, rule=decision.rule, clock=clock)
    return version


def earlier_under(policy: rules.Policy) -> Iterator[tuple[Recording, rules.Explanation]]:
    """Yield what `policy` would delete earlier than now, with its new date: what its second person must see."""
    for recording in _dated().iterator(chunk_size=BATCH):
        explained, _ = compute(recording, policy)
        if explained.utc < from_ms(recording.due_explained["utc_ms"]):
            yield recording, explained


def _date_anew(policy: rules.Policy) -> None:
    """Write every date under the new policy; a deletion that was proposed already runs on under the date promised."""
    batch: list[Recording] = []
    waiting = _dated().exclude(deletions__state__in=RUNNING_STATES)
    for recording in waiting.iterator(chunk_size=BATCH):
        explained, kept = compute(recording, policy)
        if recording.retain_until_utc is not None:  # empty: parked while a flag keeps it
            recording.retain_until_utc = explained.utc
        recording.due_explained = kept
        batch.append(recording)
        if len(batch) == BATCH:
            Recording.objects.bulk_update(batch, ["retain_until_utc", "due_explained"])
            batch.clear()
    Recording.objects.bulk_update(batch, ["retain_until_utc", "due_explained"])


def _dated() -> QuerySet[Recording]:
    return Recording.objects.filter(state=State.STORED, due_explained__has_key="utc_ms").order_by("pk")


def _still_open(version: PolicyVersion) -> None:
    if version.approved_utc is not None or version.withdrawn_utc is not None:
        raise PolicyOver(what=f"{version} has been decided already.", remedy="Propose a new version.")


def _log(version: PolicyVersion, deed: str, *, actor: Person, why: str, rule: str, clock: Clock) -> None:
    log_event(
        EventType.POLICY,
        actor=actor,
        why=why.strip(),
        rule=rule,
        details={
            "deed": deed,
            "version": version.number,
            "days": version.days,
            "least_days": version.least_days,
            "log_years": version.log_years,
            "shortens": version.shortens,
        },
        clock=clock,
    )
