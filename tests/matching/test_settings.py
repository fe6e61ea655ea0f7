"""What is not weights: what differs, what of it stops a join, and what is noise."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from catalog.matching.base import ComponentVerdict, Difference, Subject
from catalog.matching.meanings import MEANING, NOISE
from catalog.matching.proving import prove
from catalog.matching.settings import differences
from catalog.vocabulary import Certainty, Relation, SameModel
from tests.matching.subjects import network, subject

if TYPE_CHECKING:
    from catalog.formats.base import Json

SCHEDULER = "scheduler/scheduler_config.json"


def stating(**settings: Json) -> Subject:
    return Subject("", settings=settings)


def holding(**files: Json) -> Subject:
    return Subject("", metadata={name.replace("__", "/") + ".json": told for name, told in files.items()})


def test_what_only_one_states_does_not_differ() -> None:
    assert not differences(stating(prediction_type="epsilon"), stating())
    assert not differences(stating(prediction_type="epsilon"), stating(prediction_type=None))


def test_what_both_state_differently_stops_where_it_changes_the_meaning() -> None:
    found = differences(stating(prediction_type="epsilon"), stating(prediction_type="v_prediction"))
    assert found == (Difference("prediction_type", "epsilon", "v_prediction", stops=True),)


def test_what_is_only_how_to_sample_is_named_and_stops_nothing() -> None:
    assert differences(stating(flow_shift=3), stating(flow_shift=5)) == (Difference("flow_shift", 3, 5, stops=False),)


def test_the_same_weights_stay_the_same_and_the_other_setting_is_named() -> None:
    one = subject({"": network()}, settings={"prediction_type": "epsilon"})
    other = subject({"": network()}, settings={"prediction_type": "v_prediction"})
    found = prove(one, other)
    assert found is not None
    assert found.same_model is SameModel.YES
    assert [difference.name for difference in found.settings] == ["prediction_type"]


def test_a_number_as_f32_is_the_number() -> None:
    (stored,) = struct.unpack("<f", struct.pack("<f", 1e-5))
    assert stored != 1e-5
    assert not differences(stating(rms_norm_eps=1e-5), stating(rms_norm_eps=stored))
    assert differences(stating(rms_norm_eps=1e-5), stating(rms_norm_eps=1e-6))
    assert differences(stating(rope_theta=10**5000), stating(rope_theta=1))


@pytest.mark.parametrize(
    ("one", "other"), [(10000, 10000.0), ("none", None), ("default", "yarn"), ("SiLU", "silu"), (1, 1)]
)
def test_two_spellings_of_one_thing_do_not_differ(one: Json, other: Json) -> None:
    assert not differences(stating(rope_scaling=one), stating(rope_scaling=other))


def test_configurations_of_one_name_are_compared_key_by_key() -> None:
    one = holding(unet__config={"attention_head_dim": 8, "sample_size": 64, "_diffusers_version": "0.1"})
    other = holding(unet__config={"attention_head_dim": 64, "sample_size": 32, "_diffusers_version": "0.2"})
    assert differences(one, other) == (
        Difference("attention_head_dim", 8, 64, "unet/config.json", stops=True),
        Difference("sample_size", 64, 32, "unet/config.json", stops=False),
    )


def test_nested_configurations_are_compared_by_their_last_names() -> None:
    one, other = (holding(config={"text_config": {"rope_scaling": {"rope_theta": theta}}}) for theta in (1e4, 1e6))
    (found,) = differences(one, other)
    assert (found.name, found.stops) == ("text_config.rope_scaling.rope_theta", True)


def test_the_sampler_stops_nothing_and_the_schedule_does() -> None:
    one = Subject("", metadata={SCHEDULER: {"_class_name": "DDIMScheduler", "steps_offset": 1, "beta_end": 0.012}})
    other = Subject("", metadata={SCHEDULER: {"_class_name": "PNDMScheduler", "steps_offset": 0, "beta_end": 0.02}})
    found = differences(one, other)
    assert [(one.name, one.stops) for one in found] == [("beta_end", True), ("steps_offset", False)]


def test_a_setting_is_named_once() -> None:
    one, other = (
        Subject("", settings={"prediction_type": said}, metadata={SCHEDULER: {"prediction_type": said}})
        for said in ("epsilon", "sample")
    )
    assert [found.file for found in differences(one, other)] == [""]
    one, other = (
        Subject("", settings={"rope_theta": said}, metadata={"config.json": {"text_config": {"rope_theta": said}}})
        for said in (1e4, 1e6)
    )
    assert [found.file for found in differences(one, other)] == [""]


def test_components_of_one_kind_bring_their_configurations_together() -> None:
    pipeline, alone = holding(vae__config={"scaling_factor": 0.18215}), holding(config={"scaling_factor": 0.13025})
    pair = ComponentVerdict("vae", "", Relation.SAME_WEIGHTS, Certainty.KEYS)
    (found,) = differences(pipeline, alone, [pair])
    assert (found.name, found.left, found.right, found.stops) == ("scaling_factor", 0.18215, 0.13025, True)


def test_the_chat_template_is_compared_wherever_it_is_stated() -> None:
    gguf = Subject("", metadata={"tokenizer.chat_template": "{{ a }}"})
    folder = Subject("", metadata={"tokenizer_config.json": {"chat_template": "{{ b }}"}})
    (found,) = differences(gguf, folder)
    assert (found.name, found.left, found.right, found.stops) == ("chat template", "{{ a }}", "{{ b }}", False)
    assert not differences(gguf, gguf)


def test_tokenizers_are_compared_by_digest_and_named() -> None:
    one, other = (
        Subject("", files={"tokenizer/vocab.json": digest, "README.md": digest}) for digest in (b"a" * 32, b"b" * 32)
    )
    assert differences(one, other) == (
        Difference("tokenizer", "61616161", "62626262", "tokenizer/vocab.json", stops=False),
    )


def test_long_values_are_cut_and_there_is_an_end_of_naming() -> None:
    one = holding(config={**{f"key{at}": at for at in range(500)}, "hidden_act": "gelu", "long": "a" * 9999})
    other = holding(config={**{f"key{at}": at + 1 for at in range(500)}, "hidden_act": "relu", "long": "b" * 9999})
    found = differences(one, other)
    assert len(found) == 64
    assert found[0].name == "hidden_act"
    assert all(len(str(difference.left)) <= 200 for difference in found)


def test_hostile_depth_is_not_followed() -> None:
    tables: Json = 1
    lists: Json = 2
    for _ in range(5000):
        tables, lists = {"a": tables}, [lists]
    one, other = (holding(config={"x": tables, "y": lists, "z": [end]}) for end in (1, 2))
    assert [found.name for found in differences(one, other)] == ["z"]


def test_no_setting_is_both_meaning_and_noise() -> None:
    assert not MEANING.keys() & NOISE.keys()
    assert all(MEANING.values())
    assert all(NOISE.values())
