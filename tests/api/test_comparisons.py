"""What one variant is to another, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from catalog.matching import packing
from catalog.models import Match
from tests import rows
from tests.builders.evidence import evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from catalog.models import Variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair() -> tuple[Variant, Variant]:
    """Two variants with a stored relation, the smaller id first."""
    left, right = sorted((rows.variant("full"), rows.variant("pruned")), key=lambda made: made.pk)
    found = evidence()
    Match.objects.create(
        left=left, right=right, relation=found.relation, certainty=found.certainty, same_model=found.same_model,
        algorithm=found.version, packed=packing.pack(found), compare_due=True,
    )  # fmt: skip
    return left, right


def test_the_evidence_is_given_tensor_by_tensor(viewer: Client, pair: tuple[Variant, Variant]) -> None:
    told = viewer.get(f"/api/v1/comparisons/{pair[0].pk}/{pair[1].pk}").json()
    assert (told["relation"], told["certainty"], told["same_model"]) == ("derived", "all_values", False)
    assert (told["left"], told["right"], told["waits"]) == (str(pair[0].pk), str(pair[1].pk), True)
    assert (told["values_compared"], told["values_outside"]) == (19_776, 512)
    assert told["settings_differ"][0] == {
        "name": "prediction_type", "file": "", "left": "epsilon", "right": "v_prediction", "stops": True,
    }  # fmt: skip
    changed = next(row for row in told["tensors"] if row["verdict"] == "different")
    assert (changed["left"], changed["outside"], changed["largest"]) == ("mid.weight", 512, 4096.0)
    alone = next(row for row in told["tensors"] if row["verdict"] == "only_left")
    assert alone["right"] is None


def test_asked_the_other_way_round_the_sides_change(viewer: Client, pair: tuple[Variant, Variant]) -> None:
    told = viewer.get(f"/api/v1/comparisons/{pair[1].pk}/{pair[0].pk}").json()
    assert told["settings_differ"][0]["left"] == "v_prediction"
    assert next(row for row in told["tensors"] if row["verdict"] == "only_right")["left"] is None


def test_unknown_ids_are_not_found(viewer: Client, pair: tuple[Variant, Variant]) -> None:
    for other in (uuid4(), pair[0].pk):
        answer = viewer.get(f"/api/v1/comparisons/{pair[0].pk}/{other}")
        assert answer.status_code == 404
        assert "Two variants are compared" in answer.json()["detail"]


def test_it_wants_the_permission_to_look_at_models(
    caller: Callable[..., Client], pair: tuple[Variant, Variant]
) -> None:
    assert caller().get(f"/api/v1/comparisons/{pair[0].pk}/{pair[1].pk}").status_code == 403
