"""A copy for the asker: planned by one person, made by a job, checked by a second, handed out by secret and code."""

import hashlib
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

from openbwv.custody import EventType
from openbwv.recording.errors import BwvError
from openbwv.server.clock import utc
from openbwv.server.disclosure.errors import NotDecidable, NotReleasable, WrongAnswers
from openbwv.server.disclosure.given import CHECKED, GIVING
from openbwv.server.disclosure.mail import USED, write_message
from openbwv.server.disclosure.models import (
    Match,
    OutboxMessage,
    Release,
    ReleaseState,
    Request,
    RequestState,
)
from openbwv.server.disclosure.secrets import check_limit, count_attempt, new_code, use_code
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.models import Person
from openbwv.server.people.rights import ReasonMissing, may, need_reason, require
from openbwv.server.redaction.encode import NoReleaseCopy, release_copy
from openbwv.server.redaction.plan import Plan
from openbwv.server.retention.second import note_opened, require_second
from openbwv.server.trail.actions import log_event, wait_for_leaf
from openbwv.server.vault import door
from openbwv.shared.clock import Clock

REPLACEABLE = (ReleaseState.PLANNED, ReleaseState.FAILED, ReleaseState.MADE, ReleaseState.CHECKED)


def plan_release(
    *, match: Match, plan: dict[str, Any], checker: Person, actor: Person, session: str, clock: Clock
) -> Release:
    """Plan a copy and have it made; `checker` is the second person. A copy planned before for the match is dropped.

    Raises BadPlan, WrongAnswers, NotDecidable, NotPermitted.
    """
    require(actor, "requests")
    request = match.request
    _mine(request, actor)
    if checker.pk == actor.pk or not may(checker, "second-check").allowed:
        raise WrongAnswers(
            what="The second person must be somebody else who may check releases.",
            remedy="Choose a supervisor, another disclosure officer or a records manager.",
        )
    if match.state not in GIVING:
        raise NotDecidable(
            what="This recording is not to be released.", remedy="Decide first that it is, in full or in part."
        )
    chosen = Plan.from_json(plan, duration_ms=match.recording.duration_ms)
    from openbwv.server.disclosure.jobs import make_copy

    with transaction.atomic():
        Release.objects.filter(match=match, state__in=REPLACEABLE).update(state=ReleaseState.REPLACED)
        release = Release.objects.create(
            match=match,
            plan=chosen.as_json(),
            planned_by=actor,
            planned_utc=utc(clock),
            planned_session=session,
            checker=checker,
        )
        _log(release, "planned", actor=actor, clock=clock, plan=chosen.as_json(), checker=checker.username)
        make_copy.enqueue(release.pk)
    return release


def make_release(release: Release, *, clock: Clock) -> Release:
    """Make the planned copy and keep it sealed. Idempotent. A copy that cannot be made is FAILED with its reason;

    a log or key service that is down raises, and the task is tried again.
    """
    release = Release.objects.select_related("match__request", "match__recording", "planned_by").get(pk=release.pk)
    if release.state != ReleaseState.PLANNED:
        return release
    recording, request = release.match.recording, release.match.request
    plan = Plan.from_json(release.plan, duration_ms=recording.duration_ms)
    tally = _Tally()
    try:
        with door.open_for_job(
            recording=recording,
            purpose="release",
            actor=release.planned_by,
            why=f"Release copy {release.pk} for {request.reference}",
            request=request,
            clock=clock,
        ) as opened:
            units = (data for _, data in opened.fragments())
            with release_copy(units, plan) as pieces:
                stored = opened.put_derived("release", f"release-{release.pk}", tally.over(pieces))
    except NoReleaseCopy as problem:
        return _failed(release, problem)
    with transaction.atomic():
        done = Release.objects.filter(pk=release.pk, state=ReleaseState.PLANNED).update(
            state=ReleaseState.MADE, object=stored, sha256=tally.digest, length=tally.length, problem=""
        )
        if done:
            _log(release, "made", actor=None, clock=clock, sha256=tally.digest.hex(), length=tally.length)
    release.refresh_from_db()
    return release


def open_copy(*, release: Release, actor: Person, session: str, clock: Clock) -> Iterator[bytes]:
    """Let the officer or the chosen checker watch the copy, logged as VIEW with the request's reference (R3).

    The VIEW is in the log before a byte leaves; marked `copy`, it does not make the key service open the original.
    Raises NotPermitted, NotReleasable, LogNotRunning. Call it outside a transaction.
    """
    if actor.pk not in (release.checker_id, release.match.request.assigned_to_id):
        raise NotPermitted(
            what="You may not watch this copy.", remedy="Its disclosure officer chooses who checks it.", rule="release"
        )
    if release.object is None:
        raise NotReleasable(what="The copy is not made yet.", remedy="Wait a moment and load the page again.")
    with transaction.atomic():
        event = log_event(
            EventType.VIEW,
            recording=release.match.recording,
            actor=actor,
            why=f"To check the release copy of {release.match.request.reference}",
            rule="watch-release-copy",
            details={"request": release.match.request.reference, "release": release.pk, "copy": True},
            clock=clock,
        )
    wait_for_leaf(event)
    note_opened(what=f"release:{release.pk}", person=actor, session=session, clock=clock)
    return door.release_chunks(release.object)


def check_release(*, release: Release, agree: bool, note: str, actor: Person, session: str, clock: Clock) -> Release:
    """Say as the chosen second person whether the copy may leave. Raises SecondPersonNeeded, NotPermitted."""
    require(actor, "second-check")
    if not agree and not note.strip():
        raise ReasonMissing(what="Say what must be changed.", remedy="Write it for the officer who made the copy.")
    with transaction.atomic():
        rows = Release.objects.select_for_update(of=("self",))  # its officer may be replacing it at this moment
        release = rows.select_related("match__request", "planned_by").get(pk=release.pk)
        if release.checker_id != actor.pk:
            raise NotPermitted(
                what="You were not chosen to check this copy.", remedy="Nothing to do.", rule="release-checker"
            )
        if release.state != ReleaseState.MADE:
            raise NotDecidable(what="This copy does not wait for a check.", remedy="Load the page again.")
        require_second(
            what=f"release:{release.pk}",
            first=release.planned_by,
            first_session=release.planned_session,
            person=actor,
            session=session,
        )
        release.state = ReleaseState.CHECKED if agree else ReleaseState.DECLINED
        release.checked_by, release.checked_utc, release.check_note = actor, utc(clock), note.strip()
        release.save()
        _log(release, "checked" if agree else "declined", actor=actor, clock=clock, why=note.strip())
    return release


def send_code(*, request: Request, address: str, clock: Clock) -> None:
    """Send a one-time code to the asker's address. Raises NotReleasable when there is no e-mail address."""
    now = timezone.now()
    check_limit("code", address, now)
    count_attempt("code", address, now)
    if not request.email:
        raise NotReleasable(
            what="We have no e-mail address of yours to send a code to.",
            remedy="Write or call and say your reference; you can collect the copy.",
        )
    with transaction.atomic():
        row, digits = new_code(request, now)
        text = f"Your code is {digits}. It is good for 10 minutes and one download."
        row.message = write_message(request, "Your code", text, clock=clock)
        row.save(update_fields=["message"])


def may_leave(release: Release, request: Request) -> bool:
    """Say whether this copy was checked for this request, whose officer has not decided otherwise since."""
    match = Match.objects.get(pk=release.match_id)
    checked = release.state in CHECKED and release.object is not None
    return checked and match.request_id == request.pk and match.state in GIVING


def hand_out(*, request: Request, release: Release, digits: str, address: str, clock: Clock) -> Iterator[bytes]:
    """Give a checked copy to its asker for a one-time code; logs RELEASE before the first byte leaves.

    The caller has judged reference and secret. Raises CodeWrong, TooMany, NotReleasable.
    """
    if request.state != RequestState.DECIDED or not may_leave(release, request):
        raise NotReleasable(what="There is no such copy to download.", remedy="Look at your request's page.")
    code = use_code(request, digits, address=address, now=timezone.now())
    with transaction.atomic():
        if code.message_id:
            OutboxMessage.objects.filter(pk=code.message_id).update(body=USED)
        _note_handed_out(
            release, request, actor=None, why=request.reference, rule="reference, secret and one-time code", clock=clock
        )
    return door.release_chunks(release.object)


def hand_over(*, request: Request, release: Release, shown: str, actor: Person, clock: Clock) -> Iterator[bytes]:
    """Give a checked copy to an asker who has come for it: by the request's officer, who has seen who they are.

    It is how somebody without an e-mail address gets theirs. Logs RELEASE before the first byte leaves. Raises
    NotPermitted, NotReleasable, ReasonMissing.
    """
    rule = require(actor, "requests").rule
    _mine(request, actor)
    shown = need_reason(
        shown, what="Say what they showed you.", remedy="For example: passport, and the page with the secret."
    )
    if request.state != RequestState.DECIDED or not may_leave(release, request):
        raise NotReleasable(
            what="This copy cannot be handed over yet.", remedy="Have it checked and answer the request first."
        )
    with transaction.atomic():
        _note_handed_out(release, request, actor=actor, why=shown, rule=rule, clock=clock)
    return door.release_chunks(release.object)


def _note_handed_out(
    release: Release, request: Request, *, actor: Person | None, why: str, rule: str, clock: Clock
) -> None:
    """Note in the caller's transaction that a copy leaves, by an officer's hand or, without `actor`, by code.

    Raises NotReleasable for one that was replaced since it was looked at.
    """
    handed_utc = release.handed_utc or utc(clock)
    still = Release.objects.filter(pk=release.pk, state__in=CHECKED)
    if not still.update(state=ReleaseState.HANDED_OUT, handed_utc=handed_utc):
        raise NotReleasable(what="Another copy is made in the place of this one.", remedy="Wait until it is checked.")
    details = {
        "request": request.reference,
        "release": release.pk,
        "sha256": bytes(release.sha256).hex(),
        "length": release.length,
    }
    log_event(
        EventType.RELEASE,
        recording=release.match.recording,
        actor=actor,
        actor_label="" if actor else "asker",
        why=why,
        rule=rule,
        details=details | ({"deed": "handed-over"} if actor else {}),
        clock=clock,
    )


class _Tally:
    """Hash and length of what passes through."""

    def __init__(self) -> None:
        self._digest, self.length = hashlib.sha256(), 0

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    def over(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._digest.update(piece)
            self.length += len(piece)
            yield piece


def _failed(release: Release, problem: BwvError) -> Release:
    Release.objects.filter(pk=release.pk).update(state=ReleaseState.FAILED, problem=problem.what[:300])
    release.refresh_from_db()
    return release


def _mine(request: Request, actor: Person) -> None:
    if request.assigned_to_id != actor.pk:
        raise NotPermitted(
            what="This request is not assigned to you.", remedy="Take it first.", rule="request-assigned"
        )


def _log(release: Release, deed: str, *, actor: Person | None, clock: Clock, why: str = "", **more: Any) -> None:
    log_event(
        EventType.DECISION,
        recording=release.match.recording,
        actor=actor,
        actor_label="" if actor else "job release",
        why=why,
        rule="release-copy",
        details={"deed": deed, "request": release.match.request.reference, "release": release.pk, **more},
        clock=clock,
    )
