"""Groups of duplicates as maintained rows, and which variants have to be grouped anew."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from catalog.models.identity import Variant
from catalog.models.places import LocationFile
from catalog.vocabulary import Certainty, GroupSort, Relation


class DuplicateGroup(models.Model):
    """Files with the same bytes at several places, or variants on disk that are one model.

    `bytes` are those of all members, `reclaimable` those that would be gained if only the kept member stayed. Bytes
    count once: a copy counts in its group of identical files, and in no group of variants again.
    """

    sort = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32, null=True, unique=True)
    """Of identical files, their BLAKE3; NULL for variants of one model."""
    relation = models.CharField(max_length=16)
    """The weakest of the relations to the kept member, and what stands behind it."""
    certainty = models.CharField(max_length=16)
    bytes = models.BigIntegerField()
    reclaimable = models.BigIntegerField()

    class Meta:
        verbose_name = "group of duplicates"
        verbose_name_plural = "groups of duplicates"
        constraints = [
            models.CheckConstraint(condition=Q(sort__in=GroupSort.values()), name="group_sort_is_known"),
            models.CheckConstraint(condition=Q(relation__in=Relation.values()), name="group_relation_is_known"),
            models.CheckConstraint(condition=Q(certainty__in=Certainty.values()), name="group_certainty_is_known"),
            models.CheckConstraint(
                condition=Q(sort=GroupSort.IDENTICAL.value, digest__isnull=False)
                | Q(sort=GroupSort.MODEL.value, digest=None),
                name="group_digest_of_identical_files",
            ),
        ]
        indexes = [models.Index(fields=["-reclaimable", "id"], name="group_by_gain")]

    def __str__(self) -> str:
        return f"{Relation.label_of(self.relation)}, {self.reclaimable} bytes to gain"


class DuplicateMember(models.Model):
    """One file at one place, or (`file` NULL) one variant. `relation` is what it is to the kept one."""

    group = models.ForeignKey(DuplicateGroup, models.CASCADE, related_name="members")
    variant = models.ForeignKey(Variant, models.PROTECT, related_name="duplicates")
    file = models.ForeignKey(LocationFile, models.CASCADE, null=True, related_name="duplicates")
    kept = models.BooleanField(default=False)
    relation = models.CharField(max_length=16)
    certainty = models.CharField(max_length=16)
    size = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["variant", "file"], nulls_distinct=False, name="duplicate_in_one_group_of_a_sort"
            ),
            models.CheckConstraint(condition=Q(relation__in=Relation.values()), name="duplicate_relation_is_known"),
            models.CheckConstraint(condition=Q(certainty__in=Certainty.values()), name="duplicate_certainty_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.relation} in group {self.group_id}"


class GroupDue(models.Model):
    """A variant that must be grouped anew: its places, its digests or what it is to others changed.

    Rows are only ever added by writers, so nobody waits for another; whoever groups deletes those that it has seen.
    """

    variant = models.ForeignKey(Variant, models.PROTECT, related_name="+", db_index=False, db_constraint=False)

    def __str__(self) -> str:
        return str(self.variant_id)
