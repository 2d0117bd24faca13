"""What `trail` keeps: events, how far they are in the log, and when each job last ran."""

from django.conf import settings
from django.db import models

from openbwv.custody import EventType

MAX_BATCH = 256


class Outcome(models.TextChoices):
    """How a deed ended. The second text is the word for the reader."""

    DONE = "done", "done"
    REFUSED = "refused", "refused"
    FAILED = "failed", "failed"


class Event(models.Model):
    """One thing that was done, refused or failed: written in the deed's own transaction.

    It is never changed; after the years of the policy its words go, and its leaf stays (TEXT_REMOVED says so).
    """

    type = models.PositiveSmallIntegerField(help_text="number of custody.EventType")
    at_utc = models.DateTimeField(help_text="when, by the force's clock, to the millisecond")
    subject = models.BinaryField(max_length=16, help_text="the pseudonym that the leaf carries")
    recording = models.ForeignKey(
        "evidence.Recording", null=True, on_delete=models.PROTECT, related_name="events", help_text="about what"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="events", help_text="who did it"
    )
    actor_label = models.CharField(max_length=150, blank=True, help_text="who, as it was committed to")
    why = models.TextField(blank=True, help_text="the reason given")
    rule = models.CharField(max_length=120, blank=True, help_text="the rule that allowed, ordered or refused it")
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.DONE, help_text="how it ended")
    details = models.JSONField(default=dict, blank=True, help_text="what else was committed to; no floats")
    salt = models.BinaryField(max_length=32, null=True, help_text="of the commitment; gone with the event's words")
    leaf = models.BinaryField(max_length=512, help_text="the log entry")
    log_generation = models.PositiveSmallIntegerField(null=True, help_text="which log, once it is in one")
    leaf_index = models.BigIntegerField(null=True, help_text="its number in that log; empty while it waits")
    removal = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="emptied",
        help_text="TEXT_REMOVED: its words are gone",
    )

    class Meta:
        ordering = ("id",)
        indexes = [
            models.Index(fields=("id",), condition=models.Q(leaf_index=None), name="event_waiting"),
            models.Index(fields=("recording", "id"), name="event_recording"),
            models.Index(fields=("type", "at_utc"), name="event_type"),
            models.Index(
                fields=("at_utc",), condition=models.Q(recording=None, salt__isnull=False), name="event_has_words"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=("log_generation", "leaf_index"), name="event_one_leaf"),
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="event_outcome_known"),
            models.CheckConstraint(  # both IS NULL: a comparison with NULL is neither true nor false, and that passes
                condition=models.Q(leaf_index__isnull=True, log_generation__isnull=True)
                | models.Q(leaf_index__isnull=False, leaf_index__gte=0, log_generation__isnull=False),
                name="event_leaf_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.pk}"

    @property
    def slug(self) -> str:
        """Return the name of its type."""
        return EventType(self.type).slug

    @property
    def sentence(self) -> str:
        """Return the sentence for its type."""
        return EventType(self.type).sentence

    @property
    def is_logged(self) -> bool:
        """Say whether the log has it."""
        return self.leaf_index is not None


class LogHead(models.Model):
    """How far the database knows the log to be: the row whose change frees events from waiting. One row, id 1."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, help_text="always 1")
    generation = models.PositiveSmallIntegerField(default=1, help_text="number of the log; a restore may begin another")
    size = models.BigIntegerField(help_text="entries in the log")
    root = models.BinaryField(max_length=32, help_text="root hash over them")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="log_head_one_row")]

    def __str__(self) -> str:
        return f"log {self.generation}, {self.size} entries"


class JobHeartbeat(models.Model):
    """When a periodic job last ran, by the force's clock."""

    job = models.SlugField(primary_key=True, max_length=60, help_text="name of the job")
    every_s = models.PositiveIntegerField(help_text="seconds between two runs")
    last_started_utc = models.DateTimeField(null=True, help_text="when the last run began")
    last_finished_utc = models.DateTimeField(null=True, help_text="when a run last ended well")
    clock_utc = models.DateTimeField(null=True, help_text="the time up to which nothing of this job is due")
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.DONE, help_text="of the last run")
    message = models.CharField(max_length=500, blank=True, help_text="what went wrong, when something did")

    def __str__(self) -> str:
        return self.job
