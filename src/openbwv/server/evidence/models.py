"""Recordings and what people say about them: flags, restrictions, and marks on the time line."""

from django.conf import settings
from django.db import models
from django.utils import timezone

PERSON = settings.AUTH_USER_MODEL


class State(models.TextChoices):
    """Where a recording is. The second text is the sentence for the reader."""

    ANNOUNCED = "announced", "Still on the camera"
    ARRIVING = "arriving", "Being uploaded"
    STORED = "stored", "Stored"
    DELETING = "deleting", "Being deleted"
    ERASED = "erased", "Deleted"


class Recording(models.Model):
    """One recording, known from the moment its manifest arrives."""

    id = models.UUIDField(primary_key=True, help_text="the camera's identifier of the recording (rec_id)")
    reference = models.CharField(max_length=20, unique=True, help_text="such as BWV-2026-000412")
    pseudonym = models.BinaryField(
        max_length=16,
        unique=True,
        null=True,
        help_text="its 16-byte name in the custody log; empty once the words of its trail were removed",
    )
    camera = models.ForeignKey(
        "fleet.Camera", null=True, on_delete=models.PROTECT, related_name="recordings", help_text="what recorded it"
    )
    assignment = models.ForeignKey(
        "fleet.Assignment",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="recordings",
        help_text="who had the camera, as the camera was told; empty when unassigned",
    )
    officer = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="recordings", help_text="who recorded it"
    )
    unit = models.ForeignKey(
        "people.Unit",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="recordings",
        help_text="borough or unit of the assignment",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.ANNOUNCED, help_text="where it is")

    announced_utc = models.DateTimeField(help_text="when its manifest arrived here")
    opened_utc = models.DateTimeField(help_text="when the camera opened it: the press, by the camera's clock")
    started_utc = models.DateTimeField(help_text="first picture, before the press when there is a pre-event buffer")
    ended_utc = models.DateTimeField(null=True, blank=True, help_text="end by the signed clock; empty while open")
    duration_ms = models.PositiveBigIntegerField(default=0, help_text="length of the picture, milliseconds")
    clock_sync = models.BooleanField(default=False, help_text="the camera says its clock was set from a trusted source")
    rc = models.PositiveBigIntegerField(default=0, help_text="the camera's recording counter")
    boot = models.BigIntegerField(default=0, help_text="the camera's boot counter")
    trigger = models.PositiveSmallIntegerField(default=0, help_text="what started it (recording.registry.Trigger)")
    pre_ms = models.PositiveIntegerField(default=0, help_text="length of the pre-event buffer, milliseconds")
    prev_id = models.BinaryField(max_length=16, blank=True, default=b"", help_text="the recording before it")
    prev_tail = models.BinaryField(
        max_length=32, blank=True, default=b"", help_text="that recording's last chain value"
    )

    open_facts = models.JSONField(
        default=dict, blank=True, help_text="what reading further entries needs: m0_ns, video track, first time"
    )

    next_seq = models.PositiveIntegerField(default=0, help_text="number of the next manifest entry expected")
    tail = models.BinaryField(max_length=32, blank=True, default=b"", help_text="chain value after the last entry")
    closed = models.BooleanField(default=False, help_text="the signed CLOSE entry has arrived")
    close_reason = models.PositiveSmallIntegerField(null=True, blank=True, help_text="why it ended (CloseReason)")
    fragments = models.PositiveIntegerField(default=0, help_text="number of parts")
    media_bytes = models.PositiveBigIntegerField(default=0, help_text="length of the sealed media, bytes")

    category = models.SlugField(default="none", help_text="slug of recording.registry.CATEGORIES")
    restricted = models.BooleanField(default=False, help_text="only its team may watch")
    evidential_from_camera = models.BooleanField(default=False, help_text="flagged as evidence on the camera")
    marker_count = models.PositiveIntegerField(default=0, help_text="number of markers set on the camera")
    muted_ms = models.PositiveBigIntegerField(default=0, help_text="how long the sound was off, milliseconds")

    held_count = models.PositiveIntegerField(default=0, help_text="number of holds in force")
    retain_until_utc = models.DateTimeField(
        null=True, blank=True, help_text="deletion is due then, if nothing keeps it"
    )
    due_explained = models.JSONField(default=dict, blank=True, help_text="date, rule and steps of the due date (R1)")
    ingest_utc = models.DateTimeField(null=True, blank=True, help_text="when all of it was stored here")
    thumbnail = models.ForeignKey(
        "vault.StoredObject",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="sealed still for lists",
    )

    class Meta:
        ordering = ("-started_utc", "id")
        indexes = [
            models.Index(fields=("-started_utc",), name="rec_started"),
            models.Index(fields=("officer", "-started_utc"), name="rec_officer"),
            models.Index(fields=("unit", "-started_utc"), name="rec_unit"),
            # What is held or deleted leaves this index, so the sweep never walks past it.
            models.Index(
                fields=("retain_until_utc",), condition=models.Q(held_count=0, state="stored"), name="rec_sweep"
            ),
            models.Index(fields=("category", "-started_utc"), name="rec_category"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="rec_state_known"),
            models.CheckConstraint(
                name="rec_stored_has_ingest",
                condition=~models.Q(state="stored") | models.Q(ingest_utc__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return f"/recordings/{self.reference}"

    @property
    def rec_id(self) -> bytes:
        """Return the 16 bytes that the camera's entries carry."""
        return self.id.bytes

    @property
    def is_erased(self) -> bool:
        """Say whether only its tombstone is left."""
        return self.state == State.ERASED

    @property
    def is_given_up(self) -> bool:
        """Say whether what is missing of it is no longer waited for: its camera was written off by two people."""
        coming = self.state in (State.ANNOUNCED, State.ARRIVING)
        return coming and self.camera is not None and self.camera.written_off_utc is not None


class Flag(models.Model):
    """Somebody keeps this recording as evidence for a matter, or until a review date."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="flags", help_text="what")
    category = models.SlugField(default="none", help_text="category when it was flagged")
    matter = models.ForeignKey(
        "cases.Matter", null=True, blank=True, on_delete=models.PROTECT, related_name="flags", help_text="for what"
    )
    review_date = models.DateField(null=True, blank=True, help_text="look at it again on this day")
    note = models.CharField(max_length=300, blank=True, help_text="a few words of why")
    media_ms = models.PositiveBigIntegerField(null=True, blank=True, help_text="place on the time line, milliseconds")
    from_camera = models.BooleanField(default=False, help_text="set on the camera by the officer")
    placed_by = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="flags_placed", help_text="who flagged it"
    )
    placed_utc = models.DateTimeField(help_text="when")
    removed_by = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="flags_removed", help_text="who confirmed"
    )
    removed_utc = models.DateTimeField(null=True, blank=True, help_text="when it was taken off")
    removed_reason = models.TextField(blank=True, help_text="why it was taken off")

    class Meta:
        ordering = ("placed_utc", "id")
        constraints = [
            models.CheckConstraint(
                name="flag_has_an_end",
                condition=models.Q(matter__isnull=False)
                | models.Q(review_date__isnull=False)
                | models.Q(from_camera=True),
            ),
            models.CheckConstraint(
                name="flag_removed_whole",
                condition=models.Q(removed_utc=None, removed_by=None)
                | models.Q(removed_utc__isnull=False, removed_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"flag {self.pk} on {self.recording_id}"


class Restriction(models.Model):
    """Somebody closed a recording to all but its team, with a reason."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="restrictions", help_text="what")
    reason = models.TextField(help_text="why")
    placed_by = models.ForeignKey(
        PERSON,
        null=True,
        on_delete=models.PROTECT,
        related_name="restrictions_placed",
        help_text="who; empty: by category",
    )
    placed_utc = models.DateTimeField(help_text="when")
    lifted_by = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="restrictions_lifted", help_text="who"
    )
    lifted_utc = models.DateTimeField(null=True, blank=True, help_text="when it was lifted")
    lifted_reason = models.TextField(blank=True, help_text="why it was lifted")

    class Meta:
        ordering = ("placed_utc", "id")
        constraints = [
            models.UniqueConstraint(
                fields=("recording",), condition=models.Q(lifted_utc=None), name="one_restriction_in_force"
            )
        ]

    def __str__(self) -> str:
        return f"restriction {self.pk} on {self.recording_id}"


class MarkKind(models.TextChoices):
    """What a mark on the time line says."""

    MUTE = "mute", "Sound turned off"
    MARKER = "marker", "Marker set on the camera"
    TOLD = "told", "People were told"
    GAP = "gap", "Picture missing"
    OTHER = "other", "Other"


class Mark(models.Model):
    """A moment or a span of the time line, as the camera signed it."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="marks", help_text="of what")
    kind = models.CharField(max_length=8, choices=MarkKind.choices, help_text="what it says")
    from_ms = models.PositiveBigIntegerField(help_text="start on the media time line, milliseconds")
    to_ms = models.PositiveBigIntegerField(null=True, blank=True, help_text="end; empty for a moment or while open")
    reason = models.CharField(max_length=80, blank=True, help_text="the camera's reason, in words")
    seq = models.PositiveIntegerField(default=0, help_text="manifest entry that says it")

    class Meta:
        ordering = ("from_ms", "id")
        constraints = [
            models.UniqueConstraint(fields=("recording", "seq", "kind"), name="mark_once"),
            models.CheckConstraint(
                name="mark_ends_after_start", condition=models.Q(to_ms=None) | models.Q(to_ms__gte=models.F("from_ms"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.from_ms} ms"


class DownloadState(models.TextChoices):
    """How far a download is. The second text is the sentence for the reader."""

    WAITING = "waiting", "The bundle is being made"
    READY = "ready", "The bundle is ready"
    FETCHED = "fetched", "The bundle was saved"
    OVER = "over", "The time to save the bundle is over"
    FAILED = "failed", "The bundle could not be made"


class Download(models.Model):
    """A bundle that somebody asked for on a page; its bytes wait sealed, to be fetched once by them alone."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="downloads", help_text="of what")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="downloads", help_text="who asked"
    )
    state = models.CharField(
        max_length=7, choices=DownloadState.choices, default=DownloadState.WAITING, help_text="how far it is"
    )
    reason = models.TextField(blank=True, help_text="why, until it is made: then the event says it")
    object = models.ForeignKey(
        "vault.StoredObject", null=True, on_delete=models.SET_NULL, related_name="+", help_text="the sealed ZIP"
    )
    problem = models.CharField(max_length=300, blank=True, help_text="why it is not made, or not yet")
    asked = models.DateTimeField(help_text="system time when it was asked for")
    expires = models.DateTimeField(null=True, help_text="system time until which it can be fetched")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=DownloadState.values), name="download_state_known")
        ]

    def __str__(self) -> str:
        return f"download {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return f"{self.recording.get_absolute_url()}/downloads/{self.pk}"

    @property
    def state_now(self) -> DownloadState:
        """Return how far it is: of what was ready the time may be over, or the recording was deleted since."""
        state = DownloadState(self.state)
        there = self.object_id is not None and self.expires is not None and timezone.now() < self.expires
        return DownloadState.OVER if state == DownloadState.READY and not there else state


class ReferenceCounter(models.Model):
    """The next number of references of one year, under the row's lock."""

    year = models.PositiveSmallIntegerField(primary_key=True, help_text="year of the press")
    last = models.PositiveIntegerField(default=0, help_text="last number given")

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"
