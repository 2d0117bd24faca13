"""The deletion clock: when a recording is due, when its deletion is proposed, and when it may be carried out.

Rule: due = max(capture + the policy's days × 24 h, ingest + the policy's least days after ingest). Deletion is proposed
84 h before, waits 72 h whole, and is carried out in the last 12 h. `capture` is the end by the signed clock; where that
clock cannot be believed it is the time of ingest, and the explanation says so. Whatever kept a recording, it gets seven
days after its last reason ended. Days are 24 hours of UTC, so no change of the local clock moves a date.
Source: ruling R1; the Metropolitan Police's rule that unflagged footage goes within 31 days.

Pure: moments come in, moments and sentences go out. No Django, no clock, no database.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

DAY = timedelta(hours=24)
PROPOSE_BEFORE = timedelta(hours=84)
WAIT = timedelta(hours=72)
EXECUTE_BEFORE = timedelta(hours=12)
AFTER_LAST_REASON = 7 * DAY
MOST_DAYS = 31
WARN_DAYS = (7, 3)
CLOCK_LEAP = timedelta(hours=24)
LOG_YEARS, MOST_LOG_YEARS = 6, 100
BRACKET_SLACK = timedelta(minutes=2)  # a clock set at the dock may stand a little before the checkpoint it was given


@dataclass(frozen=True)
class Policy:
    """How long footage that nothing keeps stays: `days` after capture, at least `least_days` after ingest."""

    number: int
    days: int = MOST_DAYS
    least_days: int = 7


@dataclass(frozen=True)
class Facts:
    """What the dates follow from. `after_utc`: when the log's checkpoint that the camera signed was made, if any."""

    ended_utc: datetime
    ingest_utc: datetime
    clock_set: bool
    opened_utc: datetime | None = None
    after_utc: datetime | None = None


@dataclass(frozen=True)
class Capture:
    """The moment that counts as the recording's end, by which rule, and that rule in a sentence."""

    utc: datetime
    rule: str
    step: str


@dataclass(frozen=True)
class Explanation:
    """A date is never bare: the moment, the rule it follows, and the steps that lead to it."""

    utc: datetime
    rule: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Window:
    """When a deletion proposed at `proposed_utc` may be carried out: from `opens_utc` to `due_utc`, both included."""

    proposed_utc: datetime
    opens_utc: datetime
    due_utc: datetime

    def is_open(self, now: datetime) -> bool:
        """Say whether the deletion may be carried out: also later than due, but then with an alarm (`is_late`)."""
        return now >= self.opens_utc

    def is_late(self, now: datetime) -> bool:
        """Say whether carrying it out now would be after the date that was promised."""
        return now > self.due_utc


def choose_capture(facts: Facts) -> Capture:
    """Return the end by the signed clock, or the time of ingest where that clock is contradicted."""
    if not facts.clock_set:
        return _from_ingest(facts, "ingest-clock-not-set", "the camera's clock was not set")
    if facts.ended_utc > facts.ingest_utc:
        return _from_ingest(facts, "ingest-clock-ahead", "the camera's clock says it ended after that")
    started = facts.opened_utc or facts.ended_utc
    if facts.after_utc is not None and started < facts.after_utc - BRACKET_SLACK:
        why = f"the camera's clock says it began before {_utc(facts.after_utc)}, when the camera was last docked"
        return _from_ingest(facts, "ingest-clock-behind", why)
    return Capture(facts.ended_utc, "signed-clock", f"Recording ended {_utc(facts.ended_utc)} by its signed clock.")


def explain_due(facts: Facts, policy: Policy, *, not_before: datetime | None = None) -> Explanation:
    """Return when the recording is due under `policy`. `not_before`: seven days after its last reason to stay ended."""
    capture = choose_capture(facts)
    after_capture = capture.utc + policy.days * DAY
    least = facts.ingest_utc + policy.least_days * DAY
    steps = [capture.step, f"{policy.days} days later is {_utc(after_capture)} (policy version {policy.number})."]
    due, rule = after_capture, f"capture-{policy.days}-days"
    if least > due:
        due, rule = least, "least-after-ingest"
        steps.append(
            f"It was stored {_utc(facts.ingest_utc)}; it stays at least {policy.least_days} days after that, "
            f"until {_utc(least)}."
        )
    if not_before is not None and not_before > due:
        due, rule = not_before, "after-last-reason"
        steps.append(f"What kept it ended; seven days after that is {_utc(not_before)}.")
    if due < facts.ingest_utc + WAIT:
        due, rule = facts.ingest_utc + PROPOSE_BEFORE, "wait-after-ingest"
        steps.append(f"Its deletion waits 72 hours after it was proposed, so it is due {_utc(due)}.")
    return Explanation(due, rule, tuple(steps))


def moved(explanation: Explanation, window: Window) -> Explanation:
    """Return the explanation of a date that a late proposal has moved, or the same one."""
    if window.due_utc <= explanation.utc:
        return explanation
    step = f"Deletion was proposed only {_utc(window.proposed_utc)}; the wait of 72 hours moves it to "
    return replace(
        explanation,
        utc=window.due_utc,
        rule="wait-after-proposal",
        steps=(*explanation.steps, f"{step}{_utc(window.due_utc)}."),
    )


def proposal_due(due_utc: datetime) -> datetime:
    """Return when the deletion is to be proposed."""
    return due_utc - PROPOSE_BEFORE


def window_of(due_utc: datetime, proposed_utc: datetime) -> Window:
    """Return when a deletion may be carried out; a proposal too late for the whole wait moves the due date."""
    due = due_utc if proposed_utc + WAIT <= due_utc else proposed_utc + PROPOSE_BEFORE
    return Window(proposed_utc, max(due - EXECUTE_BEFORE, proposed_utc + WAIT), due)


def after_last_reason(ended_utc: datetime) -> datetime:
    """Return the earliest due date once the last reason to keep a recording has ended."""
    return ended_utc + AFTER_LAST_REASON


def kept_longer_because_late(facts: Facts, due_utc: datetime) -> bool:
    """Say whether only its coming late keeps it beyond capture + 31 days, by the camera's clock."""
    return due_utc > facts.ended_utc + MOST_DAYS * DAY


def warnings_due(due_utc: datetime, now: datetime) -> tuple[int, ...]:
    """Return which of the warnings (days ahead) should have been given by now."""
    return tuple(days for days in WARN_DAYS if now >= due_utc - days * DAY)


def clock_leapt(last_utc: datetime | None, now: datetime) -> bool:
    """Say whether the clock moved on by more than a day since the last look: then a person must confirm it."""
    return last_utc is not None and now - last_utc > CLOCK_LEAP


def years_before(now: datetime, years: int) -> datetime:
    """Return the last moment that is `years` whole calendar years of UTC ago at `now`; what ended by then is as old.

    Years are counted from date to date at the same time of day. What ended on 29 February is as old as that when
    1 March begins in a year that has no such day: the words then stay part of a day longer, and no order is turned.
    """
    utc = now.astimezone(UTC)
    try:
        return utc.replace(year=utc.year - years)
    except ValueError:  # 29 February, and the year so long ago had none: all that ended before its 1 March
        return datetime(utc.year - years, 3, 1, tzinfo=UTC) - timedelta(microseconds=1)


def _from_ingest(facts: Facts, rule: str, why: str) -> Capture:
    step = f"Counted from when it was stored, {_utc(facts.ingest_utc)}, because {why}."
    return Capture(facts.ingest_utc, rule, step)


def _utc(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%a} {utc.day} {utc:%b %Y, %H:%M:%S} UTC"
