"""What was found between two variants, and what a person or a named rule decided."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models.identity import Variant
from catalog.vocabulary import Basis, Certainty, DecisionKind, Direction, Relation, SameModel


class Match(models.Model):
    """A relation that the machine found; a better version of the algorithm may replace it."""

    left = models.ForeignKey(Variant, models.PROTECT, related_name="matches_left")
    right = models.ForeignKey(Variant, models.PROTECT, related_name="matches_right")
    relation = models.CharField(max_length=16)
    certainty = models.CharField(max_length=16)
    algorithm = models.CharField(max_length=32)
    same_model = models.CharField(max_length=8, blank=True, default="")
    direction = models.CharField(max_length=16, blank=True, default="")
    detection_limit = models.FloatField(null=True)
    evidence = models.JSONField(default=dict)
    """What a list or a sentence needs: shares, counts, settings that differ, what stands against joining."""
    packed = models.BinaryField(null=True)
    """The whole evidence with its table, tensor by tensor, as one packed value."""
    found_at = models.DateTimeField(db_default=Now())
    compare_due = models.BooleanField(default=False)
    """It waits for the values of both files to be compared."""
    out_of_reach = models.BooleanField(default=False)
    """It would wait, but the bytes of one side are gone, or no worker reaches both."""
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)

    class Meta:
        verbose_name = "relation"
        constraints = [
            models.UniqueConstraint(fields=["left", "right"], name="match_once_per_pair"),
            models.CheckConstraint(condition=Q(left__lt=models.F("right")), name="match_ends_in_order"),
            models.CheckConstraint(condition=Q(relation__in=Relation.values()), name="match_relation_is_known"),
            models.CheckConstraint(condition=Q(certainty__in=Certainty.values()), name="match_certainty_is_known"),
            models.CheckConstraint(condition=Q(same_model__in=SameModel.values()), name="match_same_model_is_known"),
            models.CheckConstraint(condition=Q(direction__in=Direction.values()), name="match_direction_is_known"),
        ]
        indexes = [
            models.Index(fields=["right"], name="match_right"),
            models.Index(fields=["id"], name="match_to_compare", condition=Q(compare_due=True)),
            models.Index(fields=["id"], name="match_out_of_reach", condition=Q(out_of_reach=True)),
        ]

    def __str__(self) -> str:
        return f"{self.relation}, {self.certainty}"


class Decision(models.Model):
    """Who decided what, when and why, with the rows before, so that it can be undone.

    A "not the same" binds the pair (`left`, `right`), smaller first, of what `basis` names.
    """

    kind = models.CharField(max_length=16)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True)
    rule = models.CharField(max_length=48, blank=True, default="")
    """The rule that decided by itself, when no person did."""
    reason = models.TextField(blank=True, default="")
    before = models.JSONField(default=dict)
    """What was changed, in the words of the service that can put it back."""
    models_touched = models.ManyToManyField("catalog.ModelRecord", related_name="decisions")
    basis = models.CharField(max_length=16, blank=True, default="")
    left = models.BinaryField(null=True)
    right = models.BinaryField(null=True)
    undoes = models.OneToOneField("self", models.PROTECT, null=True, related_name="undone_by")
    closed_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=DecisionKind.values()), name="decision_kind_is_known"),
            models.CheckConstraint(condition=Q(actor__isnull=False) | ~Q(rule=""), name="decision_has_an_author"),
            models.CheckConstraint(condition=Q(basis="") | Q(basis__in=Basis.values()), name="decision_basis_is_known"),
            models.CheckConstraint(
                condition=Q(basis="", left=None, right=None) | Q(left__isnull=False, right__isnull=False),
                name="decision_binds_a_pair",
            ),
        ]
        indexes = [
            models.Index(fields=["left", "right"], name="decision_pair", condition=Q(left__isnull=False)),
            models.Index(fields=["right"], name="decision_pair_right", condition=Q(right__isnull=False)),
        ]

    def __str__(self) -> str:
        return DecisionKind.label_of(self.kind)
