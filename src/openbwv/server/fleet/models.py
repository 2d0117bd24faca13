"""Cameras, docks, who has which camera, and what was asked for at a dock."""

from django.conf import settings
from django.db import models

PERSON = settings.AUTH_USER_MODEL


class DeviceState(models.TextChoices):
    """Whether the force still listens to a device."""

    ENROLLED = "enrolled", "In use"
    REVOKED = "revoked", "Revoked"
    LOST = "lost", "Lost"


class Device(models.Model):
    """What a camera and a dock have in common: a key, a certificate, a standing."""

    kid = models.CharField(max_length=64, unique=True, help_text="SHA-256 of its public key, hex")
    certificate = models.TextField(help_text="its certificate, PEM")
    serial = models.CharField(max_length=48, unique=True, help_text="serial number of the certificate, hex")
    state = models.CharField(
        max_length=8, choices=DeviceState.choices, default=DeviceState.ENROLLED, help_text="its standing"
    )
    unit = models.ForeignKey(
        "people.Unit", null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="where it lives"
    )
    enrolled_utc = models.DateTimeField(help_text="when it was enrolled")
    revoked_utc = models.DateTimeField(null=True, blank=True, help_text="when it was revoked or reported lost")
    revoked_why = models.TextField(blank=True, help_text="why it was revoked")

    class Meta:
        abstract = True

    @property
    def is_heard(self) -> bool:
        """Say whether the door takes footage signed by it: a lost camera that comes back still brings evidence."""
        return self.state != DeviceState.REVOKED


class Camera(Device):
    """A body-worn camera."""

    name = models.CharField(max_length=64, help_text="what is printed on it, such as 0417")
    next_rc = models.PositiveBigIntegerField(default=0, help_text="the counter its next recording will carry")
    last_docked_utc = models.DateTimeField(null=True, blank=True, help_text="when its inventory was last seen")
    epoch_id = models.CharField(max_length=40, blank=True, help_text="the epoch key it was last given")
    journal_id = models.BinaryField(max_length=16, blank=True, default=b"", help_text="its journal's identifier")
    journal_next_seq = models.PositiveIntegerField(default=0, help_text="number of its next journal entry")
    journal_tail = models.BinaryField(max_length=32, blank=True, default=b"", help_text="its journal's chain value")
    written_off_utc = models.DateTimeField(
        null=True, blank=True, help_text="when two people gave it up with what it holds; empty while it is not"
    )

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=DeviceState.values), name="camera_state_known"),
            models.CheckConstraint(
                condition=models.Q(written_off_utc=None) | models.Q(state="revoked"),
                name="camera_written_off_is_revoked",
            ),
            models.UniqueConstraint(
                fields=("name",), condition=models.Q(state="enrolled"), name="one_enrolled_camera_of_a_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WriteOffCause(models.TextChoices):
    """Why a camera will not dock again."""

    LOST = "lost", "Lost"
    STOLEN = "stolen", "Stolen"
    DESTROYED = "destroyed", "Destroyed"
    BROKEN = "broken", "Broken beyond reading"


class WriteOffState(models.TextChoices):
    """How far a write-off is, or how it ended."""

    PROPOSED = "proposed", "Proposed; a records manager decides"
    CONFIRMED = "confirmed", "Written off"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"
    LAPSED = "lapsed", "Over: something of the camera came in"
    TAKEN_BACK = "taken-back", "Taken back"


class WriteOff(models.Model):
    """A camera is given up, with whatever it holds, by two people: a fleet manager proposes, a records manager decides.

    From then on no epoch key is kept for its sake (R10), so what it still holds can be opened by nobody.
    """

    camera = models.ForeignKey(Camera, on_delete=models.PROTECT, related_name="write_offs", help_text="which camera")
    cause = models.CharField(max_length=9, choices=WriteOffCause.choices, help_text="why it will not dock again")
    reason = models.TextField(help_text="what is known of it, in the words of who proposed it")
    state = models.CharField(
        max_length=10, choices=WriteOffState.choices, default=WriteOffState.PROPOSED, help_text="how far it is"
    )
    proposed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+", help_text="first of two")
    proposed_utc = models.DateTimeField(help_text="when it was proposed")
    last_object = models.PositiveBigIntegerField(
        default=0, help_text="number of the newest file of entries or footage that the camera had brought by then"
    )
    proposed_session = models.CharField(max_length=64, blank=True, help_text="hash of the first person's session")
    decided_by = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="second of two"
    )
    decided_utc = models.DateTimeField(null=True, blank=True, help_text="when it was confirmed or refused")
    decision_reason = models.TextField(blank=True, help_text="why it was decided so")
    given_up = models.JSONField(default=dict, blank=True, help_text="what was listed when it was confirmed")
    epochs = models.JSONField(default=list, blank=True, help_text="epoch keys it may have sealed to, at that time")
    state_before = models.CharField(max_length=8, blank=True, help_text="the camera's standing before that")
    ended_by = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="who withdrew or took back"
    )
    ended_utc = models.DateTimeField(null=True, blank=True, help_text="when it was withdrawn, lapsed or taken back")
    ended_reason = models.TextField(blank=True, help_text="why it ended")

    class Meta:
        ordering = ("-proposed_utc", "-id")
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=WriteOffState.values), name="write_off_state_known"),
            models.CheckConstraint(condition=models.Q(cause__in=WriteOffCause.values), name="write_off_cause_known"),
            models.CheckConstraint(
                name="write_off_two_people",
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("proposed_by")),
            ),
            models.CheckConstraint(
                name="write_off_decided_whole",
                condition=models.Q(state__in=("proposed", "withdrawn", "lapsed"), decided_by=None, decided_utc=None)
                | models.Q(
                    state__in=("confirmed", "refused", "taken-back"),
                    decided_by__isnull=False,
                    decided_utc__isnull=False,
                ),
            ),
            models.UniqueConstraint(
                fields=("camera",),
                condition=models.Q(state__in=("proposed", "confirmed")),
                name="one_write_off_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"write-off of camera {self.camera}"


class Dock(Device):
    """A dock that empties cameras and forwards what they recorded."""

    name = models.CharField(max_length=64, unique=True, help_text="its name, such as Lewisham 1")
    last_seen_utc = models.DateTimeField(null=True, blank=True, help_text="when it last said hello")

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=DeviceState.values), name="dock_state_known")
        ]

    def __str__(self) -> str:
        return self.name


class DockInvitation(models.Model):
    """A code that lets one dock enrol itself once, within an hour."""

    name = models.CharField(max_length=64, help_text="the name the dock will have")
    unit = models.ForeignKey(
        "people.Unit",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="where it will stand",
    )
    code_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the code, hex")
    made_by = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="+", help_text="the fleet manager who made it"
    )
    expires = models.DateTimeField(help_text="system time after which it is refused")
    used_at = models.DateTimeField(null=True, blank=True, help_text="system time when a dock used it")

    def __str__(self) -> str:
        return f"invitation for {self.name}"


class EnrolmentState(models.TextChoices):
    """What became of a camera that asked at a dock."""

    PENDING = "pending", "Waiting for a fleet manager"
    CONFIRMED = "confirmed", "Enrolled"
    REFUSED = "refused", "Refused"
    EXPIRED = "expired", "Too late"


class Enrolment(models.Model):
    """A camera that asks to be enrolled at a dock, with the digits both of them show."""

    csr = models.BinaryField(help_text="its certificate request, DER")
    code = models.CharField(max_length=6, help_text="the six digits shown on both")
    name = models.CharField(max_length=64, help_text="the name it will have")
    dock = models.ForeignKey(Dock, on_delete=models.PROTECT, related_name="enrolments", help_text="where it stands")
    state = models.CharField(
        max_length=9, choices=EnrolmentState.choices, default=EnrolmentState.PENDING, help_text="what became of it"
    )
    asked_at = models.DateTimeField(help_text="system time when the dock passed it on")
    confirmed_by = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="the fleet manager"
    )
    camera = models.ForeignKey(
        Camera, null=True, blank=True, on_delete=models.PROTECT, related_name="enrolments", help_text="what it became"
    )

    class Meta:
        ordering = ("-asked_at",)
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=EnrolmentState.values), name="enrolment_state_known")
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.dock}"


class Assignment(models.Model):
    """Who has a camera for a while. The camera knows the pseudonym alone; only this row maps it to a person."""

    pseudonym = models.BinaryField(max_length=16, unique=True, help_text="what the camera writes into its recordings")
    camera = models.ForeignKey(Camera, on_delete=models.PROTECT, related_name="assignments", help_text="which camera")
    person = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="assignments", help_text="who has it"
    )
    unit = models.ForeignKey(
        "people.Unit", null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="for which unit"
    )
    from_utc = models.DateTimeField(help_text="start")
    until_utc = models.DateTimeField(help_text="end")
    kind = models.PositiveSmallIntegerField(default=0, help_text="kind as in the signed message")
    signed = models.BinaryField(help_text="the signed assignment, as the camera gets it")
    made_by = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="who asked for it"
    )

    class Meta:
        ordering = ("-from_utc",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(until_utc__gt=models.F("from_utc")), name="assignment_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return f"{self.camera} with {self.person or 'nobody'}"


class NoCameraReason(models.TextChoices):
    """Why somebody went out without a camera."""

    NONE_LEFT = "none-left", "None left"
    NONE_CHARGED = "none-charged", "None charged"
    ALL_BROKEN = "all-broken", "All broken"
    DOCK_BROKEN = "dock-broken", "Dock broken"
    OTHER = "other", "Other"


class NoCameraReport(models.Model):
    """Somebody found no camera to take."""

    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="no_camera_reports", help_text="who")
    unit = models.ForeignKey("people.Unit", null=True, on_delete=models.PROTECT, related_name="+", help_text="where")
    reason = models.CharField(max_length=12, choices=NoCameraReason.choices, help_text="why")
    note = models.CharField(max_length=300, blank=True, help_text="a few words")
    at_utc = models.DateTimeField(help_text="when")

    class Meta:
        ordering = ("-at_utc",)
        constraints = [
            models.CheckConstraint(condition=models.Q(reason__in=NoCameraReason.values), name="no_camera_reason_known")
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_reason_display()}"


class RevocationList(models.Model):
    """The number of the newest revocation list; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, help_text="always 1")
    number = models.PositiveIntegerField(default=0, help_text="CRL number, rising")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_revocation_list")]

    def __str__(self) -> str:
        return f"revocation list {self.number}"
