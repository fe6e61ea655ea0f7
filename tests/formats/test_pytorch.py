"""PyTorch's files in all their forms: every tensor where it lies, under the name that its state dict has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.formats import probe_file
from catalog.formats.base import Stored
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.tensors import tensor_digest
from catalog.storage.root import open_path
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders import BRAIN, HALF, Array, MemorySource
from tests.builders.pickles import (
    DTYPES,
    Call,
    Global,
    Kept,
    Raw,
    Storages,
    View,
    code,
    dtype_name,
    ordered,
    pickled,
    torch_legacy,
    torch_tar,
    torch_zip,
    zipped,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from catalog.formats import Probe

RANDOM = np.random.default_rng(2)
MATRIX = RANDOM.standard_normal((3, 4)).astype(np.float32)
BIAS = RANDOM.standard_normal(3).astype(HALF)
ARRAYS_OF_STATE: dict[str, Array] = {"layer.weight": MATRIX, "layer.bias": BIAS}
STATE: dict[str, object] = {**ARRAYS_OF_STATE}
FORMS = [torch_zip, torch_legacy]


def probe(content: bytes, name: bytes = b"model.pt") -> Probe:
    return probe_file(MemorySource(content, name))


def sound(content: bytes, name: bytes = b"model.pt") -> Probe:
    found = probe(content, name)
    assert (found.format, found.outcome, found.problems) == (Format.PICKLE, Outcome.OK, ())
    return found


def names(value: object) -> list[str]:
    return [tensor.name for tensor in sound(torch_zip(value)).tensors]


@pytest.mark.parametrize("form", FORMS)
def test_a_state_dict_is_indexed_with_its_bytes(form: Callable[[object], bytes]) -> None:
    content = form(ordered(STATE))
    bias, weight = sound(content).tensors
    assert (bias.name, bias.dtype, bias.shape) == ("layer.bias", "F16", (3,))
    assert (weight.name, weight.dtype, weight.shape, weight.stored) == ("layer.weight", "F32", (3, 4), None)
    assert content[weight.offset : weight.offset + weight.nbytes] == MATRIX.tobytes()
    assert content[bias.offset : bias.offset + bias.nbytes] == BIAS.tobytes()


def test_the_oldest_form_is_read_too() -> None:
    content = torch_tar(ARRAYS_OF_STATE)
    bias, weight = sound(content).tensors
    assert (bias.name, weight.name) == ("layer.bias", "layer.weight")
    assert content[weight.offset : weight.offset + weight.nbytes] == MATRIX.tobytes()
    assert content[bias.offset : bias.offset + bias.nbytes] == BIAS.tobytes()


@pytest.mark.parametrize("name", [b"m.ckpt", b"m.PTH", b"m.bin", b"m.safetensors", b"m.gguf", b"m"])
@pytest.mark.parametrize("form", FORMS)
def test_the_content_decides_and_not_the_suffix(form: Callable[[object], bytes], name: bytes) -> None:
    assert len(sound(form(STATE), name).tensors) == 2


ARRAYS = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda kind: st.lists(st.integers(0, 4), max_size=3).map(
        lambda shape: RANDOM.integers(0, 2, shape).astype(BRAIN if kind == "bfloat16" else kind)
    )
)


@st.composite
def views(draw: st.DrawFn) -> View:
    base = draw(ARRAYS)
    if not draw(st.booleans()) or base.size < 2:
        return View(base, parameter=draw(st.booleans()))
    first = draw(st.integers(0, base.size - 1))
    room = base.size - 1 - first
    shape, strides = [], []
    for _ in range(draw(st.integers(0, 3))):
        length, step = draw(st.integers(1, 3)), draw(st.integers(0, 3))
        if (length - 1) * step <= room:
            room -= (length - 1) * step
            shape.append(length)
            strides.append(step)
    return View(base, first, tuple(shape), tuple(strides))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("torch") / "a.pt"


@given(st.dictionaries(st.text(max_size=8), views(), max_size=6), st.sampled_from(["zip", "big", "legacy"]))
def test_any_tensors_are_found_with_their_values(place: Path, tensors: dict[str, View], form: str) -> None:
    content = torch_legacy(tensors) if form == "legacy" else torch_zip(tensors, big=form == "big")
    place.write_bytes(content)
    with open_path(bytes(place)) as file:
        found = probe_file(file)
        digests = digest_file(file, Plan(frozenset(), tensors=found.tensors)).tensors
    assert (found.outcome, len(found.tensors)) == (Outcome.OK, len(tensors))
    told = sorted((t.dtype, t.shape, digest) for t, digest in zip(found.tensors, digests, strict=True))
    assert told == sorted(expected(view) for view in tensors.values())


def expected(view: View) -> tuple[str, tuple[int, ...], bytes]:
    seen = view.seen
    dtype = DTYPES[dtype_name(seen)]
    return dtype, seen.shape, tensor_digest(dtype, seen.size, seen.tobytes())


def test_views_of_one_storage_share_its_bytes() -> None:
    content = torch_zip({"all": MATRIX, "row": View(MATRIX, 4, (4,)), "turned": View(MATRIX, 0, (4, 3), (1, 4))})
    whole, row, turned = sound(content).tensors
    assert (row.offset, row.nbytes, row.stored) == (whole.offset + 16, 16, None)
    assert (turned.offset, turned.nbytes, turned.stored) == (whole.offset, 48, Stored((1, 4)))


def test_one_long_dimensions_have_no_stride_that_counts() -> None:
    [tensor] = sound(torch_zip({"t": View(MATRIX, 0, (1, 3, 1, 4), (99, 4, 7, 1))})).tensors
    assert tensor.stored is None


def test_the_other_order_of_bytes_is_told() -> None:
    found = sound(torch_zip({"a": MATRIX, "b": np.ones(3, np.int8)}, big=True))
    assert [tensor.stored for tensor in found.tensors] == [Stored(big_endian=True), None]


def untyped(dtype: str, count: int, nbytes: int) -> Call:
    kind = Global("torch.storage", "UntypedStorage")
    args = (
        Kept(("storage", kind, "0", "cpu", nbytes)),
        0,
        (count,),
        (1,),
        False,
        Call(Global("collections", "OrderedDict")),
    )
    return Call(Global("torch._utils", "_rebuild_tensor_v3"), (*args, Global("torch", dtype)))


@pytest.mark.parametrize(
    ("dtype", "name", "nbytes"),
    [("float8_e4m3fn", "F8_E4M3", 6), ("float8_e5m2", "F8_E5M2", 6), ("uint16", "U16", 12), ("uint64", "U64", 48)],
)
def test_newer_types_come_with_an_untyped_storage(dtype: str, name: str, nbytes: int) -> None:
    content = torch_zip({"t": untyped(dtype, 6, nbytes)}, members={"data/0": bytes(nbytes)})
    [tensor] = sound(content).tensors
    assert (tensor.dtype, tensor.nbytes) == (name, nbytes)


def test_wrapped_weights_have_the_names_of_plain_ones() -> None:
    plain = sound(torch_zip(STATE)).tensors
    for wrapper in ("state_dict", "model", "params", "module", "model_state_dict", "generator"):
        wrapped = sound(torch_zip({wrapper: ordered(STATE), "epoch": 3}))
        assert [tensor.name for tensor in wrapped.tensors] == [tensor.name for tensor in plain]
        assert wrapped.metadata == {"epoch": 3}
    assert names({"model": {"state_dict": STATE}}) == ["layer.bias", "layer.weight"]


def test_a_name_within_the_weights_stays_as_it_is() -> None:
    assert names({"state_dict": {"model.diffusion_model.w": BIAS}}) == ["model.diffusion_model.w"]
    assert names({"model.w": BIAS}) == ["model.w"]


def test_averaged_copies_and_training_state_are_told_apart() -> None:
    optimiser = {"state": {0: {"exp_avg": BIAS, "step": 4}}, "param_groups": [{"lr": 0.1}]}
    value = {"params": {"w": MATRIX}, "params_ema": {"w": MATRIX}, "optimizer": optimiser, "optim_g": {"x": BIAS}}
    assert names(value) == ["ema.w", "optimizer.optim_g.x", "optimizer.state.0.exp_avg", "w"]
    lightning = {"state_dict": {"w": MATRIX}, "optimizer_states": [optimiser], "callbacks": {"best": BIAS}}
    assert names(lightning) == ["optimizer.callbacks.best", "optimizer_states.0.state.0.exp_avg", "w"]


def test_averaged_weights_alone_are_the_weights() -> None:
    assert names({"params_ema": {"w": MATRIX}}) == ["w"]


def test_several_dictionaries_of_one_rank_keep_their_paths() -> None:
    assert names({"generator": {"w": MATRIX}, "model": {"w": MATRIX}}) == ["generator.w", "model.w"]
    assert names({"model": {"w": MATRIX}, "vae": {"w": MATRIX}}) == ["model.w", "vae.w"]


def test_an_embedding_keeps_the_name_of_its_token() -> None:
    token = {"string_to_token": {"*": 265}, "string_to_param": {"*": View(MATRIX, parameter=True)}, "name": "x"}
    found = sound(torch_zip(token))
    assert [tensor.name for tensor in found.tensors] == ["string_to_param.*"]
    assert found.metadata == {"name": "x", "string_to_token.*": 265}


def test_equal_names_are_made_different() -> None:
    assert names({"a.b": BIAS, "a": {"b": MATRIX}}) == ["a.b", "a.b (2)"]
    assert names({1: BIAS, "1": MATRIX}) == ["1", "1 (2)"]
    splits = {f"{'x' * cut}": {"y" * (9 - cut): BIAS} for cut in range(1, 9)}
    assert len(set(names({**splits, "x": {"a.a": BIAS}, "x.a": {"a": BIAS}, "x.a.a": BIAS}))) == 10


def test_of_a_key_given_twice_the_last_one_counts() -> None:
    storages = Storages(bases=[MATRIX])
    twice = b"}(" + b"".join(code(item, storages) for item in ("w", 1, "w", MATRIX)) + b"u"
    found = sound(torch_zip(Raw(twice), members={"data/0": MATRIX.tobytes()}))
    assert ([tensor.name for tensor in found.tensors], found.metadata) == (["w"], {})


def test_a_tensor_alone_has_a_name() -> None:
    assert names(MATRIX) == ["tensor"]
    assert names([MATRIX, (BIAS,)]) == ["0", "1.0"]


def module(**parts: object) -> Call:
    state = {"training": True, "_parameters": {}, "_buffers": {}, "_modules": {}, "cached": BIAS, **parts}
    return Call(Global("my.models", "Net"), (), state, new=True)


def test_a_module_pickled_whole_has_the_names_of_its_state_dict() -> None:
    inner = module(_parameters=ordered({"weight": MATRIX}), _buffers=ordered({"mean": BIAS}))
    found = probe(torch_zip({"model": module(_modules=ordered({"model": inner})), "ema": None}))
    assert found.outcome is Outcome.SUSPICIOUS
    assert [tensor.name for tensor in found.tensors] == ["model.mean", "model.weight"]
    assert found.problems[0].params == {"names": "my.models.Net"}


def test_foreign_names_are_told_and_the_tensors_read_all_the_same() -> None:
    objects = [Call(Global("my.settings", f"Option{number}")) for number in range(20)]
    found = probe(torch_zip({"state_dict": STATE, "hparams": objects}))
    assert (found.outcome, len(found.tensors)) == (Outcome.SUSPICIOUS, 2)
    assert found.problems[0].code is FindingCode.FOREIGN_OBJECTS
    assert "my.settings.Option11 (+8 more)" in found.problems[0].sentence


def test_plain_pickles_of_other_programs_have_no_tensors() -> None:
    assert sound(pickled({"a": 1, "b": [2.5, "x"]}), b"a.pkl").tensors == ()
    assert probe(pickled(Call(Global("sklearn.svm", "SVC"), (), {"C": 1.0}, new=True))).outcome is Outcome.SUSPICIOUS


def test_numpy_arrays_are_taken_for_what_they_are() -> None:
    dtype = Call(Global("numpy", "dtype"), ("f8", 0, 1), (3, "<", None, None, None, -1, -1, 0))
    array = Call(Global("numpy.core.multiarray", "_reconstruct"), (Global("numpy", "ndarray"), (0,), b"b"))
    filled = Call(array.maker, array.args, (1, (2,), dtype, False, bytes(16)))
    scalar = Call(Global("numpy._core.multiarray", "scalar"), (dtype, bytes(8)))
    assert sound(torch_zip({"state_dict": STATE, "rng": filled, "best": scalar})).metadata == {}


def test_metadata_is_bounded_and_fit_for_the_database() -> None:
    facts = {f"key{number}": number for number in range(1000)}
    found = sound(
        torch_zip({"state_dict": STATE, "nan": float("nan"), "nul": "a\0b\ud800", "long": "x" * 9999, **facts})
    )
    assert len(found.metadata) <= 256
    found = sound(torch_zip({"state_dict": STATE, "nan": float("nan"), "nul": "a\0b\ud800", "long": "x" * 9999}))
    assert found.metadata == {"nan": "nan", "nul": "a␀b�"}


def test_compressed_tensors_are_named_but_cannot_be_read_in_place() -> None:
    found = probe(torch_zip(STATE, packed={"archive/data/0"}))
    assert (found.outcome, found.problems[0].code) == (Outcome.UNSUPPORTED, FindingCode.COMPRESSED)
    assert [tensor.name for tensor in found.tensors] == ["layer.bias", "layer.weight"]


def test_a_compressed_pickle_is_unpacked() -> None:
    assert len(sound(torch_zip(STATE, packed={"archive/data.pkl", "archive/version"})).tensors) == 2


def script(*members: tuple[str, bytes]) -> bytes:
    linear = Global("__torch__.torch.nn.modules.linear.___torch_mangle_0", "Linear")
    layer = Call(linear, (), {"weight": MATRIX}, new=True)
    model = Call(Global("__torch__.net", "Net"), (), {"training": False, "fc": layer}, new=True)
    code = {"constants.pkl": pickled(()), "code/__torch__/net.py": b"class Net: ..."}
    return torch_zip(model, members={**code, **dict(members)})


def test_torchscript_is_read_with_its_classes() -> None:
    assert [tensor.name for tensor in sound(script()).tensors] == ["fc.weight"]


def test_classes_of_torchscript_are_foreign_elsewhere() -> None:
    assert (
        probe(torch_zip(Call(Global("__torch__.net", "Net"), (), {"w": MATRIX}, new=True))).outcome
        is Outcome.SUSPICIOUS
    )


def test_danger_in_any_pickle_of_torchscript_is_seen() -> None:
    payload = pickled(Call(Global("os", "system"), ("true",)))
    for name in ("constants.pkl", "bytecode.pkl", "code/__torch__/net.py.debug_pkl"):
        assert probe(script((name, payload))).outcome is Outcome.UNSAFE


def test_a_zip_without_a_pickle_is_no_pickle() -> None:
    assert probe(zipped({"a/b.txt": b"x", "a/c.bin": b"y"}), b"m.pt").format is not Format.PICKLE


def broken(view: View | Call | Raw, **members: bytes) -> Probe:
    found = probe(torch_zip({"t": view}, members=members))
    assert (found.outcome, found.tensors) == (Outcome.INVALID, ())
    return found


def test_a_tensor_may_not_reach_beyond_its_storage() -> None:
    for view in (View(MATRIX, 1), View(MATRIX, 0, (13,)), View(MATRIX, 0, (4, 4), (4, 1)), View(MATRIX, 13, (1,))):
        assert "beyond" in broken(view).problems[0].sentence
        assert probe(torch_legacy({"t": view})).outcome is Outcome.INVALID


def test_a_storage_has_the_size_that_it_says() -> None:
    assert "storage" in broken(View(MATRIX), **{"data/0": bytes(47)}).problems[0].sentence
    assert probe(torch_zip({"t": untyped("uint8", 1, 1)})).outcome is Outcome.INVALID


def test_views_may_not_tell_the_file_a_thousand_times() -> None:
    broken(View(MATRIX, 0, (1 << 20, 1 << 20), (0, 0)))


def test_a_cut_file_is_malformed_at_every_place() -> None:
    for content in (torch_zip(STATE), torch_legacy(STATE), torch_tar(ARRAYS_OF_STATE)):
        for end in range(0, len(content) - 1, 37):
            found = probe(content[:end])
            assert found.outcome is not Outcome.OK or end > len(content) - 10_240
            assert found.tensors == () or found.outcome is Outcome.OK


def test_constants_of_a_script_do_not_change_the_names_of_its_weights() -> None:
    constants = pickled(({"x": 1}, MATRIX, BIAS), Storages(bases=[MATRIX]))
    found = sound(script(("constants.pkl", constants), ("data/1", BIAS.tobytes())))
    assert [tensor.name for tensor in found.tensors] == ["constants.1", "constants.2", "fc.weight"]


def test_constants_and_examples_of_a_script_have_storages_numbered_by_themselves() -> None:
    constants = pickled((BIAS,), Storages(bases=[BIAS]))
    examples = pickled({"forward": (BIAS,)}, Storages(bases=[BIAS]))
    found = sound(
        script(
            ("constants.pkl", constants),
            ("constants/0", BIAS.tobytes()),
            ("traced_inputs.pkl", examples),
            ("traced_inputs/0", b""),
        )
    )
    assert [tensor.name for tensor in found.tensors] == ["constants.0", "fc.weight"]
    assert [tensor.nbytes for tensor in found.tensors] == [BIAS.nbytes, MATRIX.nbytes]


def test_a_whole_model_of_turned_matrices_is_no_bomb() -> None:
    wide = np.ones((4096, 4096), np.int8)
    views = {str(number): View(wide, number, (2048, 2048), (1, 4096)) for number in range(8)}
    assert len(sound(torch_zip(views)).tensors) == 8


@pytest.mark.parametrize("more", [(), (False,), ("no", None), (False, {}, None, None)])
def test_a_tensor_takes_the_arguments_that_its_function_does(more: tuple[object, ...]) -> None:
    storages = Storages(bases=[MATRIX])
    made = Call(Global("torch._utils", "_rebuild_tensor_v2"), (storages.keep(MATRIX), 0, (3, 4), (4, 1), *more))
    broken(made, **{"data/0": MATRIX.tobytes()})
    broken(Call(made.maker, (storages.keep(MATRIX), 0, (3, 4), (4, 1), False, None), new=True))


def test_a_dictionary_may_not_have_dictionaries_as_keys() -> None:
    broken(Raw(b"}}K\x01s"))
    broken(Raw(b"}]K\x01s"))


def test_a_storage_has_one_type_and_the_ids_of_its_form() -> None:
    kinds = [Kept(("storage", Global("torch", f"{kind}Storage"), "0", "cpu", 12)) for kind in ("Float", "Int")]
    broken(Raw(b"(" + b"".join(code(kind, Storages()) for kind in kinds) + b"t"), **{"data/0": bytes(48)})
    broken(Raw(code(Storages(legacy=True).keep(MATRIX), Storages())), **{"data/0": bytes(48)})
    assert (
        probe(torch_legacy(Raw(code(Storages().keep(MATRIX), Storages())), bases=[MATRIX])).outcome is Outcome.INVALID
    )


def test_values_of_half_a_byte_are_counted_one_by_one() -> None:
    [tensor] = sound(torch_zip({"t": untyped("float4_e2m1fn_x2", 6, 6)}, members={"data/0": bytes(6)})).tensors
    assert (tensor.dtype, tensor.shape, tensor.nbytes) == ("F4", (12,), 6)
