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
