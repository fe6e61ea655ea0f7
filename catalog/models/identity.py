"""What a UUID stands for: a model, its variants, their files. Rows of these three tables are never deleted.

A row that was merged keeps its id and number as an alias: `merged_into` names a live row (kept by a constraint
trigger), so that an id once given out answers for ever.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Length, Now, Upper
from django.db.models.lookups import Exact

from catalog.storage.values import shown
from catalog.vocabulary import Base, Kind, NameSource, Outcome


def next_number(sequence: str) -> Func:
    """The next value of a sequence, taken by the database; never given out twice."""
    return Func(Value(sequence), function="nextval", output_field=models.BigIntegerField())


class ModelRecord(models.Model):
    """What a person calls a model. It outlives its files."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(db_default=next_number("catalog_model_number"), unique=True, editable=False)
    name = models.TextField()
    name_source = models.CharField(max_length=16, default=NameSource.FILE.value, editable=False)
    version_name = models.TextField(blank=True, default="")
    kind = models.CharField(max_length=32, default=Kind.UNKNOWN.value)
    base = models.CharField("base model", max_length=32, default=Base.UNKNOWN.value)
    licence = models.TextField(blank=True, default="")
    source = models.TextField(blank=True, default="")
    tags = ArrayField(models.TextField(), default=list, blank=True)
    trigger_words = ArrayField(models.TextField(), default=list, blank=True)
    notes = models.TextField(blank=True, default="")
    edited = ArrayField(models.CharField(max_length=32), default=list, blank=True, editable=False)
    """Fields that a person set: no probe overwrites them."""
    touched = models.BooleanField(default=False, editable=False)
    """A person edited, tagged or decided on this model, so nothing joins it to another touched one by itself."""
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="aliases"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "model"
        verbose_name_plural = "models"
        indexes = [
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="model_name_trgm"),
            models.Index(Upper("name"), F("id"), name="model_by_name", condition=Q(merged_into=None)),
            models.Index(fields=["kind", "base"], name="model_said", condition=Q(edited__overlap=["kind", "base"])),
            models.Index(fields=["-number"], name="model_newest", condition=Q(merged_into=None)),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(merged_into=models.F("id")), name="model_not_its_own_alias"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version_name}".strip()

    @property
    def short_id(self) -> str:
        """The first eight digits of the id."""
        return self.id.hex[:8]


class Variant(models.Model):
    """One content of a model: one file, or one set of weight files with what they need."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(db_default=next_number("catalog_variant_number"), unique=True, editable=False)
    model = models.ForeignKey(ModelRecord, models.PROTECT, related_name="variants")
    content = models.BinaryField(max_length=32, null=True, unique=True, editable=False)
    """BLAKE3 of the file, or the folder digest of the set; NULL until every byte has been read."""
    format = models.CharField(max_length=32)
    precision = models.CharField(max_length=32)
    bits = models.SmallIntegerField(default=0)
    quantisation = models.CharField(max_length=48, blank=True, default="")
    kind = models.CharField(max_length=32, default=Kind.UNKNOWN.value)
    base = models.CharField(max_length=32, default=Base.UNKNOWN.value)
    parameters = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    outcome = models.CharField(max_length=16, default=Outcome.PENDING.value)
    settings = models.JSONField(default=dict)
    """What changes the meaning of equal weights: alpha, prediction type, rope scaling."""
    reasons = models.JSONField(default=list)
    """`[about, text]` pairs: why kind, base and precision were given."""
    traits = ArrayField(models.CharField(max_length=16), default=list, editable=False)
    candidates = models.JSONField(default=list)
    """`[about, value, text]`: other kinds or bases that something speaks for."""
    dtypes = models.JSONField(default=dict)
    """Number of values of the weight tensors by dtype."""
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="aliases"
    )
    born_at = models.DateTimeField(db_default=Now(), editable=False)
    hashed_at = models.DateTimeField(null=True, editable=False)
    search_due = models.BooleanField(db_default=False, editable=False)
    """It waits to be compared with what the catalogue knows."""
    search_lease = models.UUIDField(null=True, editable=False)
    search_until = models.DateTimeField(null=True, editable=False)
    search_attempts = models.SmallIntegerField(db_default=0, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["format", "precision", "kind", "base"], name="variant_facets"),
            models.Index(fields=["number"], name="variant_to_search", condition=Q(search_due=True)),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(merged_into=models.F("id")), name="variant_not_its_own_alias"),
            models.CheckConstraint(
                condition=Q(content=None) | Q(merged_into=None), name="variant_alias_without_content"
            ),
            models.CheckConstraint(
                condition=Q(content=None) | Q(Exact(Length("content"), 32)), name="variant_content_is_32_bytes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.format} {self.precision} {self.short_id}"

    @property
    def short_id(self) -> str:
        """The first eight digits of the id."""
        return self.id.hex[:8]


class VariantFile(models.Model):
    """One file of a variant, by its name relative to the variant."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(db_default=next_number("catalog_file_number"), unique=True, editable=False)
    variant = models.ForeignKey(Variant, models.PROTECT, related_name="files")
    position = models.SmallIntegerField(default=0)
    name = models.BinaryField()
    size = models.BigIntegerField()
    role = models.CharField(max_length=16)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="aliases"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "position"], name="file_once_per_position"),
            models.CheckConstraint(condition=~Q(merged_into=models.F("id")), name="file_not_its_own_alias"),
        ]

    def __str__(self) -> str:
        return shown(bytes(self.name))


class ExternalId(models.Model):
    """Another program's id of a model or a variant: `civitai-version`, `hf`, `invokeai-key`, `air`, `ollama`."""

    scheme = models.CharField(max_length=32)
    value = models.TextField()
    model = models.ForeignKey(ModelRecord, models.PROTECT, null=True, related_name="external_ids")
    variant = models.ForeignKey(Variant, models.PROTECT, null=True, related_name="external_ids")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scheme", "value", "model", "variant"], nulls_distinct=False, name="external_id_once"
            ),
            models.CheckConstraint(
                condition=Q(model=None) ^ Q(variant=None), name="external_id_names_a_model_or_a_variant"
            ),
        ]
        indexes = [models.Index(fields=["value"], name="external_id_by_value")]

    def __str__(self) -> str:
        return f"{self.scheme} {self.value}"


class Preference(models.Model):
    """A setting of the site that staff can change: which rows of joining ask first, which extra digests are on."""

    key = models.CharField(max_length=64, primary_key=True)
    value = models.JSONField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)

    def __str__(self) -> str:
        return self.key
