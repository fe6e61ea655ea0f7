"""What hangs on an absorbed variant goes to its survivor, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from catalog.models import (
    Decision,
    ExternalId,
    Finding,
    FormerName,
    HashClaim,
    Library,
    Location,
    LocationFile,
    Match,
    ModelHash,
    ModelRecord,
    Variant,
)
from catalog.services import findings
from catalog.services.identity.absorbing import absorb, absorb_all
from catalog.vocabulary import Basis, Certainty, DecisionKind, FindingCode, Relation
from tests import rows

if TYPE_CHECKING:
    from uuid import UUID

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair() -> tuple[Variant, Variant]:
    """Two variants, each in a model of its own, the first the older."""
    return rows.variant("old"), rows.variant("new")


def live(variant: Variant) -> Variant:
    variant.refresh_from_db()
    return variant.merged_into or variant


def test_the_loser_answers_with_the_survivor(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    absorb(survivor=survivor, loser=loser)

    assert live(loser) == survivor
    assert live(survivor) == survivor
    assert loser.files.get().merged_into == survivor.files.get()
    assert loser.model_id == survivor.model_id


def test_aliases_of_the_loser_follow(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    third = rows.variant("third")
    absorb(survivor=loser, loser=third)
    absorb(survivor=survivor, loser=loser)

    assert live(third) == survivor
    assert third.files.get().merged_into == survivor.files.get()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_alias_never_names_an_alias(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    absorb(survivor=survivor, loser=loser)
    third = rows.variant("third")

    Variant.objects.filter(pk=third.pk).update(merged_into=loser)
    with pytest.raises(IntegrityError, match="must name a live row"), transaction.atomic():
        connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
    Variant.objects.filter(pk=third.pk).update(merged_into=None)


def test_ids_are_never_deleted(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    absorb(survivor=survivor, loser=loser)
    with pytest.raises((IntegrityError, ProtectedError)), transaction.atomic():
        loser.delete()


def test_places_names_and_listed_hashes_move(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    place = rows.location(loser, b"b.safetensors")
    rows.listed(place, "autov3", "aabbccddeeff")
    rows.former_name(survivor, b"shared.safetensors")
    rows.former_name(loser, b"shared.safetensors")
    rows.former_name(loser, b"only.safetensors")
    absorb(survivor=survivor, loser=loser)

    assert Location.objects.get().variant == survivor
    assert LocationFile.objects.get().file == survivor.files.get()
    assert HashClaim.objects.get().variant == survivor
    assert sorted(FormerName.objects.filter(variant=survivor).values_list("stem", flat=True)) == ["only", "shared"]
    assert not FormerName.objects.filter(variant=loser).exists()
    assert Library.objects.get().totals_stale


def test_the_earliest_first_and_the_latest_last_sight_of_a_name_stay(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    ours, theirs = rows.former_name(survivor, b"a.bin"), rows.former_name(loser, b"a.bin")
    FormerName.objects.filter(pk=ours.pk).update(first_seen="2021-01-01T00:00Z", last_seen="2022-01-01T00:00Z")
    FormerName.objects.filter(pk=theirs.pk).update(first_seen="2020-01-01T00:00Z", last_seen="2021-01-01T00:00Z")
    absorb(survivor=survivor, loser=loser)

    kept = FormerName.objects.get()
    assert (kept.first_seen.year, kept.last_seen.year) == (2020, 2022)


def test_external_ids_are_united(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    for variant, value in ((survivor, "1"), (loser, "1"), (loser, "2")):
        ExternalId.objects.create(scheme="civitai-version", value=value, variant=variant)
    absorb(survivor=survivor, loser=loser)

    assert sorted(survivor.external_ids.values_list("value", flat=True)) == ["1", "2"]
    assert ExternalId.objects.count() == 2


def test_the_content_and_its_digests_go_to_an_older_survivor(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    Variant.objects.filter(pk=loser.pk).update(content=b"c" * 32)
    loser.refresh_from_db()
    rows.hashes(loser, {"blake3": "63" * 32, "sha256": "64" * 32})
    absorb(survivor=survivor, loser=loser)

    survivor.refresh_from_db()
    loser.refresh_from_db()
    assert bytes(survivor.content or b"") == b"c" * 32
    assert loser.content is None
    moved = ModelHash.objects.filter(variant=survivor, file=survivor.files.get())
    assert sorted(moved.values_list("algorithm", flat=True)) == ["blake3", "sha256"]
    assert not ModelHash.objects.filter(variant=loser).exists()


def test_an_untouched_model_with_nothing_left_follows(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    model = loser.model
    ModelRecord.objects.filter(pk=model.pk).update(tags=["b", "a"], notes="theirs")
    ModelRecord.objects.filter(pk=survivor.model_id).update(tags=["a"], notes="ours")
    ExternalId.objects.create(scheme="hf", value="x/y", model=model)
    decision = Decision.objects.create(kind=DecisionKind.KEEP, rule="some rule")
    decision.models_touched.add(model)
    absorb(survivor=survivor, loser=loser)

    model.refresh_from_db()
    kept = ModelRecord.objects.get(pk=survivor.model_id)
    assert model.merged_into == kept
    assert kept.tags == ["a", "b"]
    assert kept.notes == "ours\n\ntheirs"
    assert kept.external_ids.get().value == "x/y"
    assert kept in decision.models_touched.all()


def test_a_model_with_other_variants_stays(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    model = loser.model
    other = rows.variant("other", model=model)
    absorb(survivor=survivor, loser=loser)

    model.refresh_from_db()
    assert model.merged_into is None
    assert list(model.variants.all()) == [other]
    assert findings.open_findings().get().code == FindingCode.MODELS_SHARE_A_FILE


def test_a_touched_model_stays_and_shares_its_tags(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    model = loser.model
    ModelRecord.objects.filter(pk=model.pk).update(touched=True, tags=["mine"])
    absorb(survivor=survivor, loser=loser)

    model.refresh_from_db()
    kept = ModelRecord.objects.get(pk=survivor.model_id)
    assert model.merged_into is None
    assert kept.tags == ["mine"]
    assert findings.open_findings().get().code == FindingCode.MODELS_SHARE_A_FILE


def test_findings_move_and_are_never_doubled(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    for variant in pair:
        findings.raise_finding(code=FindingCode.CORRUPT, params={}, variant=variant)
    findings.raise_finding(code=FindingCode.EMPTY, params={}, variant=loser)
    absorb(survivor=survivor, loser=loser)

    assert sorted(findings.open_findings().values_list("code", "variant")) == [
        ("corrupt", survivor.pk),
        ("empty", survivor.pk),
    ]
    assert not Finding.objects.filter(variant=loser).exists()


def match(left: UUID, right: UUID, relation: Relation) -> Match:
    return Match.objects.create(
        left_id=min(left, right),
        right_id=max(left, right),
        relation=relation,
        certainty=Certainty.PROVEN,
        algorithm="x",
    )


def test_relations_point_at_the_survivor(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    other = rows.variant("other")
    match(survivor.pk, loser.pk, Relation.SAME_TENSORS)
    match(other.pk, loser.pk, Relation.SAME_TENSORS)
    absorb(survivor=survivor, loser=loser)

    kept = Match.objects.get()
    assert {kept.left_id, kept.right_id} == {survivor.pk, other.pk}


def test_a_relation_with_a_direction_keeps_it(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    for _ in range(8):
        other = rows.variant("other")
        found = match(other.pk, loser.pk, Relation.PART_OF)
        if found.left_id == loser.pk:
            Match.objects.filter(pk=found.pk).update(relation=Relation.CONTAINS)
    absorb(survivor=survivor, loser=loser)

    for kept in Match.objects.all():
        assert kept.relation == (Relation.CONTAINS if kept.left_id == survivor.pk else Relation.PART_OF)
    assert Match.objects.count() == 8


def reject(left: Variant, right: Variant) -> Decision:
    ends = sorted((left.pk.bytes, right.pk.bytes))
    return Decision.objects.create(
        kind=DecisionKind.NOT_SAME, rule="a test", basis=Basis.VARIANT, left=ends[0], right=ends[1]
    )


def test_a_not_the_same_between_the_two_is_closed_with_a_finding(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    decision = reject(survivor, loser)
    absorb(survivor=survivor, loser=loser)

    decision.refresh_from_db()
    assert decision.closed_at is not None
    found = findings.open_findings().get()
    assert (found.code, found.variant) == (FindingCode.REJECTION_CLOSED, survivor)


def test_a_not_the_same_with_a_third_binds_the_survivor(pair: tuple[Variant, Variant]) -> None:
    survivor, loser = pair
    third = rows.variant("third")
    decision = reject(loser, third)
    absorb(survivor=survivor, loser=loser)

    decision.refresh_from_db()
    assert decision.closed_at is None
    assert {bytes(decision.left or b""), bytes(decision.right or b"")} == {survivor.pk.bytes, third.pk.bytes}


def test_many_are_absorbed_in_as_many_statements_as_one(pair: tuple[Variant, Variant]) -> None:
    survivor, _ = pair
    losers = [rows.variant(str(number)) for number in range(20)]
    for number, loser in enumerate(losers):
        rows.location(loser, b"%d.safetensors" % number)
        rows.former_name(loser, b"same.safetensors")
    with CaptureQueriesContext(connection) as statements:
        absorb_all(pairs=[(survivor, loser) for loser in losers])

    assert len(statements) < 40
    assert {live(loser) for loser in losers} == {survivor}
    assert survivor.locations.count() == 20
    assert survivor.former_names.count() == 1
    assert ModelRecord.objects.filter(merged_into=survivor.model_id).count() == 20
