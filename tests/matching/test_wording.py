"""Evidence in sentences and as plain values."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given

from catalog.matching.base import ComponentVerdict, Difference, Evidence, Row
from catalog.matching.wording import as_json, mapped, summary
from catalog.vocabulary import Certainty, Direction, Doubt, Mapped, Relation, SameModel, TensorVerdict
from tests.matching import evidence as some

KEYS = {
    "relation", "certainty", "same_model", "direction", "detection_limit", "values_compared", "values_outside",
    "summary", "settings_differ", "tensors",
}  # fmt: skip
ROW_KEYS = {
    "component", "left", "right", "left_dtype", "right_dtype", "left_shape", "right_shape", "mapped", "compared", "of",
    "outside", "largest", "typical", "verdict",
}  # fmt: skip


def row(name: str, verdict: TensorVerdict = TensorVerdict.EQUAL, how: Mapped = Mapped.STRAIGHT, of: int = 1000) -> Row:
    left = "" if verdict is TensorVerdict.ONLY_RIGHT else name
    right = "" if verdict is TensorVerdict.ONLY_LEFT else name
    return Row("", left, right, "F32", "F16", (of,), (of,), verdict, how, of=of)


def found(
    relation: Relation, certainty: Certainty, same: SameModel, *rows: Row, distance: float | None = None, **told: object
) -> Evidence:
    verdict = ComponentVerdict("", "", relation, certainty, (9, 9), distance=distance, rows=rows)
    return Evidence(relation, certainty, same, components=(verdict,), **told)  # type: ignore[arg-type] # fields by name


@given(some.evidence)
def test_any_evidence_can_be_told_and_is_json(evidence: Evidence) -> None:
    text = summary(evidence, "A", "B")
    assert text.endswith((".", ":"))
    told = as_json(evidence)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told.keys() == KEYS


def test_json_has_the_promised_keys() -> None:
    told = as_json(
        found(
            Relation.QUANTISED, Certainty.SAMPLES, SameModel.UNKNOWN,
            row("a", TensorVerdict.QUANTISED)._replace(largest=math.inf, typical=0.3),
            direction=Direction.RIGHT_FROM_LEFT, detection_limit=1.3e-4, values_compared=3700,
            settings=(Difference("prediction_type", "epsilon", "v_prediction"),),
        ),
        "model.safetensors",
        "model.gguf",
    )  # fmt: skip
    assert told.keys() == KEYS
    assert (told["relation"], told["certainty"], told["direction"]) == ("quantised", "samples", "right_from_left")
    assert (told["same_model"], told["detection_limit"]) == (None, 1.3e-4)
    assert (told["values_compared"], told["values_outside"]) == (3700, 0)
    assert told["settings_differ"] == [
        {"name": "prediction_type", "file": "", "left": "epsilon", "right": "v_prediction", "stops": True}
    ]
    assert isinstance(told["tensors"], list)
    (line,) = told["tensors"]
    assert isinstance(line, dict)
    assert line.keys() == ROW_KEYS
    assert (line["largest"], line["typical"], line["verdict"], line["mapped"]) == (None, 0.3, "quantised", "")
    assert line["left_shape"] == [1000]


@pytest.mark.parametrize(
    ("same", "told"),
    [
        (SameModel.YES, True),
        (SameModel.NO, False),
        (SameModel.PARTIAL, "partial"),
        (SameModel.UNKNOWN, None),
    ],
)
def test_same_model_is_true_false_partial_or_null(same: SameModel, told: object) -> None:
    assert as_json(Evidence(Relation.CANNOT_TELL, Certainty.SUSPECTED, same))["same_model"] is told


def test_no_direction_is_null() -> None:
    assert as_json(Evidence(Relation.IDENTICAL, Certainty.PROVEN, SameModel.YES))["direction"] is None


@pytest.mark.parametrize(
    ("how", "part", "parts", "text"),
    [
        (Mapped.STRAIGHT, 0, 0, ""),
        (Mapped.TRANSPOSED, 0, 0, "stored transposed"),
        (Mapped.ROWS, 2, 3, "part 2 of 3"),
        (Mapped.COLUMNS, 1, 2, "part 1 of 2 of the columns"),
        (Mapped.ROWS, 0, 0, "one part"),
    ],
)
def test_how_a_tensor_lies_is_told_in_words(how: Mapped, part: int, parts: int, text: str) -> None:
    assert mapped(row("a", how=how)._replace(part=part, parts=parts)) == text


def test_a_summary_of_each_relation() -> None:
    """One of each, read as a person reads them."""
    many = [row(f"layers.{at}.weight", how=Mapped.TRANSPOSED) for at in range(12)]
    told = {
        summary(evidence, "A", "B")
        for evidence in (
            found(Relation.IDENTICAL, Certainty.PROVEN, SameModel.YES),
            found(Relation.SAME_TENSORS, Certainty.PROVEN, SameModel.YES),
            found(Relation.SAME_WEIGHTS, Certainty.KEYS, SameModel.YES, *many, full=True),
            found(
                Relation.OTHER_PRECISION, Certainty.PROVEN, SameModel.YES, direction=Direction.RIGHT_FROM_LEFT
            ),
            found(
                Relation.QUANTISED, Certainty.SAMPLES, SameModel.YES,
                *(row(f"l.{at}", TensorVerdict.QUANTISED) for at in range(37)),
                row("pooler.dense.weight", TensorVerdict.ONLY_LEFT),
                direction=Direction.RIGHT_FROM_LEFT, values_compared=3700, detection_limit=3e-4,
            ),
            found(
                Relation.QUANTISED, Certainty.ALL_VALUES, SameModel.YES, direction=Direction.RIGHT_FROM_LEFT,
                values_compared=22_337_280,
            ),
            found(
                Relation.DERIVED, Certainty.SAMPLES, SameModel.NO,
                *(row(f"layers.{at}.up_proj", TensorVerdict.DIFFERENT) for at in range(5)), row("norm"),
                values_compared=5800, values_outside=22, distance=0.0015,
            ),
        )
    }  # fmt: skip
    assert told == {
        "A and B are identical, byte for byte.",
        "A and B hold the same tensors under the same names; all else may differ. Digests of the tensors prove it.",
        "A and B hold the same weights. Keys over all values say so: no accident, but no proof against someone who"
        " means to deceive. 12 tensors stored transposed. Comparing every value of both files would tell more.",
        "B holds the weights of A, rounded to a coarser precision. Digests of the tensors prove it.",
        "B is a quantised copy of A. 3,700 values were sampled: none lies outside of what rounding allows. A change of"
        " all weights by more than 0.03 % of their size would have been seen. Only in A: pooler.dense.weight (2.63 % of"
        " its values).",
        "B is a quantised copy of A. All 22,337,280 values were compared: none lies outside of what rounding allows.",
        "Not the same: A and B are relatives, as after a fine-tune or a merge. 5,800 values were sampled: 22 of them"
        " lie outside of what rounding allows. 5 tensors of 6 differ, at a distance of 0.15 %: layers.0.up_proj,"
        " layers.1.up_proj, layers.2.up_proj and 2 more.",
    }


@pytest.mark.parametrize(
    ("relation", "rung", "text"),
    [
        (Relation.QUANTISED, "f16", "The quantiser read the values rounded to f16. 1 of 2 tensors is equal,"),
        (Relation.QUANTISED, "siblings", "Both are made of a parent that is neither of them."),
        (Relation.OTHER_PRECISION, "truncated", "Bits were dropped, and not rounded."),
        (Relation.OTHER_PRECISION, "bf16>f16", "It was rounded to bf16, and then to f16."),
    ],
)
def test_how_it_was_rounded_is_told(relation: Relation, rung: str, text: str) -> None:
    rows = (row("norm"), row("matrix", TensorVerdict.QUANTISED))
    verdict = ComponentVerdict("", "", relation, Certainty.SAMPLES, (9, 9), rung=rung, rows=rows)
    evidence = Evidence(relation, Certainty.SAMPLES, SameModel.YES, components=(verdict,))
    assert text in summary(evidence, "A", "B")


def test_other_names_are_counted() -> None:
    rows = [row(f"a{at}")._replace(right=f"b{at}") for at in range(1200)]
    evidence = found(Relation.SAME_WEIGHTS, Certainty.PROVEN, SameModel.YES, *rows, row("c", how=Mapped.TRANSPOSED))
    text = (
        "A and B hold the same weights. Digests of the tensors prove it. 1,200 tensors under other names and 1 tensor"
    )
    assert summary(evidence, "A", "B") == f"{text} stored transposed."


def test_parts_are_named_with_what_they_are() -> None:
    pair = ComponentVerdict("unet", "model.diffusion_model", Relation.SAME_WEIGHTS, Certainty.KEYS, (9, 9))
    other = ComponentVerdict("vae", "first_stage_model", Relation.DERIVED, Certainty.SAMPLES, (9, 9))
    evidence = Evidence(Relation.SHARES_PARTS, Certainty.KEYS, SameModel.PARTIAL, components=(pair, other))
    text = summary(evidence, "A", "B")
    assert "The same in both: unet = model.diffusion_model; not the same: vae = first_stage_model." in text


def test_other_settings_of_the_same_weights_are_named() -> None:
    evidence = found(
        Relation.SAME_TENSORS, Certainty.PROVEN, SameModel.YES,
        settings=(
            Difference("prediction_type", "epsilon", "v_prediction"),
            Difference("sample_size", 1, 2, stops=False),
        ),
    )  # fmt: skip
    text = summary(evidence, "A", "B")
    assert "Same weights, other settings: prediction_type epsilon / v_prediction." in text
    assert text.endswith("What does not change the meaning of the weights differs too: sample_size.")


def test_a_lora_at_another_strength_is_called_so() -> None:
    strength = (Difference("strength", 1.0, 0.5),)
    same = found(Relation.SAME_WEIGHTS, Certainty.PROVEN, SameModel.NO, settings=strength)
    text = summary(replace(same, relation=Relation.DERIVED), "A", "B")
    assert text.startswith("Not the same: A and B hold the same matrices, but act at different strengths.")
    assert "strength 1.0 / 0.5" in text
    trained = found(Relation.DERIVED, Certainty.SAMPLES, SameModel.NO, settings=strength)
    assert summary(trained, "A", "B").startswith("Not the same: A and B are relatives")


@pytest.mark.parametrize("doubt", list(Doubt))
def test_every_doubt_is_a_reason(doubt: Doubt) -> None:
    text = summary(Evidence(Relation.CANNOT_TELL, Certainty.SUSPECTED, SameModel.UNKNOWN, doubt=doubt), "A", "B")
    assert text.startswith("Cannot tell whether A and B are the same: ")
    assert len(text) > len("Cannot tell whether A and B are the same: ") + 10


@pytest.mark.parametrize("relation", [Relation.QUANTISED, Relation.OTHER_PRECISION])
def test_what_is_not_sure_is_only_probable(relation: Relation) -> None:
    evidence = found(relation, Certainty.SAMPLES, SameModel.UNKNOWN, doubt=Doubt.BELOW_NOISE, values_compared=100)
    text = summary(evidence, "A", "B")
    assert text.startswith("Probably: ")
    assert "A smaller change would drown in the noise of the quantisation." in text
