"""The page of two variants beside each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.matching import packing
from catalog.matching.flipping import flipped
from catalog.models import Match
from tests import rows
from tests.builders.evidence import ROWS, evidence

pytestmark = pytest.mark.django_db

if TYPE_CHECKING:
    from catalog.matching.base import Evidence
    from catalog.models import Variant


@pytest.fixture
def pair() -> tuple[Variant, Variant]:
    """Two variants that each lie somewhere, the smaller id first."""
    one, other = sorted((rows.variant("full"), rows.variant("pruned")), key=lambda made: made.pk)
    rows.location(one, b"checkpoints/full.safetensors")
    rows.location(other, b"checkpoints/pruned.safetensors")
    return one, other


def _match(pair: tuple[Variant, Variant], found: Evidence) -> Match:
    return Match.objects.create(
        left=pair[0],
        right=pair[1],
        relation=found.relation,
        certainty=found.certainty,
        same_model=found.same_model,
        algorithm=found.version,
        packed=packing.pack(found),
    )


def _text(answer: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))  # type: ignore[attr-defined] # a page


def test_it_says_in_words_what_was_found_and_shows_the_table(boss: Client, pair: tuple[Variant, Variant]) -> None:
    match = _match(pair, evidence())
    text = _text(boss.get(f"/relations/{match.pk}/"))
    wanted = (
        "every value compared", "prediction type", "epsilon against v_prediction", "mid.weight", "4,096", "512",
        "conv_in.weight input.0.weight", "320 \u00d7 4 \u00d7 3 \u00d7 3",
        "F32 to F16", "part 1 of 3", "different 1", "rounded 2",
        "quantised 0", "checkpoints/full.safetensors", "Differing 4", "All 5", "only in the first",
    )  # fmt: skip
    for words in wanted:
        assert words.lower() in text.lower(), words
    assert "norm.bias" not in text, "equal tensors are folded away"
    assert "None" not in text


def test_what_differs_comes_first_and_the_table_can_be_narrowed(boss: Client, pair: tuple[Variant, Variant]) -> None:
    match = _match(pair, evidence())
    everything = boss.get(f"/relations/{match.pk}/?show=").content.decode().partition("<tbody>")[2]
    assert everything.index("mid.weight") < everything.index("conv_in.weight") < everything.index("norm.bias")
    equal = boss.get(f"/relations/{match.pk}/?show=equal")
    assert [row.left for row in equal.context["sheet"].object_list] == ["norm.bias"]


def test_the_sides_can_be_swapped(boss: Client, pair: tuple[Variant, Variant]) -> None:
    _match(pair, evidence())
    page = boss.get(f"/compare/{pair[1].pk}/{pair[0].pk}/")
    assert page.context["found"].left.variant.pk == pair[1].pk
    assert page.context["evidence"] == flipped(evidence())
    straight = boss.get(f"/compare/{pair[0].pk}/{pair[1].pk}/")
    assert straight.context["evidence"] == evidence()


def test_two_that_were_never_compared_are_compared_now(boss: Client, pair: tuple[Variant, Variant]) -> None:
    page = boss.get(f"/compare/{pair[0].pk}/{pair[1].pk}/")
    assert page.status_code == 200
    assert "cannot tell" in _text(page).lower()
    assert not Match.objects.exists()


def test_a_relation_without_a_table_is_compared_now(boss: Client, pair: tuple[Variant, Variant]) -> None:
    match = _match(pair, evidence())
    Match.objects.update(packed=b"of another release")
    assert boss.get(f"/relations/{match.pk}/")["Location"] == f"/compare/{pair[0].pk}/{pair[1].pk}/"


def test_ids_that_nobody_has_are_not_found(boss: Client, pair: tuple[Variant, Variant]) -> None:
    for address in (
        "/relations/4711/",
        f"/compare/{pair[0].pk}/{uuid4()}/",
        f"/compare/{pair[0].pk}/{pair[0].pk}/",
    ):
        assert boss.get(address).status_code == 404


def test_it_wants_the_permission_to_look_at_models(viewer: Client, pair: tuple[Variant, Variant]) -> None:
    match = _match(pair, evidence())
    assert viewer.get(f"/relations/{match.pk}/").status_code == 200
    assert Client().get(f"/relations/{match.pk}/").status_code == 302


def test_a_long_table_comes_in_pages_and_costs_as_few_statements(boss: Client, pair: tuple[Variant, Variant]) -> None:
    many = tuple(ROWS[0]._replace(left=f"blocks.{number}.weight") for number in range(2500))
    match = _match(pair, evidence(many))
    with CaptureQueriesContext(
        connection,
    ) as statements:
        page = boss.get(f"/relations/{match.pk}/")
    assert len(statements) <= 20
    assert "Page 1 of 10" in _text(page)
    assert "blocks.2499.weight" in _text(boss.get(f"/relations/{match.pk}/?page=10"))


def test_the_names_of_strangers_are_text(boss: Client, pair: tuple[Variant, Variant]) -> None:
    match = _match(pair, evidence((ROWS[3]._replace(left="<script>alert(1)</script>"),)))
    assert "<script>alert" not in boss.get(f"/relations/{match.pk}/").content.decode()


def test_a_model_leads_to_the_evidence_of_its_relations(boss: Client, pair: tuple[Variant, Variant]) -> None:
    match = _match(pair, evidence())
    page = boss.get(f"/models/{pair[0].model_id}/").content.decode()
    assert f'href="/relations/{match.pk}/"' in page


def test_the_dashboard_says_what_is_still_to_be_compared(boss: Client, pair: tuple[Variant, Variant]) -> None:
    assert "to be compared" not in _text(boss.get("/")).lower()
    _match(pair, evidence())
    Match.objects.update(compare_due=True)
    type(pair[0]).objects.filter(pk=pair[0].pk).update(search_due=True)
    assert "To be compared: 1 variant with what is known, 1 pair of files value by value." in _text(boss.get("/"))
