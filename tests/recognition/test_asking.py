"""The strongest sign answers; what else speaks is shown beside it; nothing is guessed, and nothing raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.base import Probe, TensorInfo
from catalog.recognition import FAMILIES, recognise
from catalog.recognition.asking import HOLDS, MOST, RESEMBLES
from catalog.recognition.base import Sign
from catalog.vocabulary import Base, Format, Kind, Outcome, Trait
from tests.builders import shapes
from tests.recognition.telling import of, reason

if TYPE_CHECKING:
    from catalog.formats.base import Json

FLUX_SAID: dict[str, Json] = {
    "config.json": {"_class_name": "FluxTransformer2DModel"},
    "modelspec.architecture": "stable-diffusion-v1",
}


def test_signs_answer_by_their_strength() -> None:
    stated = {"x.weight": (4, 4)}
    path = b"models/unet/sdxl.safetensors"
    assert of(shapes.prefixed(shapes.LDM, shapes.unet(1024)), FLUX_SAID, path=path).base is Base.SD_2
    assert of(stated, FLUX_SAID, path=path).base is Base.FLUX
    said: dict[str, Json] = {"modelspec.architecture": "stable-diffusion-v1"}
    assert of(stated, said, path=path).base is Base.SD_1
    assert of(stated, path=path).base is Base.SDXL


def test_all_that_speaks_besides_is_shown_strongest_first() -> None:
    found = of(shapes.unet(1024), FLUX_SAID, path=b"models/loras/sdxl.safetensors")
    assert (found.kind, found.base) == (Kind.DIFFUSION_MODEL, Base.SD_2)
    assert [(one.about, one.value) for one in found.candidates] == [
        ("kind", "lora"),
        ("base", "flux"),
        ("base", "sd-1"),
        ("base", "sdxl"),
    ]
    assert all(one.text for one in found.candidates)


def test_a_candidate_is_shown_once_and_never_the_answer_itself() -> None:
    found = of(shapes.SDXL, {"modelspec.architecture": "stable-diffusion-xl-v1-base"}, path=b"sdxl/sdxl.safetensors")
    assert found.candidates == ()


def test_candidates_are_few() -> None:
    stated = {**shapes.SD_1, **shapes.FLUX, "redux_down.weight": (4096, 12288), "redux_up.weight": (12288, 1152)}
    stated |= {"lora_controlnet": (), "x.lora_down.weight": (4, 768), "control_model.x": (4,)}
    stated |= {"position_net.linears.0.weight": (512, 832), "model0.conv1_1.weight": (64, 3, 3, 3)}
    found = of(stated, path=b"esrgan/sdxl-turbo-lightning.safetensors")
    assert len(found.candidates) == MOST


def test_every_answer_has_its_reason() -> None:
    found = of({**shapes.unet(768, channels=9)})
    assert {one.about for one in found.reasons} == {"kind", "base", "trait", "precision", "parameters"}
    assert reason(found, "base").endswith("attn2.to_k.weight is 320 x 768")


def test_unknown_stays_unknown() -> None:
    found = of({"W_e.weight": (128, 128), "head.3.beta": (7,)})
    assert (found.kind, found.base, found.traits, found.candidates) == (Kind.UNKNOWN, Base.UNKNOWN, (), ())
    assert not reason(found, "kind")


def test_the_place_that_a_caller_knows_is_a_weak_sign() -> None:
    probe = Probe(Format.SAFETENSORS, Outcome.OK, (TensorInfo("x", "F16", (4,), 0, 8),))
    assert recognise(probe, hint=Kind.VAE).kind is Kind.VAE
    lora = tuple(TensorInfo(name, "F16", shape, 0, 0) for name, shape in sorted(shapes.lora_kohya(768).items()))
    found = recognise(Probe(Format.SAFETENSORS, Outcome.OK, lora), hint=Kind.VAE)
    assert found.kind is Kind.LORA
    assert [(one.about, one.value) for one in found.candidates] == [("kind", "vae")]


def test_tables_name_no_answer_for_itself() -> None:
    assert not any(kind in held for kind, held in HOLDS.items())
    assert not any(base in same for base, same in RESEMBLES.items())


def test_every_rule_has_markers_and_a_strength() -> None:
    strengths = set()
    for family in FAMILIES:
        assert all(rule.markers for rule in family.kinds)
        assert all(rule.markers for rule in family.bases)
        strengths |= {rule.strength for rule in family.kinds} | {rule.strength for rule in family.bases}
    assert strengths == set(Sign)


def test_every_word_can_be_answered() -> None:
    kinds = {rule.kind for family in FAMILIES for rule in family.kinds}
    bases = {rule.base for family in FAMILIES for rule in family.bases}
    traits = {rule.trait for family in FAMILIES for rule in family.traits}
    assert kinds == set(Kind) - {Kind.UNKNOWN}
    assert bases == set(Base) - {Base.UNKNOWN}
    assert traits == set(Trait)
