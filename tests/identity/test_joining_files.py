"""Small real files through scan and hashing: what digests prove is joined as it is stored, and decisions stand."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from django.conf import settings
from django.db import connections

from catalog.models import Component, Decision, Location, Match, ModelHash, ModelRecord, Variant
from catalog.services import claiming, hashing
from catalog.services.identity import deciding
from catalog.vocabulary import DecisionKind, Obstacle, Stage
from tests.builders import BRAIN, HALF, Shape, Tensors, cast, safetensors, weights
from tests.identity.catalogue import add, answering_model, catalogue, hash_all, probe_all, put, scan, variant_at

if TYPE_CHECKING:
    from pathlib import Path

    from django.contrib.auth.models import User

    from catalog.models import Library

pytestmark = pytest.mark.django_db

SHAPES: dict[str, Shape] = {
    f"blocks.{layer}.{name}.weight": (24, 24) for layer in range(3) for name in ("query", "key", "out")
}
SHAPES |= {f"blocks.{layer}.norm.weight": (96,) for layer in range(3)}


def full(seed: int = 1) -> Tensors:
    """Values in float32 that no other type holds."""
    return weights(SHAPES, seed)


def half(tensors: Tensors) -> Tensors:
    return cast(tensors, HALF)


WORDS = {"blocks": "layers", "query": "to_q", "key": "to_k", "out": "to_out", "norm": "scale"}


def renamed(tensors: Tensors) -> Tensors:
    """Other words, the same places."""
    return {".".join(WORDS.get(word, word) for word in name.split(".")): array for name, array in tensors.items()}


FORMS = {
    "full": lambda: safetensors(full()),
    "half": lambda: safetensors(half(full())),
    "brain": lambda: safetensors(cast(full(), BRAIN)),
    "renamed": lambda: safetensors(renamed(full())),
    "renamed half": lambda: safetensors(renamed(half(full()))),
    "noted half": lambda: safetensors(half(full()), {"note": "another header"}),
}


def write(folder: Path, *names: str) -> None:
    for name in names:
        put(folder, f"{name}.safetensors", FORMS[name]())


def home(library: Library, name: str) -> ModelRecord:
    return answering_model(variant_at(library, f"{name}.safetensors").model)


def homes(library: Library, *names: str) -> set[object]:
    return {home(library, name).pk for name in names}


def between(library: Library, left: str, right: str) -> Match:
    ends = sorted(variant_at(library, f"{name}.safetensors").pk for name in (left, right))
    return Match.objects.get(left=ends[0], right=ends[1])


@pytest.fixture
def ada(django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("ada")


class TestProven:
    @pytest.mark.parametrize("names", list(itertools.permutations(("full", "half", "renamed half"))))
    def test_one_after_the_other_in_every_order(self, tmp_path: Path, names: tuple[str, ...]) -> None:
        library = add(tmp_path)
        for name in names:
            write(tmp_path, name)
            catalogue(library)
        assert homes(library, *names) == {home(library, names[0]).pk}
        assert home(library, names[0]) == ModelRecord.objects.order_by("number").first()

    @pytest.mark.parametrize("at_once", [1, 2, 100])
    def test_all_in_one_go(self, tmp_path: Path, at_once: int) -> None:
        library = add(tmp_path)
        write(tmp_path, *FORMS)
        scan(library)
        probe_all()
        report = hash_all(at_once=at_once)
        assert len(homes(library, *FORMS)) == 1
        assert report.joined == len(FORMS) - 1

    @pytest.mark.parametrize(("before", "after"), list(itertools.permutations(("full", "half", "renamed"), 2)))
    def test_a_remembered_source_gives_its_model(self, tmp_path: Path, before: str, after: str) -> None:
        library = add(tmp_path)
        write(tmp_path, before)
        catalogue(library)
        source = home(library, before)
        (tmp_path / f"{before}.safetensors").unlink()
        scan(library)
        write(tmp_path, after)
        catalogue(library)
        assert home(library, after) == source

    @pytest.mark.parametrize(
        ("left", "right", "relation"),
        [
            ("half", "noted half", "same_tensors"),
            ("full", "renamed", "same_weights"),
            ("half", "renamed half", "same_weights"),
            ("full", "half", "other_precision"),
            ("full", "brain", "other_precision"),
            ("renamed", "half", "other_precision"),
        ],
    )
    def test_the_join_names_what_was_proven(self, tmp_path: Path, left: str, right: str, relation: str) -> None:
        library = add(tmp_path)
        write(tmp_path, left, right)
        catalogue(library)
        decision = Decision.objects.get(kind=DecisionKind.JOIN)
        match = between(library, left, right)
        assert (decision.rule, match.relation, match.certainty) == (relation, relation, "proven")
        assert decision.before["match"] == match.pk

    def test_two_roundings_find_each_other_when_their_parent_comes(self, tmp_path: Path) -> None:
        library = add(tmp_path)
        write(tmp_path, "half", "brain")
        catalogue(library)
        assert len(homes(library, "half", "brain")) == 2
        write(tmp_path, "full")
        catalogue(library)
        assert len(homes(library, "half", "brain", "full")) == 1

    def test_two_that_agree_only_after_rounding_stay_apart(self, tmp_path: Path) -> None:
        library = add(tmp_path)
        for name, by in (("one", 1 + 2**-20), ("near", 1 - 2**-20)):
            put(tmp_path, f"{name}.safetensors", safetensors(beside_half(by)))
        put(tmp_path, "half.safetensors", safetensors(half(full())))
        catalogue(library)
        joined = [name for name in ("one", "near") if home(library, name) == home(library, "half")]
        assert len(joined) == 1
        other = "near" if joined == ["one"] else "one"
        assert home(library, "one") != home(library, "near")
        assert between(library, other, "half").evidence["obstacle"] == Obstacle.CHAIN

    def test_many_unrelated_files_are_looked_up_together(self, tmp_path: Path) -> None:
        library = add(tmp_path)
        for seed in range(30):
            put(tmp_path, f"{seed}.safetensors", safetensors(weights({"a.weight": (8, 8)}, seed)))
        scan(library)
        probe_all()
        assert hash_all().joined == 0
        assert not Match.objects.exists()


def beside_half(by: float) -> Tensors:
    """In float32 what is so near to values of float16 that it rounds to them."""
    return {name: (array.astype(np.float32) * np.float32(by)) for name, array in half(full()).items()}


class TestDecisionsStand:
    @pytest.fixture
    def library(self, tmp_path: Path) -> Library:
        write(tmp_path, "full", "half")
        library = add(tmp_path)
        catalogue(library)
        assert len(homes(library, "full", "half")) == 1
        return library

    def undo(self, user: User) -> None:
        deciding.undo(decision=Decision.objects.get(kind=DecisionKind.JOIN), user=user)

    def rehash(self, library: Library) -> None:
        Location.objects.filter(library=library).update(stage=Stage.HASH, hashed_at=None)
        hash_all()

    def test_an_undone_join_outlives_hashing_again(self, library: Library, ada: User) -> None:
        self.undo(ada)
        self.rehash(library)
        assert len(homes(library, "full", "half")) == 2

    def test_an_undone_join_outlives_a_scan_that_reads_everything_anew(
        self, library: Library, tmp_path: Path, ada: User
    ) -> None:
        self.undo(ada)
        for name in ("full", "half"):
            path = tmp_path / f"{name}.safetensors"
            content = path.read_bytes()
            path.unlink()
            put(tmp_path, path.name, content)
        catalogue(library)
        assert len(homes(library, "full", "half")) == 2

    def test_an_undone_join_outlives_a_new_version_of_the_fingerprint(self, library: Library, ada: User) -> None:
        self.undo(ada)
        Component.objects.update(version=0)
        self.rehash(library)
        assert Component.objects.filter(version__gt=0).exists()
        assert len(homes(library, "full", "half")) == 2

    def test_an_undone_join_outlives_a_header_edit(self, library: Library, tmp_path: Path, ada: User) -> None:
        self.undo(ada)
        apart = homes(library, "full", "half")
        put(tmp_path, "half.safetensors", FORMS["noted half"]())
        catalogue(library)
        assert homes(library, "full", "half") == apart
        write(tmp_path, "renamed half")
        catalogue(library)
        assert home(library, "renamed half") == home(library, "half")

    def test_an_undone_join_outlives_being_reinstalled(self, library: Library, tmp_path: Path, ada: User) -> None:
        self.undo(ada)
        (tmp_path / "half.safetensors").unlink()
        scan(library)
        put(tmp_path, "again/half.safetensors", FORMS["half"]())
        catalogue(library)
        again = answering_model(variant_at(library, "again/half.safetensors").model)
        assert again != home(library, "full")

    def test_not_the_same_said_before_hashing_holds_afterwards(self, tmp_path: Path, ada: User) -> None:
        write(tmp_path, "full", "half")
        library = add(tmp_path)
        scan(library)
        probe_all()
        left, right = (variant_at(library, f"{name}.safetensors") for name in ("full", "half"))
        deciding.not_same(left=left, right=right, user=ada)
        hash_all()
        assert len(homes(library, "full", "half")) == 2
        assert Decision.objects.get(kind=DecisionKind.NOT_SAME).basis == "weights:v1"

    def test_what_a_person_merged_stays_merged(self, tmp_path: Path, ada: User) -> None:
        put(tmp_path, "one.safetensors", safetensors(full(1)))
        put(tmp_path, "two.safetensors", safetensors(full(2)))
        library = add(tmp_path)
        catalogue(library)
        deciding.merge(models=[home(library, "two")], into=home(library, "one"), user=ada)
        Component.objects.update(version=0)
        self.rehash(library)
        put(tmp_path, "two.safetensors", safetensors(full(2), {"note": "edited"}))
        catalogue(library)
        assert len(homes(library, "one", "two")) == 1

    def test_undoing_the_undo_lifts_it(self, library: Library, ada: User) -> None:
        self.undo(ada)
        deciding.undo(decision=Decision.objects.get(kind=DecisionKind.UNDO), user=ada)
        assert len(homes(library, "full", "half")) == 1
        self.rehash(library)
        assert len(homes(library, "full", "half")) == 1
        assert Decision.objects.filter(kind=DecisionKind.JOIN).count() == 1

    def test_an_older_catalogue_joins_once_its_files_are_read_again(self, tmp_path: Path) -> None:
        """Before there were digests of rounded tensors, a cast was not seen."""
        library = add(tmp_path)
        for name in ("full", "half"):
            write(tmp_path, name)
            scan(library)
            probe_all()
            hash_all()
            if name == "full":
                ModelHash.objects.filter(algorithm__startswith="weights-").delete()
                Component.objects.update(version=0, fingerprint=None)
        assert len(homes(library, "full", "half")) == 2
        Location.objects.filter(path=b"full.safetensors").update(stage=Stage.HASH, hashed_at=None)
        hash_all()
        assert len(homes(library, "full", "half")) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("names", [("half", "noted half"), ("full", "half"), ("full", "renamed"), ("half", "renamed")])
def test_two_that_are_hashed_at_once_become_one_model(tmp_path: Path, names: tuple[str, str]) -> None:
    library = add(tmp_path)
    write(tmp_path, *names)
    scan(library)
    probe_all()
    claims = [claiming.claim(queue=settings.QUEUE, stages=[Stage.HASH], limit_files=1) for _ in names]
    start = threading.Barrier(2)

    def work(claim: claiming.Claim) -> None:
        try:
            start.wait(10)
            hashing.hash_claim(claim=claim)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(claim,)) for claim in claims if claim is not None]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(threads) == 2
    assert len(homes(library, *names)) == 1
    assert Decision.objects.filter(kind=DecisionKind.JOIN).count() == 1
    assert Variant.objects.filter(content=None).count() == 0
