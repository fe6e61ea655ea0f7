"""What needs attention, what is being done, and the sums that pages show."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models.identity import Variant
from catalog.models.places import Library, Location
from catalog.vocabulary import FindingCode, JobKind, JobState

OPEN_STATES = [JobState.WAITING.value, JobState.RUNNING.value, JobState.PAUSED.value]


class Finding(models.Model):
    """Something wrong, its place, and (by its code) what to do. One open finding per subject and code."""

    code = models.CharField(max_length=32)
    params = models.JSONField(default=dict)
    library = models.ForeignKey(Library, models.PROTECT, null=True, related_name="findings")
    location = models.ForeignKey(Location, models.CASCADE, null=True, related_name="findings")
    variant = models.ForeignKey(Variant, models.PROTECT, null=True, related_name="findings")
    place = models.TextField(blank=True, default="")
    """Path below the library of something that has no location of its own (a link, a folder, a FIFO)."""
    first_seen = models.DateTimeField(db_default=Now())
    last_seen = models.DateTimeField(db_default=Now())
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "library", "location", "variant", "place"],
                condition=Q(cleared_at=None),
                nulls_distinct=False,
                name="finding_open_once",
            ),
        ]
        indexes = [models.Index(fields=["-last_seen"], name="finding_open", condition=Q(cleared_at=None))]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return FindingCode.heading_of(self.code)


class Job(models.Model):
    """One piece of background work as a person sees it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16)
    library = models.ForeignKey(Library, models.PROTECT, null=True, related_name="jobs")
    part = models.BinaryField(null=True)
    """A path below the library, when only that is scanned or verified."""
    state = models.CharField(max_length=16, default=JobState.WAITING.value)
    cancel = models.BooleanField(default=False)
    bytes_done = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)
    files_done = models.IntegerField(default=0)
    files_total = models.IntegerField(default=0)
    error = models.TextField(blank=True, default="")
    report = models.JSONField(default=dict)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=JobKind.values()), name="job_kind_is_known"),
            models.CheckConstraint(condition=Q(state__in=JobState.values()), name="job_state_is_known"),
            models.UniqueConstraint(
                fields=["kind", "library", "part"],
                condition=Q(state__in=OPEN_STATES),
                nulls_distinct=False,
                name="job_open_once",
            ),
        ]
        indexes = [models.Index(fields=["-created_at"], name="job_newest")]

    def __str__(self) -> str:
        return f"{JobKind.label_of(self.kind)} {self.library}"


class StorageTotal(models.Model):
    """Sums per library, format, precision, kind, base and state; bytes of hard links count once."""

    library = models.ForeignKey(Library, models.CASCADE, related_name="totals")
    format = models.CharField(max_length=32)
    precision = models.CharField(max_length=32)
    bits = models.SmallIntegerField(default=0)
    kind = models.CharField(max_length=32)
    base = models.CharField(max_length=32)
    quantisation = models.CharField(max_length=48, default="")
    layout = models.CharField(max_length=32, default="")
    state = models.CharField(max_length=16)
    variants = models.IntegerField()
    locations = models.IntegerField()
    bytes = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["library", "format", "precision", "kind", "base", "quantisation", "layout", "state"],
                name="total_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.library}: {self.bytes}"


class ApiToken(models.Model):
    """A program's key to the API: shown once, kept as a digest."""

    name = models.CharField(max_length=100)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name


class SetupToken(models.Model):
    """The one-time link for the first account, kept as a digest; worthless once an account exists."""

    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"made {self.created_at}"
