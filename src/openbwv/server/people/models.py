"""Who works here: units, people and the roles they hold. The rights that follow are in `rights.py`."""

from functools import cached_property

from django.contrib.auth.models import AbstractUser
from django.db import models


class UnitKind(models.TextChoices):
    """What a unit is."""

    BOROUGH = "borough", "Borough"
    SPECIALIST = "specialist", "Specialist unit"


class Role(models.TextChoices):
    """What somebody does here; `docs/ref/roles.md` says what each may do."""

    OFFICER = "officer", "Officer"
    SUPERVISOR = "supervisor", "Supervisor"
    INVESTIGATOR = "investigator", "Investigator"
    DISCLOSURE = "disclosure", "Disclosure officer"
    FLEET = "fleet", "Fleet manager"
    RECORDS = "records", "Records manager"
    AUDITOR = "auditor", "Auditor"
    ADMINISTRATOR = "administrator", "Administrator"


class Unit(models.Model):
    """A borough or a specialist unit."""

    code = models.SlugField(unique=True, help_text="short name used in addresses and commands")
    name = models.CharField(max_length=80, help_text="name shown on pages")
    kind = models.CharField(max_length=12, choices=UnitKind.choices, help_text="borough or specialist unit")

    class Meta:
        ordering = ("name",)
        constraints = [models.CheckConstraint(condition=models.Q(kind__in=UnitKind.values), name="unit_kind_known")]

    def __str__(self) -> str:
        return self.name


class Person(AbstractUser):
    """Somebody with an account. Nobody signs up: an administrator adds them."""

    first_name = None
    last_name = None
    display_name = models.CharField(max_length=120, help_text="name shown on pages, such as PC Avery")
    unit = models.ForeignKey(
        Unit, null=True, blank=True, on_delete=models.PROTECT, related_name="people", help_text="where they work"
    )
    collar = models.CharField(max_length=20, blank=True, help_text="shoulder number")

    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        ordering = ("display_name",)

    def __str__(self) -> str:
        return self.display_name

    def get_full_name(self) -> str:
        """Return the name shown on pages."""
        return self.display_name

    def get_short_name(self) -> str:
        """Return the name shown on pages."""
        return self.display_name

    @cached_property
    def role_codes(self) -> frozenset[str]:
        """Return the codes of the roles held; none for an account that was closed."""
        return frozenset(self.roles_held.values_list("role", flat=True)) if self.is_active else frozenset()

    def has_role(self, *codes: str) -> bool:
        """Say whether any of these roles is held."""
        return not self.role_codes.isdisjoint(codes)


class LimitCount(models.Model):
    """Tries of one person or address: what `limit_cache` keeps, and nothing else reads.

    In the database, so that a limit holds for all processes together and is not forgotten when one is started again.
    """

    cache_key = models.CharField(max_length=255, primary_key=True, help_text="which limit, and a name or address")
    value = models.TextField(help_text="times of the tries")
    expires = models.DateTimeField(db_index=True, help_text="system time from which it counts no more")

    class Meta:
        db_table = "people_limitcount"

    def __str__(self) -> str:
        return self.cache_key


class PasswordLink(models.Model):
    """Somebody asked for a link to choose a new password; the row goes when the link was sent, or nobody is known."""

    email = models.EmailField(help_text="address as it was typed, known here or not")
    base = models.CharField(max_length=300, help_text="address of the pages that the link leads to")
    asked = models.DateTimeField(help_text="system time")

    def __str__(self) -> str:
        return f"link {self.pk}"


class RoleHeld(models.Model):
    """One role of one person."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="roles_held", help_text="who")
    role = models.CharField(max_length=16, choices=Role.choices, help_text="which role")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("person", "role"), name="role_held_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_role_display()}"
