"""Whatever a probe holds, recognition answers, and answers the same again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.formats.base import Probe, TensorInfo
from catalog.recognition import recognise
from catalog.recognition.asking import MOST
from catalog.vocabulary import Format, Outcome
from tests.builders import shapes

KNOWN = (shapes.SD_1, shapes.SDXL, shapes.FLUX, shapes.FLUX_DIFFUSERS, shapes.T5, shapes.BERT, shapes.llama_like())
PACKED = """
l.qweight l.scales l.qzeros l.g_idx l.W_q l.trellis l.q_weight l.q_invperm l.weight_packed l.weight l.weight.absmax
l.weight_scale l.weight_scale_2 x_blocks x_scales x._data._data x.lora_down.weight x.lora_up.weight x.lokr_w1 x.lokr_w2
x.alpha module.x <a> .
"""
NAMES = [*(name for table in KNOWN for name in table), *PACKED.split(), "", "\n"]
DTYPES = "F32 F16 BF16 F8_E4M3 F8_E8M0 F4 I4 U4 C128 I8 U8 I16 I32 I64 BOOL Q4_K"
KEYS = """
config.json model_index.json adapter_config.json quantize_config.json scheduler/scheduler_config.json __header__
general.architecture general.file_type general.type modelspec.architecture modelspec.title ss_base_model_version
ss_network_alpha lora_adapter_metadata _quantization_metadata inputs outputs tokenizer.ggml.model
"""
INNER = "model_type architectures _class_name quantization_config r lora_alpha text_config rope_scaling bits"

any_name = st.one_of(st.sampled_from(NAMES), st.text(max_size=30))
any_shape = st.lists(st.one_of(st.sampled_from([0, 1, 4, 64, 768, 1280, 3072]), st.integers(0, 2**63)), max_size=5)
tensors = st.builds(
    lambda name, dtype, shape: TensorInfo(name, dtype, tuple(shape), 0, 0),
    any_name,
    st.sampled_from(DTYPES.split()),
    any_shape,
)
any_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)),
    max_leaves=8,
)
configs = st.dictionaries(st.sampled_from(INNER.split()), any_json, max_size=4)
metadata = st.dictionaries(st.sampled_from(KEYS.split()), st.one_of(any_json, configs), max_size=5)
probes = st.builds(
    lambda kind, found, said: Probe(kind, Outcome.OK, tuple(sorted(found)), said),
    st.sampled_from([Format.SAFETENSORS, Format.GGUF, Format.ONNX, Format.PICKLE, Format.TRANSFORMERS, Format.OTHER]),
    st.lists(tensors, max_size=12, unique_by=lambda tensor: tensor.name),
    metadata,
)


@settings(max_examples=150, deadline=None)
@given(probe=probes, path=st.binary(max_size=40))
def test_nothing_raises_and_the_same_is_answered_twice(probe: Probe, path: bytes) -> None:
    found = recognise(probe, path=path)
    assert found == recognise(probe, path=path)
    assert found.parameters == sum(found.dtypes.values())
    assert len(found.candidates) <= MOST
    assert not [one for one in found.candidates if one.value in {found.kind.value, found.base.value}]
    assert all(one.text for one in found.reasons)
    assert all(one.text for one in found.candidates)
