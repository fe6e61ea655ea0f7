"""Digests that we computed, digests that others list, and what a variant's tensors are."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import GreaterThanOrEqual

from catalog.models.identity import Variant, VariantFile
from catalog.models.places import Location, LocationFile


class ModelHash(models.Model):
    """The value of one algorithm over one file, or (file NULL) over the whole set, computed by us.

    `digest` holds all the bytes: a prefix is a range over the index, never a pattern.
    """

    variant = models.ForeignKey(Variant, models.PROTECT, related_name="hashes")
    file = models.ForeignKey(VariantFile, models.PROTECT, null=True, related_name="hashes")
    algorithm = models.CharField(max_length=32)
    digest = models.BinaryField()
    computed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "hash"
        verbose_name_plural = "hashes"
        constraints = [
            models.UniqueConstraint(
                fields=["variant", "file", "algorithm"], nulls_distinct=False, name="hash_once_per_algorithm"
            ),
        ]
        indexes = [models.Index(fields=["digest", "algorithm"], include=["variant"], name="hash_by_digest")]

    def __str__(self) -> str:
        return f"{self.algorithm}:{bytes(self.digest).hex()}"


class HashClaim(models.Model):
    """A digest that somebody else lists for a file at a place; often cut short."""

    location = models.ForeignKey(Location, models.CASCADE, related_name="claims")
    file = models.ForeignKey(LocationFile, models.CASCADE, null=True, related_name="claims")
    """Of a set, the file that is meant; NULL for the single file of a place."""
    variant = models.ForeignKey(Variant, models.PROTECT, null=True, related_name="claims")
    algorithm = models.CharField(max_length=32)
    digest = models.BinaryField()
    source = models.CharField(max_length=16)

    class Meta:
        verbose_name = "listed hash"
        verbose_name_plural = "listed hashes"
        constraints = [
            models.UniqueConstraint(
                fields=["location", "file", "algorithm", "source"], nulls_distinct=False, name="claim_once_per_source"
            ),
            models.CheckConstraint(condition=Q(GreaterThanOrEqual(Length("digest"), 4)), name="claim_long_enough"),
        ]
        indexes = [models.Index(fields=["digest", "algorithm"], include=["variant"], name="claim_by_digest")]

    def __str__(self) -> str:
        return f"{self.algorithm}:{bytes(self.digest).hex()}"


class TensorIndex(models.Model):
    """What a reader says of a variant, with its tensors' digests once hashed, as one packed value.

    Kept also when the file is gone: a remembered variant cannot be read again.
    """

    variant = models.OneToOneField(Variant, models.PROTECT, primary_key=True, related_name="tensor_index")
    packed = models.BinaryField()
    tensors = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.tensors} tensors"


class Component(models.Model):
    """One part with weights of its own (unet, text encoder, VAE), under one version of the algorithm."""

    variant = models.ForeignKey(Variant, models.PROTECT, related_name="components")
    name = models.TextField(blank=True)
    algorithm = models.CharField(max_length=32)
    tensors = models.IntegerField()
    values = models.BigIntegerField()
    tensors_digest = models.BinaryField(max_length=32, null=True)
    weights_digest = models.BinaryField(max_length=32, null=True)
    fingerprint = models.BinaryField(null=True)
    """The tensors' fingerprints as one packed value; NULL until the weights were read in full."""
    version = models.SmallIntegerField(db_default=0)
    """Of the fingerprints that were looked for when it was last read in full, found or not; 0 before that."""
    core_tensors = models.IntegerField(db_default=0)
    core_values = models.BigIntegerField(db_default=0)
    exact_f16 = models.BooleanField(db_default=False)
    exact_bf16 = models.BooleanField(db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "name", "algorithm"], name="component_once_per_version"),
        ]
        indexes = [
            models.Index(fields=["weights_digest"], name="component_by_weights", condition=~Q(weights_digest=None)),
            models.Index(fields=["version", "variant"], name="component_of_version"),
        ]

    def __str__(self) -> str:
        return self.name or "whole"


class ComponentKey(models.Model):
    """A key by which components find those that hold the same values: of the whole, or of one of its anchors."""

    component = models.ForeignKey(Component, models.CASCADE, related_name="keys", db_index=True)
    kind = models.SmallIntegerField()
    key = models.UUIDField()
    """16 bytes; the database keeps and compares a UUID faster than a byte string."""
    alone = models.BooleanField(db_default=False)
    """Its component is all that its variant holds: found among a hundred thousand checkpoints that hold it too."""

    class Meta:
        indexes = [models.Index(fields=["key", "kind", "alone", "component"], name="component_key_in_turn")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.key.hex}"


class ComponentProbe(models.Model):
    """A few values of a component, in the order of its family's first member: so thousands are compared at a glance.

    The first member of a family names itself.
    """

    component = models.OneToOneField(Component, models.CASCADE, primary_key=True, related_name="probe")
    family = models.ForeignKey(Component, models.CASCADE, related_name="family_probes", db_index=False)
    build = models.BigIntegerField()
    """Digest of the numbers of values of its repeated tensors: survives other names, layouts and types."""
    packed = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["family", "component"], name="probe_of_family"),
            models.Index(fields=["build", "component"], name="probe_first", condition=Q(component=models.F("family"))),
        ]

    def __str__(self) -> str:
        return f"{self.component_id} of {self.family_id}"
