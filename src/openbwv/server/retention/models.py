"""What keeps recordings, what deletes them, and what is left: holds, policy versions, deletions, certificates."""

from django.conf import settings
from django.db import models

PERSON = settings.AUTH_USER_MODEL
RECORDING = "evidence.Recording"


class HoldKind(models.TextChoices):
    """Where a hold comes from."""

    PERSON = "person", "Placed by a person"
    REQUEST = "request", "A request for footage"
    COMPLAINT = "complaint", "A complaint"
    STANDING = "standing", "The standing hold of a request"


class Hold(models.Model):
    """One reason not to delete a recording, in force until it is released."""

    recording = models.ForeignKey(RECORDING, on_delete=models.PROTECT, related_name="holds", help_text="what is held")
    kind = models.CharField(max_length=9, choices=HoldKind.choices, help_text="where it comes from")
    reason = models.TextField(help_text="why; removed with the recording")
    placed_by = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="holds_placed", help_text="who; empty: a request"
    )
    placed_utc = models.DateTimeField(help_text="when")
    review_date = models.DateField(null=True, blank=True, help_text="look at it again on this day")
    request = models.ForeignKey(
        "disclosure.Request", null=True, on_delete=models.PROTECT, related_name="holds", help_text="for which request"
    )
    release_asked_by = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="+", help_text="first of two who release it"
    )
    release_asked_utc = models.DateTimeField(null=True, help_text="when the first of two asked")
    release_session = models.CharField(max_length=64, blank=True, help_text="hash of the first person's session")
    released_by = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="holds_released", help_text="who released it"
    )
    released_utc = models.DateTimeField(null=True, blank=True, help_text="when it was released")
    released_reason = models.TextField(blank=True, help_text="why it was released")

    class Meta:
        ordering = ("placed_utc", "id")
        indexes = [
            models.Index(fields=("recording",), condition=models.Q(released_utc=None), name="hold_in_force"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=HoldKind.values), name="hold_kind_known"),
            models.CheckConstraint(
                name="hold_release_two_people",
                condition=models.Q(release_asked_by=None)
                | models.Q(released_by=None)
                | ~models.Q(release_asked_by=models.F("released_by")),
            ),
            models.UniqueConstraint(
                fields=("recording", "request"),
                condition=models.Q(released_utc=None) & models.Q(request__isnull=False),
                name="one_hold_per_request_and_recording",
            ),
        ]

    def __str__(self) -> str:
        return f"hold {self.pk} on {self.recording_id}"


class PolicyVersion(models.Model):
    """How long footage that nothing keeps stays; in force once a second person has approved it."""

    number = models.PositiveIntegerField(unique=True, help_text="version, counted up from 1")
    days = models.PositiveSmallIntegerField(help_text="days of 24 hours after capture")
    least_days = models.PositiveSmallIntegerField(help_text="least days after ingest")
    log_years = models.PositiveSmallIntegerField(
        default=6, help_text="years after which the words of events go, and whom they are about"
    )
    reason = models.TextField(help_text="why it was proposed")
    proposed_by = models.ForeignKey(
        PERSON, on_delete=models.PROTECT, related_name="policies_proposed", help_text="first of two"
    )
    proposed_utc = models.DateTimeField(help_text="when it was proposed")
    proposed_session = models.CharField(max_length=64, help_text="hash of the first person's session")
    shortens = models.PositiveIntegerField(default=0, help_text="recordings that would go earlier, when proposed")
    approved_by = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="policies_approved", help_text="second of two"
    )
    approved_utc = models.DateTimeField(null=True, help_text="when it came into force")
    withdrawn_utc = models.DateTimeField(null=True, help_text="when the proposal was dropped")

    class Meta:
        ordering = ("-number",)
        constraints = [
            models.CheckConstraint(
                name="policy_two_people",
                condition=models.Q(approved_by=None) | ~models.Q(approved_by=models.F("proposed_by")),
            ),
            models.CheckConstraint(
                name="policy_approved_whole",
                condition=models.Q(approved_by=None, approved_utc=None)
                | models.Q(approved_by__isnull=False, approved_utc__isnull=False, withdrawn_utc=None),
            ),
            models.CheckConstraint(
                name="policy_within_31_days", condition=models.Q(days__gte=1, days__lte=31, least_days__lte=31)
            ),
            models.CheckConstraint(
                name="policy_log_years_bounded", condition=models.Q(log_years__gte=1, log_years__lte=100)
            ),
        ]

    def __str__(self) -> str:
        return f"policy version {self.number}"


class DeletionState(models.TextChoices):
    """How far a deletion is. The second text is the sentence for the reader."""

    PROPOSED = "proposed", "Proposed; the wait of 72 hours runs"
    AUTHORISED = "authorised", "Authorised"
    DELETING = "deleting", "Past the point of no return"
    ERASED = "erased", "Erased; copies of the key table may still exist"
    IRRECOVERABLE = "irrecoverable", "Irrecoverable"
    CANCELLED = "cancelled", "Cancelled; the recording is kept"


OPEN_STATES = (DeletionState.PROPOSED, DeletionState.AUTHORISED)
RUNNING_STATES = (*OPEN_STATES, DeletionState.DELETING)
GONE_STATES = (DeletionState.ERASED, DeletionState.IRRECOVERABLE)


class DeletionCause(models.TextChoices):
    """What orders a deletion."""

    POLICY = "policy", "The retention policy"
    EARLY = "early", "Two people, before its time"


class Deletion(models.Model):
    """One run of the deletion of one recording, from proposal to irrecoverable, or cancelled."""

    recording = models.ForeignKey(RECORDING, on_delete=models.PROTECT, related_name="deletions", help_text="of what")
    cause = models.CharField(max_length=6, choices=DeletionCause.choices, help_text="what orders it")
    state = models.CharField(max_length=13, choices=DeletionState.choices, help_text="how far it is")
    rule = models.CharField(max_length=60, help_text="rule of the due date")
    due_utc = models.DateTimeField(help_text="to be carried out by then")
    opens_utc = models.DateTimeField(help_text="not to be carried out before")
    proposed_utc = models.DateTimeField(help_text="when the wait began")
    proposed_by = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="+", help_text="first of two, for an early deletion"
    )
    proposed_session = models.CharField(max_length=64, blank=True, help_text="hash of the first person's session")
    reason = models.TextField(blank=True, help_text="why, for an early deletion")
    approved_by = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="+", help_text="second of two, for an early deletion"
    )
    policy = models.ForeignKey(
        PolicyVersion, null=True, on_delete=models.PROTECT, related_name="deletions", help_text="what authorised it"
    )
    authorised_utc = models.DateTimeField(null=True, help_text="when it was authorised")
    erased_utc = models.DateTimeField(null=True, help_text="when wrap and media were removed")
    irrecoverable_utc = models.DateTimeField(null=True, help_text="when the key that wrapped its key was destroyed")
    cancelled_utc = models.DateTimeField(null=True, help_text="when it was cancelled")
    cancelled_because = models.CharField(max_length=300, blank=True, help_text="what kept the recording")
    proposed_event = models.OneToOneField(
        "trail.Event", null=True, on_delete=models.PROTECT, related_name="+", help_text="DELETE_PROPOSED"
    )
    authorised_event = models.OneToOneField(
        "trail.Event", null=True, on_delete=models.PROTECT, related_name="+", help_text="DELETE_AUTHORISED"
    )
    erased_event = models.OneToOneField(
        "trail.Event", null=True, on_delete=models.PROTECT, related_name="+", help_text="ERASED"
    )
    kek_id = models.CharField(max_length=40, blank=True, help_text="retention key that wrapped it last")
    removed = models.JSONField(default=list, blank=True, help_text="[[kind, SHA-256 of its name (hex), bytes], …]")
    copies_known = models.JSONField(default=list, blank=True, help_text="exports and releases that left before")
    problem = models.CharField(max_length=300, blank=True, help_text="why the last try did not end well")
    removal = models.ForeignKey(
        "trail.Event", null=True, on_delete=models.PROTECT, related_name="+", help_text="TEXT_REMOVED: trail's words"
    )

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(
                fields=("opens_utc",),
                condition=models.Q(state__in=("proposed", "authorised", "deleting")),
                name="deletion_running",
            ),
            models.Index(fields=("kek_id",), condition=models.Q(state="erased"), name="deletion_waits_for_key"),
            models.Index(
                fields=("irrecoverable_utc",),
                condition=models.Q(state="irrecoverable", removal=None),
                name="deletion_trail_has_words",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=DeletionState.values), name="deletion_state_known"),
            models.UniqueConstraint(
                fields=("recording",),
                condition=~models.Q(state="cancelled"),
                name="one_deletion_at_a_time",
            ),
            models.CheckConstraint(
                name="deletion_waits",
                condition=models.Q(opens_utc__gt=models.F("proposed_utc")),
            ),
            models.CheckConstraint(
                name="deletion_two_people",
                condition=models.Q(approved_by=None) | ~models.Q(approved_by=models.F("proposed_by")),
            ),
        ]

    def __str__(self) -> str:
        return f"deletion {self.pk} of {self.recording_id}"


class Certificate(models.Model):
    """The signed word about one deletion, in two phases, with what it cannot prove."""

    deletion = models.OneToOneField(
        Deletion, on_delete=models.PROTECT, related_name="certificate", help_text="of which deletion"
    )
    cert_id = models.BinaryField(max_length=16, unique=True, help_text="its number, 16 random bytes")
    phase1 = models.BinaryField(
        null=True, help_text="COSE_Sign1 by the records key: erased online; removed with the trail's words"
    )
    phase1_sha256 = models.BinaryField(max_length=32, null=True, help_text="hash of phase 1, once that was removed")
    phase1_utc = models.DateTimeField(help_text="when phase 1 was signed")
    phase2 = models.BinaryField(null=True, help_text="COSE_Sign1 by the records key: irrecoverable")
    phase2_utc = models.DateTimeField(null=True, help_text="when phase 2 was signed")
    phase2_sha256 = models.BinaryField(max_length=32, null=True, help_text="hash of phase 2, once that was removed")

    def __str__(self) -> str:
        return f"certificate {bytes(self.cert_id).hex()}"


class FlagRemoval(models.Model):
    """A flag is taken off by two people: one proposes, the records manager confirms or declines."""

    flag = models.ForeignKey("evidence.Flag", on_delete=models.PROTECT, related_name="removals", help_text="which flag")
    proposed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+", help_text="first of two")
    proposed_utc = models.DateTimeField(help_text="when it was proposed")
    proposed_session = models.CharField(max_length=64, blank=True, help_text="hash of the first person's session")
    reason = models.TextField(help_text="why it should go")
    confirmed_by = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="+", help_text="records manager who decided"
    )
    confirmed_utc = models.DateTimeField(null=True, help_text="when it was decided")
    declined = models.BooleanField(default=False, help_text="the records manager said no")
    decision_reason = models.TextField(blank=True, help_text="why it was decided so")

    class Meta:
        ordering = ("proposed_utc", "id")
        constraints = [
            models.CheckConstraint(
                name="flag_removal_two_people",
                condition=models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("proposed_by")),
            ),
            models.UniqueConstraint(
                fields=("flag",), condition=models.Q(confirmed_utc=None), name="one_flag_removal_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"removal of flag {self.flag_id}"


class Opened(models.Model):
    """Somebody has opened a page that asks for a second person; only then may they approve what it shows."""

    what = models.CharField(max_length=60, help_text="such as policy:3 or release:12")
    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="+", help_text="who opened it")
    session = models.CharField(max_length=64, help_text="hash of the session it was opened in")
    opened_utc = models.DateTimeField(help_text="when, the first time")

    class Meta:
        constraints = [models.UniqueConstraint(fields=("what", "person", "session"), name="opened_once")]

    def __str__(self) -> str:
        return f"{self.person_id} opened {self.what}"


class DeletionNotice(models.Model):
    """Owner and supervisor were told that a recording is about to be deleted."""

    recording = models.ForeignKey(RECORDING, on_delete=models.CASCADE, related_name="notices", help_text="which")
    days_ahead = models.PositiveSmallIntegerField(help_text="7 or 3")
    due_utc = models.DateTimeField(help_text="the date they were told")
    made_utc = models.DateTimeField(help_text="when they were told")

    class Meta:
        ordering = ("due_utc", "id")
        constraints = [models.UniqueConstraint(fields=("recording", "days_ahead", "due_utc"), name="notice_once")]

    def __str__(self) -> str:
        return f"{self.days_ahead} days ahead of {self.recording_id}"


class AlarmKind(models.TextChoices):
    """What the deletion job shouts about. The second text is the sentence for the reader."""

    CLOCK_LEAPT = "clock-leapt", "The clock leapt ahead; nothing is deleted until somebody confirms it"
    NO_POLICY = "no-policy", "No retention policy is in force; nothing is deleted"
    OVERDUE = "overdue", "A recording was not deleted by its date"
    REFUSED = "refused", "The key service refused to drop a key"
    FAILED = "failed", "A deletion could not be carried out"


class Alarm(models.Model):
    """Something about deletion that a person must see. It stays on the home page until it is over or looked at."""

    kind = models.CharField(max_length=12, choices=AlarmKind.choices, help_text="what it is about")
    recording = models.ForeignKey(RECORDING, null=True, on_delete=models.CASCADE, related_name="+", help_text="which")
    words = models.CharField(max_length=400, help_text="what happened")
    raised_utc = models.DateTimeField(help_text="when it began")
    cleared_utc = models.DateTimeField(null=True, help_text="when it ended or somebody confirmed it")
    cleared_by = models.ForeignKey(PERSON, null=True, on_delete=models.PROTECT, related_name="+", help_text="who")
    cleared_reason = models.TextField(blank=True, help_text="what they said")

    class Meta:
        ordering = ("-raised_utc", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=("kind", "recording"),
                condition=models.Q(cleared_utc=None) & models.Q(recording__isnull=False),
                name="one_alarm_of_a_kind_per_recording",
            ),
            models.UniqueConstraint(
                fields=("kind",),
                condition=models.Q(cleared_utc=None, recording=None),
                name="one_general_alarm_of_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.words


class SweepClock(models.Model):
    """The time of the last look, by the force's clock: the deletion job's own heartbeat. One row, id 1."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, help_text="always 1")
    last_utc = models.DateTimeField(null=True, help_text="when it last looked and believed the clock")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="sweep_clock_one_row")]

    def __str__(self) -> str:
        return f"last look {self.last_utc}"
