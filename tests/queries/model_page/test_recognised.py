"""What was recognised, with what speaks for it."""

from __future__ import annotations

from catalog.models import ModelRecord, Variant
from catalog.queries.model_page.recognised import Other, facts


def _variant(**columns: object) -> Variant:
    return Variant(**{"format": "safetensors", "precision": "fp16", "kind": "lora", "base": "sdxl", **columns})


def test_each_answer_stands_with_all_its_reasons() -> None:
    row = _variant(reasons=[["kind", "lora_up"], ["kind", "lora_down"], ["base model", "a context of 2048"]])
    found = {fact.about: fact for fact in facts(row, ModelRecord())}
    assert (found["kind"].answer, found["kind"].reasons) == ("LoRA", ("lora_up", "lora_down"))
    assert (found["base"].answer, found["base"].reasons) == ("SDXL", ("a context of 2048",))


def test_other_answers_are_shown_as_such() -> None:
    row = _variant(candidates=[["base", "sd-2", "a context of 1024"], ["kind", "warp-drive", "odd names"]])
    found = {fact.about: fact.others for fact in facts(row, ModelRecord())}
    assert found["base"] == (Other("SD 2.x", "a context of 1024"),)
    assert found["kind"] == (Other("warp-drive", "odd names"),)


def test_kind_and_base_are_told_even_when_nothing_is_known() -> None:
    row = _variant(kind="unknown", base="unknown", precision="unknown")
    assert [(fact.about, fact.answer) for fact in facts(row, ModelRecord())] == [("kind", ""), ("base", "")]


def test_traits_are_one_answer_whatever_their_reasons_are_about() -> None:
    row = _variant(traits=["inpaint", "turbo"], reasons=[["inpaint", "9 channels"], ["traits", "one step"]])
    (told,) = [fact for fact in facts(row, ModelRecord()) if fact.about == "traits"]
    assert (told.answer, told.reasons) == ("inpainting, turbo", ("9 channels", "one step"))


def test_what_a_person_set_stands_beside_what_the_file_says() -> None:
    model = ModelRecord(kind="lora", base="flux", edited=["kind", "base"])
    found = {fact.about: fact.set_by_person for fact in facts(_variant(), model)}
    assert (found["kind"], found["base"]) == ("", "FLUX.1")


def test_types_that_the_bar_counts_are_not_counted_twice() -> None:
    counted = [["precision", "values: 75 % F16, 25 % F32"], ["precision", "the header says so"]]
    known = facts(_variant(reasons=counted, dtypes={"F16": 3, "F32": 1}), ModelRecord())
    assert next(fact.reasons for fact in known if fact.about == "precision") == ("the header says so",)
    unknown = facts(_variant(reasons=counted[:1]), ModelRecord())
    assert next(fact.reasons for fact in unknown if fact.about == "precision") == ("values: 75 % F16, 25 % F32",)


def test_reasons_about_anything_else_are_kept_and_odd_rows_ignored() -> None:
    row = _variant(reasons=[["prediction_type", "the header says v"], "odd", ["a", "b", "c"]], candidates=["odd", [1]])
    assert facts(row, ModelRecord())[-1].heading == "Prediction type"
