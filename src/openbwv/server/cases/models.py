"""A matter: what a flag is for, and what closes it (R2). The case grows from it and keeps its identifiers."""

from django.conf import settings
from django.db import models


class MatterOutcome(models.TextChoices):
    """How a matter ended."""

    NO_FURTHER_ACTION = "no-further-action", "No further action"
    ACQUITTED = "acquitted", "Acquitted"
    CONVICTED = "convicted", "Convicted"
    OTHER = "other", "Other"


class Matter(models.Model):
    """Something evidence is kept for. While it is open, what it names is kept."""

    reference = models.CharField(max_length=40, unique=True, help_text="reference, such as a crime number")
    title = models.CharField(max_length=200, help_text="what it is about, in a few words")
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="matters_opened", help_text="who opened it"
    )
    opened_utc = models.DateTimeField(help_text="when it was opened")
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="matters_closed",
        help_text="who closed it",
    )
    closed_utc = models.DateTimeField(null=True, blank=True, help_text="when it was closed")
    outcome = models.CharField(max_length=20, blank=True, choices=MatterOutcome.choices, help_text="how it ended")
    closing_reason = models.TextField(blank=True, help_text="why it was closed")
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="matters",
        help_text="the team: who may watch its restricted recordings",
    )

    class Meta:
        ordering = ("-opened_utc",)
        constraints = [
            models.CheckConstraint(
                name="matter_closed_whole",
                condition=models.Q(closed_utc=None, closed_by=None, outcome="")
                | (models.Q(closed_utc__isnull=False, closed_by__isnull=False) & ~models.Q(outcome="")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"

    @property
    def is_open(self) -> bool:
        """Say whether it still keeps what it names."""
        return self.closed_utc is None
