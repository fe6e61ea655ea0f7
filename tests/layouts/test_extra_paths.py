"""The file that tells ComfyUI of further folders, as people write it and as nobody should."""

from __future__ import annotations

import pytest

from catalog.layouts.extra_paths import LARGEST, ExtraFolder, NotExtraPathsError, parse

PLACES = {"HOME": "/home/ada", "DRIVE": "/mnt/big", "USER": "ada", "SECRET_KEY": "hush"}

A1111 = """
#config for a1111 ui
a1111:
    base_path: ~/stable-diffusion-webui/
    is_default: true

    checkpoints: models/Stable-diffusion
    configs: models/Stable-diffusion
    loras: |
         models/Lora
         models/LyCORIS

    unet: models/UNET
    clip: models/text_encoder
    custom_nodes: custom
nothing:
other:
    vae: /data/vae
    embeddings: near/embeddings
"""


def test_sections_give_folders_with_their_categories() -> None:
    base = "/home/ada/stable-diffusion-webui"
    assert parse(A1111, beside="/opt/ComfyUI", environment=PLACES) == (
        ExtraFolder(f"{base}/models/Stable-diffusion", "checkpoints", True, base),
        ExtraFolder(f"{base}/models/Lora", "loras", True, base),
        ExtraFolder(f"{base}/models/LyCORIS", "loras", True, base),
        ExtraFolder(f"{base}/models/UNET", "diffusion_models", True, base),
        ExtraFolder(f"{base}/models/text_encoder", "text_encoders", True, base),
        ExtraFolder("/data/vae", "vae", False, ""),
        ExtraFolder("/opt/ComfyUI/near/embeddings", "embeddings", False, ""),
    )


def test_a_relative_path_of_a_pasted_text_leads_nowhere() -> None:
    assert [one.path for one in parse(A1111, environment=PLACES)][-1] == "/data/vae"
    assert parse("a:\n  base_path: webui\n  loras: models/Lora\n", environment=PLACES) == ()
    assert parse("a:\n  base_path: webui\n  loras: models/Lora\n", beside="/x", environment=PLACES)[0].path == (
        "/x/webui/models/Lora"
    )


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("$DRIVE/sd", "/mnt/big/sd"),
        ("${DRIVE}/sd", "/mnt/big/sd"),
        ("/home/$USER/sd", "/home/ada/sd"),
        ("/x/$SECRET_KEY", "/x/$SECRET_KEY"),
        ("/x/$UNKNOWN", "/x/$UNKNOWN"),
        ("/x/../y/./z/", "/y/z"),
        ("~bob/sd", None),
    ],
)
def test_only_variables_that_hold_a_place_are_filled_in(base: str, expected: str | None) -> None:
    found = parse(f"a:\n  base_path: {base}\n  loras: Lora\n", environment=PLACES)
    assert [one.base for one in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "- a\n- b",
        "a: [",
        "a:\n\tb: c",
        "a: &x\n  loras: y\nb: *x\n",
        "a: " + "[" * 5000,
        "a: {? [k] : v}",
        "a: {b: {c: {d: {e: {f: {g: h}}}}}}",
        "x" * (LARGEST + 1),
        "%YAML 9\x00",
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(NotExtraPathsError, match=r"\.$"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1",
        "a: {loras: [x, y]}",
        "a: {loras: {b: c}}",
        "a: {base_path: [1], loras: x}",
        "a: {1: 2}",
    ],
)
def test_odd_values_name_no_folder(text: str) -> None:
    assert parse(text) == ()


def test_nothing_is_made_of_what_a_text_asks_for() -> None:
    text = "a: {loras: !!python/object/apply:os.system ['true'], vae: !!binary aGk=, base_path: /x}\n"
    assert [one.path for one in parse(text)] == ["/x/aGk="]
