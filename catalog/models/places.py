"""Where bytes lie: library folders, the locations in them, and the names that were ever seen."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, HashIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Upper

from catalog.models.identity import Variant, VariantFile
from catalog.storage.values import shown
from catalog.vocabulary import LocationState, Outcome, Stage


class Library(models.Model):
    """A folder that holds models, on the hosts whose workers take from `queue`."""

    name = models.TextField()
    path = models.BinaryField(editable=False)
    path_key = models.BinaryField(max_length=32, editable=False)
    """SHA-256 of `path`: paths are bytes of any length, and unique by their digest."""
    path_text = models.TextField("folder", editable=False)
    only = models.BinaryField(null=True, editable=False)
    """Names of the files that this library is limited to, `/` between them; NULL for all of the folder."""
    queue = models.CharField(max_length=64, default="local", editable=False)
    layout = models.CharField(max_length=32, blank=True, default="", editable=False)
    managed = models.BooleanField(default=False, editable=False)
    read_only = models.BooleanField(default=True)
    include = ArrayField(models.TextField(), default=list, blank=True)
    exclude = ArrayField(models.TextField(), default=list, blank=True)
    paused = models.BooleanField("hashing paused", default=False)
    speed_limit = models.IntegerField("speed limit, MB/s", null=True, blank=True)
    quiet_from = models.TimeField("no hashing from", null=True, blank=True)
    quiet_until = models.TimeField("no hashing until", null=True, blank=True)
    online = models.BooleanField(default=True, editable=False)
    removed_at = models.DateTimeField(null=True, editable=False)
    last_scan_at = models.DateTimeField("last scan", null=True, editable=False)
    last_report = models.JSONField(default=dict, editable=False)
    totals_stale = models.BooleanField(default=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "library folder"
        verbose_name_plural = "library folders"
        constraints = [models.UniqueConstraint(fields=["queue", "path_key"], name="library_once_per_host_and_path")]

    def __str__(self) -> str:
        return self.name


class Location(models.Model):
    """One place of one weight set, and the work that it waits for.

    `path` is relative to the library: the folder of a diffusers or transformers model, the first shard of a loose
    shard set, else the file. `lease` and its neighbours belong to the worker that holds the row.
    """

    library = models.ForeignKey(Library, models.PROTECT, related_name="locations")
    path = models.BinaryField()
    set_name = models.CharField("set", max_length=64, blank=True, default="")
    path_key = models.BinaryField(max_length=32)
    """SHA-256 of path, NUL, set."""
    path_text = models.TextField("path")
    layout = models.CharField(max_length=32, blank=True, db_default="")
    """The tool whose folder it lies in: a library may hold the folders of several."""
    variant = models.ForeignKey(Variant, models.PROTECT, null=True, related_name="locations")
    state = models.CharField(max_length=16, default=LocationState.PRESENT.value)
    outcome = models.CharField(max_length=16, default=Outcome.PENDING.value)
    size = models.BigIntegerField()
    first_seen = models.DateTimeField(db_default=Now())
    missing_since = models.DateTimeField(null=True)
    hashed_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    stage = models.CharField(max_length=8, blank=True, default=Stage.NONE.value)
    priority = models.SmallIntegerField(default=0)
    """Smaller is sooner: 0 asked for by a person, 1 shares its size with another, 2 ordinary, 9 verify."""
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)
    alone = models.BooleanField(default=False)
    """After a lost lease: claimed by itself, so that one file that kills its worker does not take others along."""
    done_bytes = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["library", "path_key"], name="location_once_per_place_and_set"),
            models.CheckConstraint(condition=Q(state__in=LocationState.values()), name="location_state_is_known"),
            models.CheckConstraint(condition=Q(stage__in=Stage.values()), name="location_stage_is_known"),
            models.CheckConstraint(condition=Q(lease=None) | Q(leased_until__isnull=False), name="location_lease_ends"),
        ]
        indexes = [
            models.Index(
                fields=["library", "stage", "priority", "size", "id"], name="location_work", condition=~Q(stage="")
            ),
            models.Index(fields=["variant", "state"], name="location_of_variant"),
            models.Index(fields=["size"], name="location_size"),
            models.Index(fields=["leased_until"], name="location_leases", condition=Q(lease__isnull=False)),
            GinIndex(OpClass(Upper("path_text"), name="gin_trgm_ops"), name="location_path_trgm"),
        ]

    def __str__(self) -> str:
        return f"{self.path_text}#{self.set_name}" if self.set_name else self.path_text


class LocationFile(models.Model):
    """One file of a location as it was last seen. `path` is relative to the library."""

    location = models.ForeignKey(Location, models.CASCADE, related_name="files")
    file = models.ForeignKey(VariantFile, models.PROTECT, null=True, related_name="places")
    position = models.SmallIntegerField(default=0)
    path = models.BinaryField()
    name = models.BinaryField()
    """Relative to the variant, as in its `VariantFile`."""
    role = models.CharField(max_length=16)
    size = models.BigIntegerField()
    mtime_ns = models.BigIntegerField()
    ctime_ns = models.BigIntegerField()
    ino = models.BigIntegerField()
    """Inode and device as signed 64-bit numbers: some file systems use the top bit."""
    dev = models.BigIntegerField()
    quick = models.BinaryField(max_length=32, null=True)
    """Quick id: size and three windows of the file; equal ones are one file that moved."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "position"], name="location_file_once")]
        indexes = [
            models.Index(fields=["size", "mtime_ns"], name="location_file_moved"),
            models.Index(fields=["dev", "ino"], name="location_file_inode"),
            HashIndex(fields=["path"], name="location_file_path"),  # a path may be too long for a tree
        ]

    def __str__(self) -> str:
        return shown(bytes(self.path))


class Note(models.Model):
    """A file that another program wrote about models: a sidecar, a preview, a cache, a list of digests.

    It is read again only when its stat changed. `location` is the place that it speaks of; NULL where it speaks of
    several, or of none that is known.
    """

    library = models.ForeignKey(Library, models.CASCADE, related_name="notes")
    location = models.ForeignKey(Location, models.CASCADE, null=True, related_name="notes")
    path = models.BinaryField()
    path_key = models.BinaryField(max_length=32)
    kind = models.CharField(max_length=32)
    size = models.BigIntegerField()
    mtime_ns = models.BigIntegerField()
    ctime_ns = models.BigIntegerField()
    ino = models.BigIntegerField()
    read_at = models.DateTimeField(null=True)
    """NULL until it has been read as it is now."""
    attempts = models.SmallIntegerField(db_default=0)
    """How often a picture was opened without an end: one that takes its worker down is left alone in the end."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["library", "path_key"], name="note_once_per_path")]
        indexes = [models.Index(fields=["library", "id"], name="note_unread", condition=Q(read_at=None))]

    def __str__(self) -> str:
        return shown(bytes(self.path))


class Preview(models.Model):
    """A small picture of a variant, made anew from one that lay beside it: 64 KiB at most."""

    variant = models.OneToOneField(Variant, models.PROTECT, primary_key=True, related_name="preview")
    image = models.BinaryField()
    media_type = models.CharField(max_length=32)
    width = models.SmallIntegerField()
    height = models.SmallIntegerField()

    def __str__(self) -> str:
        return f"{self.media_type} {self.width} x {self.height}"


class FormerName(models.Model):
    """A name under which a variant was seen: pictures and workflows may know nothing else. Never deleted."""

    variant = models.ForeignKey(Variant, models.PROTECT, related_name="former_names")
    library = models.ForeignKey(Library, models.PROTECT)
    path = models.BinaryField()
    path_key = models.BinaryField(max_length=32)
    path_text = models.TextField("path")
    stem = models.TextField()
    first_seen = models.DateTimeField(db_default=Now())
    last_seen = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["variant", "library", "path_key"], name="former_name_once")]
        indexes = [GinIndex(OpClass(Upper("path_text"), name="gin_trgm_ops"), name="former_name_trgm")]

    def __str__(self) -> str:
        return self.path_text
