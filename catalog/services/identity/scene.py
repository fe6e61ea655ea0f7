"""The models that are looked at in one go, locked, with their variants, and what has become of them so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from catalog.models import Decision, Location, Match, ModelRecord, Variant
from catalog.services import totals
from catalog.services.identity.chains import Bonds
from catalog.services.identity.holding import hold_homes, live
from catalog.services.identity.uniting import unite
from catalog.vocabulary import DecisionKind, LocationState

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from catalog.services.identity.rules import Row

_GONE = (LocationState.MISSING.value, LocationState.REMOVED.value)


@dataclass
class Scene:
    """`models` are locked; `members` are all live variants of them."""

    models: dict[UUID, ModelRecord]
    members: dict[UUID, Variant]
    decisions: list[Decision] = field(default_factory=list)

    @classmethod
    def of(cls, variants: Collection[UUID]) -> Scene:
        """The models of these variants, held until the transaction ends."""
        found, models = hold_homes(variants)
        homes = {variant.model_id for variant in found}
        rows = Variant.objects.filter(model__in=homes, merged_into=None).defer("reasons", "candidates", "dtypes")
        return cls(models, {row.pk: row for row in rows.order_by("number")})

    @cached_property
    def bonds(self) -> Bonds:
        """What the members are to one another."""
        return Bonds.among(self.members)

    @cached_property
    def gone(self) -> frozenset[UUID]:
        """Members whose bytes are nowhere any more."""
        there = Location.objects.filter(variant__in=self.members).exclude(state__in=_GONE)
        return frozenset(self.members) - set(there.values_list("variant", flat=True))

    def home(self, variant: UUID) -> ModelRecord:
        """The live model of a member."""
        return live(self.members[variant].model_id, self.models)

    def of_model(self, model: ModelRecord) -> list[Variant]:
        """The members of a live model, by number."""
        return [row for pk, row in self.members.items() if self.home(pk).pk == model.pk]

    def join(self, match: Match, row: Row) -> Decision:
        """The models of the two become one: the touched one stays, else the older one."""
        ours, theirs = self.home(match.left_id), self.home(match.right_id)
        into, model = sorted((ours, theirs), key=lambda one: (not one.touched, one.number))
        image = unite(models=[model], into=into)
        decision = Decision.objects.create(
            kind=DecisionKind.JOIN, rule=row.name, before={**image.written(), **_grounds(match)}
        )
        decision.models_touched.set(ModelRecord.objects.filter(pk__in={*image.models(), into.pk, model.pk}))
        for other in self.models.values():
            if model.pk in {other.pk, other.merged_into_id}:
                other.merged_into = into
        self.decisions.append(decision)
        if not {"kind", "base"}.isdisjoint(into.edited):
            totals.stale_of([into.pk])
        return decision


def _grounds(match: Match) -> dict[str, str | int]:
    """What the decision rests on, as it was then."""
    return {
        "match": match.pk,
        "relation": match.relation,
        "certainty": match.certainty,
        "variants": f"{match.left_id} {match.right_id}",
    }
