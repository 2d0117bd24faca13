"""The door's own memory: tokens, receipts, journals and what they say, counters, and what it kept aside."""

from django.conf import settings
from django.db import models

from openbwv.recording import CameraMode, PowerReason

MODES = [
    (int(CameraMode.OFF), "Switched off"),
    (int(CameraMode.BOOT), "Starting"),
    (int(CameraMode.STANDBY), "Switched on and standing by"),
    (int(CameraMode.SLEEP), "Asleep"),
    (int(CameraMode.RECORDING), "Recording"),
    (int(CameraMode.MUTED), "Recording, muted"),
    (int(CameraMode.STOPPING), "Recording, stopping"),
    (int(CameraMode.DOCKED), "In a dock"),
    (int(CameraMode.ERROR), "Out of order"),
]
REASONS = [
    (int(PowerReason.BY_HAND), "by hand"),
    (int(PowerReason.BATTERY), "battery empty"),
    (int(PowerReason.SHUTDOWN), "shut down"),
    (int(PowerReason.DOCK), "put into a dock"),
    (int(PowerReason.FAULT), "a fault"),
]


class Token(models.Model):
    """A device's pass for fifteen minutes. The pass itself is not kept, only its hash; the key it is bound to is."""

    token_hash = models.CharField(primary_key=True, max_length=64, help_text="SHA-256 of the token, hex")
    kid = models.CharField(max_length=64, db_index=True, help_text="the device's key")
    kind = models.CharField(max_length=6, choices=[("camera", "Camera"), ("dock", "Dock")], help_text="what it is")
    expires = models.DateTimeField(help_text="system time when it ends")

    def __str__(self) -> str:
        return f"token of {self.kind} {self.kid[:8]}"


class Receipt(models.Model):
    """The signed evidence receipt of one state (tail) of a recording. It permits the wipe and is kept for ever."""

    recording = models.ForeignKey(
        "evidence.Recording", on_delete=models.PROTECT, related_name="receipts", help_text="of which recording"
    )
    camera_kid = models.CharField(max_length=64, db_index=True, help_text="the camera's key")
    tail = models.BinaryField(max_length=32, help_text="the state of the recording it is for")
    event = models.OneToOneField("trail.Event", on_delete=models.PROTECT, related_name="+", help_text="INGEST event")
    signed = models.BinaryField(null=True, help_text="the receipt; empty until the key service has answered")
    orphan_length = models.PositiveBigIntegerField(default=0, help_text="bytes that are not evidence")
    orphan_sha256 = models.BinaryField(max_length=32, blank=True, default=b"", help_text="their hash")

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=("recording", "tail"), name="receipt_once_a_tail")]

    def __str__(self) -> str:
        return f"receipt for {self.recording_id}"


class JournalPart(models.Model):
    """A run of a camera's signed journal, byte for byte."""

    camera = models.ForeignKey(
        "fleet.Camera", on_delete=models.PROTECT, related_name="journal_parts", help_text="of which camera"
    )
    journal_id = models.BinaryField(max_length=16, help_text="of which journal; a camera begins another when it must")
    first_seq = models.PositiveIntegerField(help_text="number of its first entry")
    last_seq = models.PositiveIntegerField(help_text="number of its last entry")
    object = models.OneToOneField("vault.StoredObject", on_delete=models.PROTECT, related_name="+", help_text="bytes")

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=("camera", "journal_id", "first_seq"), name="journal_part_once")]

    def __str__(self) -> str:
        return f"journal {self.first_seq}–{self.last_seq}"


class CameraSpan(models.Model):
    """A stretch of one start of a camera for which its journal shows it in one mode: the index of its journal.

    Rows follow one another as the entries do. What lies between two of them is read from both
    (openbwv.server.ingest.timeline); recordings have rows of their own and are not repeated here.
    """

    camera = models.ForeignKey(
        "fleet.Camera", on_delete=models.PROTECT, related_name="spans", help_text="of which camera"
    )
    journal_id = models.BinaryField(max_length=16, help_text="in which journal")
    starts = models.PositiveBigIntegerField(help_text="how often the camera had started")
    linked = models.BooleanField(default=True, help_text="nothing is missing between the row before and this one")
    mode = models.PositiveSmallIntegerField(choices=MODES, help_text="in which mode the camera was")
    reason = models.PositiveSmallIntegerField(
        null=True, choices=REASONS, help_text="why it went into it, where the journal says it"
    )
    first_seq = models.PositiveBigIntegerField(help_text="number of the first entry")
    last_seq = models.PositiveBigIntegerField(help_text="number of the last entry")
    from_ns = models.PositiveBigIntegerField(help_text="monotonic time of the first entry")
    to_ns = models.PositiveBigIntegerField(help_text="monotonic time of the last entry")
    from_utc = models.DateTimeField(null=True, help_text="time of the first entry; empty: the clock was not set")
    to_utc = models.DateTimeField(null=True, help_text="time of the last entry; empty: the clock was not set")

    class Meta:
        ordering = ("id",)
        indexes = [
            models.Index(fields=("camera", "to_utc"), name="span_end"),
            models.Index(fields=("camera", "from_utc"), name="span_begin"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(mode__in=[mode for mode, _ in MODES]), name="span_mode_known"),
            models.CheckConstraint(
                name="span_placed_whole",
                condition=models.Q(from_utc=None, to_utc=None) | models.Q(from_utc__isnull=False, to_utc__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_mode_display()} {self.first_seq}–{self.last_seq}"


class Counted(models.Model):
    """The newest count statement of a camera: how many recordings and journal entries it signed that there are."""

    camera = models.OneToOneField(
        "fleet.Camera", primary_key=True, on_delete=models.PROTECT, related_name="counted", help_text="of which camera"
    )
    signed = models.BinaryField(help_text="the statement, byte for byte")
    next_rc = models.PositiveBigIntegerField(help_text="the number its next recording will carry")
    journal_id = models.BinaryField(max_length=16, blank=True, default=b"", help_text="its journal; empty for none")
    journal_next_seq = models.PositiveBigIntegerField(default=0, help_text="number of its next journal entry")
    journal_tail = models.BinaryField(max_length=32, help_text="its journal's chain value there")
    newest = models.UUIDField(null=True, help_text="the last recording that was closed")
    newest_tail = models.BinaryField(max_length=32, help_text="that recording's chain value")
    made_utc = models.DateTimeField(null=True, help_text="when it was made; empty: the camera's clock was not set")
    taken_utc = models.DateTimeField(help_text="when it was taken here")
    dock = models.ForeignKey(
        "fleet.Dock", null=True, on_delete=models.PROTECT, related_name="+", help_text="which dock brought it, if any"
    )
    first_rc = models.PositiveBigIntegerField(
        default=1,
        help_text="the lowest number that this key is known to have counted; earlier keys may have brought lower ones",
    )
    unlisted = models.PositiveBigIntegerField(
        default=0, help_text="numbers that are missing beyond those that are listed one by one"
    )
    compared = models.BooleanField(
        default=False, help_text="what it names of journal and newest recording is here and was compared"
    )
    differs = models.CharField(
        max_length=300, blank=True, help_text="what is here and is not what the camera signed; empty for nothing"
    )
    differs_told_utc = models.DateTimeField(null=True, help_text="when the event of that was written")

    def __str__(self) -> str:
        return f"counters of {self.camera_id}"


class MissingNumber(models.Model):
    """A recording that its camera counted and whose first entry has not arrived. The row goes when it does."""

    camera = models.ForeignKey(
        "fleet.Camera", on_delete=models.PROTECT, related_name="missing_numbers", help_text="which camera counted it"
    )
    rc = models.PositiveBigIntegerField(help_text="its number")
    since_utc = models.DateTimeField(help_text="when the camera's word of it was taken here")
    on_camera = models.BooleanField(default=False, help_text="the camera says that it still holds it")
    told_utc = models.DateTimeField(null=True, help_text="when the event that it is missing was written")

    class Meta:
        ordering = ("camera", "rc")
        constraints = [models.UniqueConstraint(fields=("camera", "rc"), name="missing_number_once")]

    def __str__(self) -> str:
        return f"recording {self.rc} of {self.camera_id}"


class AsideKind(models.TextChoices):
    """What was kept aside."""

    MANIFEST = "manifest", "Signed entries"
    PART = "part", "Sealed fragments"
    KEY = "key", "Wrapped key"
    ORPHAN = "orphan", "Bytes behind the last good entry"
    HELLO = "hello", "Inventory"
    JOURNAL = "journal", "Journal"
    COUNTS = "counts", "Signed counters"
    NOTE = "note", "Nothing but this note"


class Aside(models.Model):
    """Something the door could not accept: kept, named, counted and shown, never dropped (custody rule 9)."""

    kind = models.CharField(max_length=8, choices=AsideKind.choices, help_text="what it is")
    code = models.SlugField(help_text="why: the stable code of the refusal")
    what = models.TextField(help_text="why, in words")
    device_kid = models.CharField(max_length=64, blank=True, help_text="key of the camera that signed it, if any")
    sender_kid = models.CharField(max_length=64, blank=True, help_text="key of the device that brought it")
    rec_id = models.BinaryField(max_length=16, blank=True, default=b"", help_text="the recording it names")
    path = models.CharField(max_length=64, blank=True, help_text="file below STATE/aside; empty for a note")
    sha256 = models.CharField(max_length=64, blank=True, help_text="hash of that file, hex")
    length = models.PositiveBigIntegerField(default=0, help_text="its length, bytes")
    times = models.PositiveIntegerField(default=1, help_text="how often the same thing came")
    at_utc = models.DateTimeField(help_text="when it first came")
    resolved_utc = models.DateTimeField(null=True, blank=True, help_text="when somebody settled it")
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="who"
    )
    resolved_why = models.TextField(blank=True, help_text="how it was settled")

    class Meta:
        ordering = ("-at_utc", "-id")
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=AsideKind.values), name="aside_kind_known"),
            models.CheckConstraint(
                name="aside_resolved_whole",
                condition=models.Q(resolved_utc=None, resolved_by=None)
                | models.Q(resolved_utc__isnull=False, resolved_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.code}"


class ChainState(models.Model):
    """How far a recording's signed chain was checked, so that its next entries are checked from there."""

    recording = models.OneToOneField(
        "evidence.Recording",
        primary_key=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="of which recording",
    )
    next_seq = models.PositiveIntegerField(help_text="number of the next entry expected")
    saved = models.BinaryField(help_text="recording.ManifestReader.save()")

    def __str__(self) -> str:
        return f"chain of {self.recording_id} up to {self.next_seq}"
