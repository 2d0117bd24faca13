"""Where the bytes are: sealed objects, the parts of each recording, its wrapped key, and who was watching."""

from django.conf import settings
from django.db import models

RECORDING = "evidence.Recording"


class ObjectKind(models.TextChoices):
    """What an object holds. None of them is ever plaintext."""

    MANIFEST = "manifest", "Signed entries"
    MEDIA = "media", "Sealed fragments"
    ORPHAN = "orphan", "Bytes behind the last good entry: not evidence"
    DERIVED = "derived", "Made from the recording, sealed under a key that dies with it"
    RELEASE = "release", "Copy made for a request, sealed under a key that dies with it"
    JOURNAL = "journal", "A camera's signed journal"


class StoredObject(models.Model):
    """One file of the vault. Its name is random; only this row says what it is."""

    key = models.CharField(max_length=40, unique=True, help_text="random name in the store")
    kind = models.CharField(max_length=8, choices=ObjectKind.choices, help_text="what it holds")
    name = models.CharField(max_length=40, blank=True, help_text="which derived thing: index, thumbnail, …")
    length = models.PositiveBigIntegerField(help_text="bytes")
    sha256 = models.BinaryField(
        max_length=32, blank=True, default=b"", help_text="hash of the bytes, where no signed entry holds one"
    )
    recording = models.ForeignKey(
        RECORDING, null=True, on_delete=models.PROTECT, related_name="stored_objects", help_text="of which recording"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=ObjectKind.values), name="object_kind_known"),
            models.UniqueConstraint(
                fields=("recording", "name"), condition=models.Q(kind="derived"), name="one_derived_object_of_a_name"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


def leaving_objects() -> models.QuerySet[StoredObject]:
    """Return the objects whose recording was removed and whose files may still be there; only journals have none."""
    return StoredObject.objects.filter(recording=None).exclude(kind=ObjectKind.JOURNAL)


class ManifestPart(models.Model):
    """A run of signed entries as it arrived, byte for byte."""

    recording = models.ForeignKey(
        RECORDING, on_delete=models.PROTECT, related_name="manifest_parts", help_text="of which recording"
    )
    first_seq = models.PositiveIntegerField(help_text="number of its first entry")
    last_seq = models.PositiveIntegerField(help_text="number of its last entry")
    object = models.OneToOneField(StoredObject, on_delete=models.PROTECT, related_name="+", help_text="the bytes")

    class Meta:
        ordering = ("first_seq",)
        constraints = [
            models.UniqueConstraint(fields=("recording", "first_seq"), name="manifest_part_once"),
            models.CheckConstraint(condition=models.Q(last_seq__gte=models.F("first_seq")), name="manifest_part_order"),
        ]

    def __str__(self) -> str:
        return f"entries {self.first_seq}–{self.last_seq}"


class Part(models.Model):
    """A durable run of sealed fragments. A fragment belongs to the first part that holds it (R4)."""

    recording = models.ForeignKey(
        RECORDING, on_delete=models.PROTECT, related_name="parts", help_text="of which recording"
    )
    first_seq = models.PositiveIntegerField(help_text="number of its first fragment's entry")
    last_seq = models.PositiveIntegerField(help_text="number of its last fragment's entry")
    length = models.PositiveBigIntegerField(help_text="bytes of the fragments it owns")
    object = models.OneToOneField(StoredObject, on_delete=models.PROTECT, related_name="+", help_text="the bytes")
    offsets = models.JSONField(help_text="[[seq, offset, length], …] of the fragments it owns, in order")

    class Meta:
        ordering = ("first_seq",)
        indexes = [models.Index(fields=("recording", "first_seq"), name="part_first")]
        constraints = [
            models.UniqueConstraint(fields=("recording", "first_seq"), name="part_once"),
            models.CheckConstraint(condition=models.Q(last_seq__gte=models.F("first_seq")), name="part_order"),
        ]

    def __str__(self) -> str:
        return f"fragments {self.first_seq}–{self.last_seq}"


class PendingKey(models.Model):
    """The key as the camera wrapped it, until the key service has wrapped it anew."""

    recording = models.OneToOneField(
        RECORDING,
        primary_key=True,
        on_delete=models.PROTECT,
        related_name="pending_key",
        help_text="of which recording",
    )
    key_cbor = models.BinaryField(help_text="key.cbor as it arrived")
    refused_why = models.TextField(blank=True, help_text="why the key service could not open it; another may be sent")

    def __str__(self) -> str:
        return f"pending key of {self.recording_id}"


class KeyWrap(models.Model):
    """A recording's key under the force's retention key. Its removal is the deletion."""

    recording = models.OneToOneField(
        RECORDING, primary_key=True, on_delete=models.PROTECT, related_name="key_wrap", help_text="of which recording"
    )
    kek_id = models.CharField(max_length=40, db_index=True, help_text="which retention key")
    blob = models.BinaryField(help_text="the recording's key, sealed")
    derived_blob = models.BinaryField(help_text="the key of what is derived from it, sealed")

    def __str__(self) -> str:
        return f"key of {self.recording_id}"


class ViewingSession(models.Model):
    """Somebody watches one recording, for ten minutes at most, under one logged reason."""

    id = models.CharField(primary_key=True, max_length=43, help_text="unguessable name in the media address")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="viewing_sessions", help_text="who"
    )
    recording = models.ForeignKey(
        RECORDING, on_delete=models.PROTECT, related_name="viewing_sessions", help_text="what"
    )
    event = models.OneToOneField("trail.Event", on_delete=models.PROTECT, related_name="+", help_text="its VIEW event")
    reason = models.CharField(max_length=300, blank=True, help_text="why, where a reason is asked")
    from_ms = models.PositiveBigIntegerField(default=0, help_text="start of what may be watched, milliseconds")
    to_ms = models.PositiveBigIntegerField(null=True, blank=True, help_text="its end; empty for all of it")
    opened_utc = models.DateTimeField(help_text="system time when it began")
    last_asked_utc = models.DateTimeField(help_text="system time of the last request")
    expires_utc = models.DateTimeField(help_text="system time when the key is forgotten")
    closed_utc = models.DateTimeField(null=True, blank=True, help_text="system time when it ended")

    class Meta:
        ordering = ("-opened_utc",)
        indexes = [models.Index(fields=("closed_utc", "last_asked_utc"), name="viewing_open")]

    def __str__(self) -> str:
        return f"{self.person} watches {self.recording_id}"


class WatchGrant(models.Model):
    """Committed before a run of at most ten fragments leaves: nothing watched is unlisted."""

    session = models.ForeignKey(ViewingSession, on_delete=models.CASCADE, related_name="grants", help_text="in which")
    first_index = models.PositiveIntegerField(help_text="number of the first fragment, from 0")
    last_index = models.PositiveIntegerField(help_text="number of the last fragment")
    from_ms = models.PositiveBigIntegerField(help_text="start on the media time line, milliseconds")
    to_ms = models.PositiveBigIntegerField(help_text="end on the media time line, milliseconds")
    at = models.DateTimeField(help_text="system time")

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=("session", "first_index"), name="grant_once"),
            models.CheckConstraint(
                condition=models.Q(last_index__gte=models.F("first_index"))
                & models.Q(last_index__lt=models.F("first_index") + 10),
                name="grant_of_at_most_ten",
            ),
        ]

    def __str__(self) -> str:
        return f"fragments {self.first_index}–{self.last_index}"


class RotationState(models.TextChoices):
    """How far a rotation of the retention key has come."""

    WRAPPING = "wrapping", "Wrapping every key anew"
    DONE = "done", "The old key is destroyed"


class Rotation(models.Model):
    """One change of the retention key; what the old key alone could open is gone afterwards."""

    old_kek_id = models.CharField(max_length=40, unique=True, help_text="the key to destroy")
    new_kek_id = models.CharField(max_length=40, help_text="the key that takes its place")
    state = models.CharField(max_length=8, choices=RotationState.choices, help_text="how far it is")
    started_utc = models.DateTimeField(help_text="when it began")
    destroyed_utc = models.DateTimeField(null=True, blank=True, help_text="when the old key was destroyed")
    destroyed_event = models.OneToOneField(
        "trail.Event", null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="KEK_DESTROYED"
    )

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=RotationState.values), name="rotation_state_known")
        ]

    def __str__(self) -> str:
        return f"{self.old_kek_id} → {self.new_kek_id}"
