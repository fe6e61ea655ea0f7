"""Whom a variant is compared with: found by equality alone, popular keys through one, relatives by their probes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import connection

from catalog.fingerprints.base import Key, KeyKind
from catalog.hashing.tensors import OF_NOTHING
from catalog.matching import probes as places
from catalog.models import Component, ComponentKey, ComponentProbe, ModelHash, ModelRecord, Variant
from catalog.queries import candidates, probes
from catalog.queries.candidates import Asked, Candidate, Rank
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

pytestmark = pytest.mark.django_db


def variant() -> Variant:
    model = ModelRecord.objects.create(name="some model")
    return Variant.objects.create(model=model, format=Format.SAFETENSORS, precision="fp16")


def key(name: str) -> bytes:
    return name.encode().ljust(16, b"\0")


def component(
    of: Variant, keys: Mapping[KeyKind, str], *, name: str = "", values: int = 1000, alone: bool = True
) -> Component:
    made = Component.objects.create(
        variant=of, name=name, algorithm="parts:v1", tensors=4, values=values, core_tensors=4, core_values=values
    )
    ComponentKey.objects.bulk_create(
        ComponentKey(component=made, kind=kind, key=UUID(bytes=key(text)), alone=alone) for kind, text in keys.items()
    )
    return made


def asked(keys: Mapping[KeyKind, str], values: int = 1000) -> Asked:
    return Asked(values, tuple(Key(kind, key(text)) for kind, text in keys.items()))


def find(*given: Asked, whole: Mapping[str, bytes] | None = None) -> dict[UUID, Candidate]:
    return candidates.find(given, whole=whole or {}, variant=uuid4()).candidates


def test_equal_keys_meet() -> None:
    other = variant()
    component(other, {KeyKind.E: "same"})
    component(variant(), {KeyKind.E: "other"})

    found = find(asked({KeyKind.E: "same"}))

    assert found.keys() == {other.pk}
    assert found[other.pk].rank == Rank.SAME_VALUES
    assert found[other.pk].share == (1.0, 1.0)


@pytest.mark.parametrize(
    ("here", "there", "meet"),
    [
        (KeyKind.F16, KeyKind.F16, True),
        (KeyKind.F16, KeyKind.FB, True),
        (KeyKind.FB, KeyKind.F16, True),
        (KeyKind.E5M2_BF16, KeyKind.F16, True),
        (KeyKind.F16, KeyKind.E4M3, True),
        (KeyKind.BF, KeyKind.BF16, True),
        (KeyKind.FZ, KeyKind.FZ, True),
        (KeyKind.FB, KeyKind.FB, False),
        (KeyKind.E, KeyKind.F16, False),
        (KeyKind.F16, KeyKind.BF16, False),
    ],
)
def test_only_kinds_that_mean_something_by_it_meet(here: KeyKind, there: KeyKind, *, meet: bool) -> None:
    component(variant(), {there: "same"})

    assert bool(find(asked({here: "same"}))) is meet


def test_every_kind_has_its_like() -> None:
    assert candidates.MEETS.keys() == set(KeyKind)
    for kind, others in candidates.MEETS.items():
        assert all(kind in candidates.MEETS[other] for other in others)


def test_equal_tensors_of_any_kind_are_counted_once_each() -> None:
    other = variant()
    both = {KeyKind.ANCHOR_AUX_F16: "norm", KeyKind.ANCHOR_AUX_BF16: "norm, too", KeyKind.ANCHOR_CORE_F16: "embedding"}
    component(other, both)

    found = find(asked(both))[other.pk]

    assert (found.rank, found.anchors) == (Rank.RELATIVE, 3)


def test_a_key_that_hundreds_hold_costs_one_comparison() -> None:
    holders = [variant() for _ in range(candidates.POPULAR + 5)]
    for holder in holders:
        component(holder, {KeyKind.E: "a well-known VAE"}, values=10, alone=False)

    found = find(asked({KeyKind.E: "a well-known VAE"}, 10))

    assert found.keys() == {holders[0].pk}


def test_a_file_that_holds_nothing_else_is_found_among_hundreds_that_hold_it_too() -> None:
    for _ in range(candidates.POPULAR + 5):
        component(variant(), {KeyKind.E: "a well-known VAE"}, name="vae", values=10, alone=False)
    by_itself = variant()
    component(by_itself, {KeyKind.E: "a well-known VAE"}, values=10)

    found = find(asked({KeyKind.E: "a well-known VAE"}, 10))

    assert by_itself.pk in found
    assert len(found) == 2


def test_what_shares_a_small_part_ranks_below_what_is_the_same() -> None:
    same, shares = variant(), variant()
    component(same, {KeyKind.E: "unet"}, name="unet", values=900, alone=False)
    component(same, {KeyKind.E: "vae"}, name="vae", values=100, alone=False)
    component(shares, {KeyKind.E: "another"}, name="unet", values=900, alone=False)
    component(shares, {KeyKind.E: "vae"}, name="vae", values=100, alone=False)

    found = find(asked({KeyKind.E: "unet"}, 900), asked({KeyKind.E: "vae"}, 100))

    assert [one.rank for one in candidates.best(found.values())] == [Rank.SAME_VALUES, Rank.SMALL_PART]
    assert candidates.best(found.values())[0].variant == same.pk


def test_a_part_meets_the_whole() -> None:
    whole = variant()
    component(whole, {KeyKind.E: "unet"}, name="unet", values=900, alone=False)
    component(whole, {KeyKind.E: "vae"}, name="vae", values=100, alone=False)

    assert find(asked({KeyKind.E: "vae"}, 100))[whole.pk].rank == Rank.PART


def test_a_variant_is_no_candidate_of_its_own() -> None:
    own = variant()
    made = component(own, {KeyKind.E: "same"})

    given = candidates.asked_of(own.pk)

    assert given == [Asked(1000, (Key(KeyKind.E, key("same")),), None, made.pk, "")]
    assert not candidates.find(given, whole={}, variant=own.pk).candidates


def test_absorbed_variants_are_no_candidates() -> None:
    survivor, loser = variant(), variant()
    component(loser, {KeyKind.E: "same"})
    Variant.objects.filter(pk=loser.pk).update(merged_into=survivor)

    assert not find(asked({KeyKind.E: "same"}))


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("weights:v1", "weights:v1"),
        ("tensors:v1", "tensors:v1"),
        ("weights-f16:v1", "weights:v1"),
        ("weights:v1", "weights-bf16:v1"),
    ],
)
def test_digests_of_the_whole_meet_also_when_one_is_of_rounded_values(here: str, there: str) -> None:
    other = variant()
    ModelHash.objects.create(variant=other, algorithm=there, digest=b"d" * 32)

    assert find(whole={here: b"d" * 32})[other.pk].rank == Rank.SAME_SET


def test_digests_of_no_tensors_are_nothing_in_common() -> None:
    nothing = min(OF_NOTHING)
    ModelHash.objects.create(variant=variant(), algorithm="weights:v1", digest=nothing)

    assert not find(whole={"weights:v1": nothing})


def test_weights_too_small_for_keys_meet_by_their_digest() -> None:
    other = variant()
    Component.objects.create(
        variant=other, name="", algorithm="parts:v1", tensors=1, values=4, weights_digest=b"w" * 32
    )

    assert find(Asked(0, (), b"w" * 32)).keys() == {other.pk}


def test_no_rank_takes_all_places() -> None:
    same = [Candidate(uuid4(), Rank.SAME_VALUES, (1.0, 1.0)) for _ in range(100)]
    nearest = [Candidate(uuid4(), Rank.NEAREST, outside=0.01 * at) for at in range(20)]
    relatives = [Candidate(uuid4(), anchors=at) for at in range(200)]

    best = candidates.best([*relatives, *same, *nearest])

    assert len(best) == candidates.MOST
    assert sum(one.rank == Rank.NEAREST for one in best) == 12
    assert best[12] is nearest[0]
    assert [one.anchors for one in best[24:]] == list(range(199, 191, -1))


def probe(values: Sequence[float], spread: float) -> bytes:
    """A probe whose values lie within `spread` of these, in units of the root mean square."""
    middles = np.array(values)
    ends = np.concatenate([np.floor((middles - spread) * 4096), np.ceil((middles + spread) * 4096)])
    return ends.clip(-32767, 32766).astype("<i2").tobytes()


def test_the_parent_is_found_among_thousands_that_are_as_like() -> None:
    random = np.random.default_rng(4)
    base = random.normal(size=places.PLACES)
    first = component(variant(), {})
    children = [base + random.normal(size=places.PLACES) * scale for scale in np.geomspace(1e-3, 0.3, 300)]
    members = [component(variant(), {}) for _ in children]
    ComponentProbe.objects.bulk_create(
        ComponentProbe(component=member, family=first, build=1, packed=probe(values, 1e-4))
        for member, values in zip([first, *members], [base, *children], strict=True)
    )
    step = 0.02
    quantised = probe(np.round(children[200] / step) * step, step / 2)

    found = probes.relatives(first.pk, quantised, besides=0, nearest=3, closest=2)

    by_outside = sorted(found, key=lambda one: (one.outside, one.distance))
    assert by_outside[0].component == members[200].pk
    assert by_outside[0].outside == 0.0
    assert by_outside[0].variant == members[200].variant_id


def test_a_family_is_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "_BLOCK", 2)
    first = component(variant(), {})
    members = [first, *(component(variant(), {}) for _ in range(4))]
    ComponentProbe.objects.bulk_create(
        ComponentProbe(component=one, family=first, build=7, packed=probe([at / 10] * places.PLACES, 0.01))
        for at, one in enumerate(members)
    )

    found = probes.relatives(first.pk, probe([0.3] * places.PLACES, 0.01), besides=first.pk, nearest=9, closest=0)

    assert min(found, key=lambda one: one.outside).component == members[3].pk
    assert {one.component for one in found} == {one.pk for one in members[1:]}
    assert probes.families_of([members[2].pk]) == {members[2].pk: first.pk}
    assert probes.firsts(7, most=3) == [first.pk]
    assert probes.firsts(8, most=3) == []


def test_nothing_is_read_from_end_to_end() -> None:
    """With many rows there is an index for each question."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN " + candidates._HOLDERS,
            {"at": [0], "keys": [uuid4()], "kinds": [1], "anchors": [False], "own": [], "popular": 64},
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "component_key_in_turn" in plan
    assert "Seq Scan" not in plan
