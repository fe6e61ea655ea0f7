"""Settings are stated in the same words by whatever file, and names are what a file calls itself."""

from __future__ import annotations

import json

import pytest

from catalog.formats import Json, probe_file, probe_set
from catalog.recognition import recognise
from tests.builders import MemorySource, gguf, header_only, safetensors, set_source, shapes, weights

LLAMA = {
    "model_type": "llama",
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-05,
    "rope_theta": 500000.0,
    "rope_scaling": {"rope_type": "yarn", "factor": 4.0},
    "torch_dtype": "bfloat16",
    "transformers_version": "4.57.1",
    "_name_or_path": "somewhere",
}


def of(stated: shapes.Shapes, **metadata: str) -> dict[str, Json]:
    found = recognise(
        probe_file(header_only(stated, "F16", {key.replace("__", "."): v for key, v in metadata.items()}))
    )
    return dict(found.settings)


def of_folder(configs: dict[str, object], stated: shapes.Shapes) -> dict[str, Json]:
    files = {name: json.dumps(config).encode() for name, config in configs.items()}
    return dict(
        recognise(probe_set(set_source({**files, "model.safetensors": safetensors(weights(stated, 1))}))).settings
    )


def test_a_lora_states_alpha_and_rank() -> None:
    stated = {name: shape for name, shape in shapes.lora_kohya(768, rank=4).items() if not name.endswith(".alpha")}
    assert of(stated, ss_network_alpha="8.0", ss_network_dim="4") == {"alpha": 8, "rank": 4}
    assert of(stated) == {"rank": 4}
    assert of(stated, ss_network_alpha="Dynamic", ss_network_dim="1.5") == {"rank": 1.5}


def test_alphas_that_are_tensors_are_said_to_be() -> None:
    assert of(shapes.lora_kohya(768, rank=4)) == {"rank": 4, "alphas": "stored as tensors"}


def test_ranks_that_differ_are_not_stated() -> None:
    stated = {**shapes.lora_kohya(768, rank=4), "x.lora_down.weight": (9, 4)}
    assert "rank" not in of(stated)


def test_a_dora_says_so() -> None:
    assert of({**shapes.lora_kohya(768), "x.dora_scale": (4,)})["dora"] is True


def test_an_adapter_states_them_in_its_configuration() -> None:
    stated = {"base_model.model.layers.0.q_proj.lora_A.weight": (4, 8), "base_model.x.lora_B.weight": (8, 4)}
    assert of_folder({"adapter_config.json": {"lora_alpha": 32, "r": 4}}, stated) == {"alpha": 32, "rank": 4}


@pytest.mark.parametrize(
    ("stated", "word"), [("v", "v_prediction"), ("epsilon", "epsilon"), ("v_prediction", "v_prediction")]
)
def test_a_prediction_has_one_spelling(stated: str, word: str) -> None:
    assert of(shapes.SD_2, modelspec__prediction_type=stated) == {"prediction_type": word}


def test_an_empty_tensor_can_say_what_is_predicted() -> None:
    assert of(shapes.SDXL | {"v_pred": (), "ztsnr": ()}) == {
        "prediction_type": "v_prediction",
        "zero_terminal_snr": True,
    }


def test_a_scheduler_says_what_is_predicted() -> None:
    configs: dict[str, object] = {
        "model_index.json": {"_class_name": "StableDiffusionPipeline"},
        "scheduler/scheduler_config.json": {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
    }
    assert of_folder(configs, {"x": (4,)}) == {"prediction_type": "v_prediction", "zero_terminal_snr": True}


@pytest.mark.parametrize("key", ["ss_v_parameterization", "ss_zero_terminal_snr"])
def test_a_trainer_says_what_is_predicted(key: str) -> None:
    found = of(shapes.lora_kohya(768, rank=4), **{key: "True"})
    assert ("prediction_type" in found) is (key == "ss_v_parameterization")
    assert ("zero_terminal_snr" in found) is (key == "ss_zero_terminal_snr")
    assert not {"prediction_type", "zero_terminal_snr"} & of(shapes.lora_kohya(768), **{key: "False"}).keys()


def test_a_flow_has_one_spelling_too() -> None:
    assert of(shapes.FLUX, modelspec__prediction_type="rectified_flow") == {"prediction_type": "flow_prediction"}


def test_a_scheduler_states_its_shift_and_an_autoencoder_its_own() -> None:
    configs: dict[str, object] = {
        "scheduler/scheduler_config.json": {"shift": 3.0},
        "model_index.json": {"_class_name": "X"},
    }
    assert of_folder(configs, {"x": (4,)}) == {"flow_shift": 3}
    config = {"_class_name": "AutoencoderKL", "scaling_factor": 0.3611, "shift_factor": 0.1159}
    assert of_folder({"config.json": config}, {"x": (4,)}) == {"scaling_factor": 0.3611, "shift_factor": 0.1159}


def test_an_adapter_in_the_header_states_them_too() -> None:
    stated = {"transformer.a.lora_A.weight": (4, 8), "transformer.a.lora_B.weight": (8, 4)}
    saved = {"transformer.r": 4, "transformer.lora_alpha": 16, "transformer.use_rslora": True}
    assert of(stated, lora_adapter_metadata=json.dumps(saved)) == {"alpha": 16, "rank": 4, "rslora": True}
    for broken in ("{", "[1]", "[" * 100_000, '{"r": []}'):
        assert of(stated, lora_adapter_metadata=broken) == {"rank": 4}


def test_patterns_of_alpha_count_as_a_setting() -> None:
    stated = {"base_model.model.a.lora_A.weight": (4, 8), "base_model.model.a.lora_B.weight": (8, 4)}
    config = {"lora_alpha": 8, "r": 4, "alpha_pattern": {"a": 4}, "rank_pattern": {}}
    assert of_folder({"adapter_config.json": config}, stated) == {"alpha": 8, "rank": 4, "alpha_pattern": {"a": 4}}


def test_newer_configurations_state_the_same() -> None:
    old = {"model_type": "llama", "rope_theta": 500000.0, "rope_scaling": {"type": "yarn", "factor": 4.0}}
    new = {"model_type": "llama", "rope_parameters": {"rope_type": "yarn", "factor": 4.0, "rope_theta": 500000.0}}
    assert of_folder({"config.json": old}, {"x": (4,)}) == of_folder({"config.json": new}, {"x": (4,)})
    inner = {"model_type": "qwen2_5_vl", "text_config": {"num_attention_heads": 28, "rope_theta": 1e6}}
    assert of_folder({"config.json": inner}, {"x": (4,)}) == {
        "model_type": "qwen2_5_vl",
        "num_attention_heads": 28,
        "rope_theta": 1000000,
    }


def test_lists_and_long_texts_are_no_settings() -> None:
    config = {"model_type": "x" * 500, "hidden_act": ["gelu"], "num_attention_heads": {"a": "b"}, "rope_theta": 1e4}
    assert of_folder({"config.json": config}, {"x": (4,)}) == {"rope_theta": 10000}


def test_a_conversion_states_what_its_source_states() -> None:
    folder = of_folder({"config.json": LLAMA}, {"x": (4,)})
    content = gguf(
        {},
        {
            "general.architecture": "llama",
            "llama.attention.head_count": 8,
            "llama.attention.head_count_kv": 4,
            "llama.attention.layer_norm_rms_epsilon": 1e-05,
            "llama.rope.freq_base": 500000.0,
            "llama.rope.scaling.type": "yarn",
            "llama.rope.scaling.factor": 4.0,
        },
    )
    converted = dict(recognise(probe_file(MemorySource(content))).settings)
    assert converted
    assert {name: folder[name] for name in converted} == converted
    assert folder.keys() - converted.keys() == {"model_type"}


def test_what_does_not_change_the_model_is_no_setting() -> None:
    found = of_folder({"config.json": LLAMA}, {"x": (4,)})
    assert not {"torch_dtype", "transformers_version", "_name_or_path"} & found.keys()


def test_a_file_names_itself() -> None:
    def name(**metadata: str) -> str:
        stated = {key.replace("__", "."): value for key, value in metadata.items()}
        return recognise(probe_file(header_only({"x": (4,)}, "F16", stated))).name

    assert name(modelspec__title="  My\n model ") == "My model"
    assert name(modelspec__title=" ", general__name="Other") == "Other"
    assert name(ss_output_name="no-title") == ""
    assert len(name(modelspec__title="x" * 5000)) == 200


def test_a_gguf_file_names_itself() -> None:
    probe = probe_file(MemorySource(gguf({}, {"general.name": "Tiny Llama"})))
    assert recognise(probe).name == "Tiny Llama"
