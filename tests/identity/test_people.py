"""What a person said stays, whatever is found out about the bytes later."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User

from catalog.errors import Refused
from catalog.models import Decision, ModelRecord
from catalog.services import findings
from catalog.services.identity import deciding
from catalog.services.identity.editing import edit
from catalog.vocabulary import Base, DecisionKind, FindingCode, Kind
from tests.identity.catalogue import (
    add,
    answering_model,
    catalogue,
    hash_all,
    model,
    probe_all,
    put,
    scan,
    variant_at,
)

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.models import Library

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def probed(folder: Path, **files: bytes) -> Library:
    """A library whose headers were read, and no bytes."""
    for name, content in files.items():
        put(folder, f"{name}.safetensors", content)
    library = add(folder)
    scan(library)
    probe_all()
    return library


def test_a_model_can_be_named_before_its_bytes_were_read(tmp_path: Path, ada: User) -> None:
    library = probed(tmp_path, a=model(1))
    variant = variant_at(library, "a.safetensors")
    edit(model=variant.model, fields={"name": "Ours", "tags": ["good"]}, user=ada)
    hash_all()
    os.rename(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    catalogue(library)

    after = variant_at(library, "b.safetensors")
    assert after == variant
    assert (after.model.name, after.model.tags) == ("Ours", ["good"])


def test_a_download_that_goes_on_keeps_its_ids_and_its_name(tmp_path: Path, ada: User) -> None:
    whole = model(1)
    library = probed(tmp_path, a=whole[: len(whole) // 2])
    variant = variant_at(library, "a.safetensors")
    edit(model=variant.model, fields={"name": "Ours"}, user=ada)
    put(tmp_path, "a.safetensors", whole)
    catalogue(library)

    after = variant_at(library, "a.safetensors")
    assert after == variant
    assert after.model.name == "Ours"
    assert after.outcome == "ok"
    assert not findings.open_findings().exists()


def test_the_kind_and_base_that_a_person_gave_outlive_every_reading(tmp_path: Path, ada: User) -> None:
    whole = model(1, {"modelspec.architecture": "stable-diffusion-v1/lora"})
    library = probed(tmp_path, a=whole[: len(whole) - 10])
    given = {"kind": Kind.CONTROLNET.value, "base": Base.FLUX.value}
    edit(model=variant_at(library, "a.safetensors").model, fields=given, user=ada)
    put(tmp_path, "a.safetensors", whole)
    catalogue(library)

    after = variant_at(library, "a.safetensors")
    assert (after.kind, after.base) == (Kind.LORA, Base.SD_1)
    assert (after.model.kind, after.model.base) == (Kind.CONTROLNET, Base.FLUX)

    put(tmp_path, "b.safetensors", whole)
    catalogue(library)
    both = variant_at(library, "b.safetensors")
    assert both == after
    assert (both.model.kind, both.model.base) == (Kind.CONTROLNET, Base.FLUX)


def test_the_kind_and_base_given_to_a_copy_go_along_with_a_merge(tmp_path: Path, ada: User) -> None:
    library = probed(tmp_path, a=model(1))
    hash_all()
    probed(tmp_path, b=model(1))
    given = {"kind": Kind.VAE.value, "base": Base.SDXL.value}
    edit(model=variant_at(library, "b.safetensors").model, fields=given, user=ada)
    hash_all()

    both = variant_at(library, "a.safetensors")
    other = ModelRecord.objects.filter(merged_into=None).exclude(pk=both.model.pk).get()
    deciding.merge(models=[other], into=both.model, user=ada)
    merged = ModelRecord.objects.get(pk=both.model.pk)
    assert (merged.kind, merged.base) == (Kind.VAE, Base.SDXL)
    assert {"kind", "base"} <= set(merged.edited)


def test_tags_on_a_copy_are_found_on_the_model_that_it_is_a_copy_of(tmp_path: Path, ada: User) -> None:
    library = probed(tmp_path, a=model(1))
    hash_all()
    probed(tmp_path, b=model(1))
    edit(model=variant_at(library, "b.safetensors").model, fields={"tags": ["mine"]}, user=ada)
    hash_all()

    both = variant_at(library, "a.safetensors")
    assert variant_at(library, "b.safetensors") == both
    assert both.model.tags == ["mine"]
    proposal = findings.open_findings().get()
    assert proposal.code == FindingCode.MODELS_SHARE_A_FILE

    other = ModelRecord.objects.filter(merged_into=None).exclude(pk=both.model.pk).get()
    deciding.merge(models=[other], into=both.model, user=ada)
    assert not findings.open_findings().exists()
    assert answering_model(other) == both.model


def test_a_not_the_same_between_equal_bytes_is_closed_with_a_finding(tmp_path: Path, ada: User) -> None:
    library = probed(tmp_path, a=model(1), b=model(1))
    left, right = variant_at(library, "a.safetensors"), variant_at(library, "b.safetensors")
    deciding.not_same(left=left, right=right, user=ada)
    hash_all()

    assert variant_at(library, "a.safetensors") == variant_at(library, "b.safetensors")
    assert Decision.objects.get(kind=DecisionKind.NOT_SAME).closed_at is not None
    assert FindingCode.REJECTION_CLOSED in set(findings.open_findings().values_list("code", flat=True))


def test_a_not_the_same_outlives_a_header_edit(tmp_path: Path, ada: User) -> None:
    library = probed(tmp_path, a=model(1), b=model(2))
    deciding.not_same(left=variant_at(library, "a.safetensors"), right=variant_at(library, "b.safetensors"), user=ada)
    hash_all()
    put(tmp_path, "a.safetensors", model(1, {"another": "header"}))
    catalogue(library)
    left, right = variant_at(library, "a.safetensors"), variant_at(library, "b.safetensors")

    assert Decision.objects.get(kind=DecisionKind.NOT_SAME).basis == "weights:v1"
    with pytest.raises(Refused, match="not the same"):
        deciding.merge(models=[left.model], into=right.model, user=ada)
