"""A tool's folder is known by its names; a stray name gives a folder no owner."""

from __future__ import annotations

import pytest

from catalog.layouts import LAYOUTS, guess, is_managed, label_of, owner, roots, title

KEY = b"0b3a8d2c-92c5-4ea3-8a07-7f1f7b1a2c3d"
DIGEST = b"sha256-" + b"a" * 64
SHA256 = "6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa"


def _roots(folder: bytes, paths: list[bytes], *marks: bytes) -> dict[bytes, str]:
    return {root.path: root.layout.name for root in roots(folder, paths, marks)}


@pytest.mark.parametrize(
    ("folder", "paths", "expected"),
    [
        (b"/home/ada/.cache/huggingface/hub", [b"models--bert--base/snapshots/1a/model.safetensors"], "huggingface"),
        (b"/home/ada/.cache/huggingface", [b"hub/models--bert--base/snapshots/1a/model.safetensors"], "huggingface"),
        (b"/home/ada/.ollama/models", [b"blobs/" + DIGEST], "ollama"),
        (b"/home/ada/.ollama", [b"models/blobs/" + DIGEST], "ollama"),
        (b"/invokeai/models", [KEY + b"/model.safetensors", b"sd-1/lora/x.safetensors"], "invokeai"),
        (b"/invokeai", [b"models/" + KEY + b"/model.safetensors"], "invokeai"),
        (b"/home/ada/.lmstudio/models", [b"bartowski/Llama-GGUF/llama-Q4_K_M.gguf"], "lmstudio"),
        (b"/home/ada/.lmstudio", [b"models/bartowski/Llama-GGUF/llama-Q4_K_M.gguf"], "lmstudio"),
        (b"/home/ada/.cache/lm-studio/models", [b"bartowski/Llama-GGUF/llama-Q4_K_M.gguf"], "lmstudio"),
        (b"/sd/stable-diffusion-webui", [b"models/Stable-diffusion/a.safetensors", b"embeddings/b.pt"], "a1111"),
        (b"/sd/stable-diffusion-webui/models", [b"Lora/a.safetensors"], "a1111"),
        (b"/ComfyUI", [b"models/checkpoints/a.safetensors"], "comfyui"),
        (b"/ComfyUI/models", [b"loras/deep/a.safetensors", b"other/b.gguf"], "comfyui"),
        (b"/Fooocus", [b"models/checkpoints/a.safetensors", b"models/prompt_expansion/f/pytorch_model.bin"], "fooocus"),
        (b"/Fooocus/models", [b"checkpoints/a.safetensors", b"prompt_expansion/f/pytorch_model.bin"], "fooocus"),
        (b"/StabilityMatrix/Data", [b"Models/StableDiffusion/a.safetensors"], "stabilitymatrix"),
        (b"/StabilityMatrix/Data/Models", [b"StableDiffusion/a.safetensors", b"Lora/b.safetensors"], "stabilitymatrix"),
        (b"/SwarmUI", [b"Models/Stable-Diffusion/a.safetensors"], "swarmui"),
        (b"/SwarmUI/Models", [b"Stable-Diffusion/a.safetensors", b"clip_vision/b.safetensors"], "swarmui"),
        (b"/automatic", [b"models/UNET/a.safetensors"], "sdnext"),
        (b"/automatic/models", [b"UNET/a.safetensors", b"Stable-diffusion/b.safetensors"], "sdnext"),
        (b"/downloads", [b"a.safetensors"], None),
        (b"/downloads", [b"x/y/z.gguf"], None),
        (b"/downloads", [b"models--bert--base/snapshots/1a/model.safetensors", b"a.gguf"], None),
        (b"/downloads", [b"blobs/" + DIGEST, b"a.gguf"], None),
        (b"/downloads", [b"a/" + KEY + b"/model.safetensors", b"a/b.safetensors"], None),
        (b"/training/output", [b"style-000004.safetensors", b"style.safetensors"], None),
        (b"/downloads", [b"pipeline/unet/model.safetensors", b"pipeline/vae/model.safetensors"], None),
        (b"/downloads", [], None),
    ],
)
def test_a_folder_is_known_by_the_names_in_it(folder: bytes, paths: list[bytes], expected: str | None) -> None:
    found = guess(roots(folder, paths), paths)
    assert (found.name if found else None) == expected


def test_a_folder_of_several_tools_has_a_part_for_each() -> None:
    paths = [
        b"ComfyUI/models/checkpoints/a.safetensors",
        b"InvokeAI/models/" + KEY + b"/b.safetensors",
        b"drawer/c.safetensors",
        b"hub/models--bert--base/snapshots/1a/model.safetensors",
        b"webui/embeddings/e.pt",
        b"webui/models/ControlNet/canny.pth",
        b"webui/models/Stable-diffusion/d.safetensors",
    ]
    found = roots(b"/home/me/ai", paths, [b"ComfyUI/folder_paths.py", b"InvokeAI/invokeai.yaml"])
    assert {root.path: root.layout.name for root in found} == {
        b"ComfyUI": "comfyui",
        b"InvokeAI/models": "invokeai",
        b"hub": "huggingface",
        b"webui": "a1111",
    }
    assert guess(found, paths) is None
    by_path = {root.path: root for root in found}
    owners = [owner(by_path, path) for path in paths]
    assert [one.layout.name if one else "" for one in owners] == [
        "comfyui", "invokeai", "", "huggingface", "a1111", "a1111", "a1111",
    ]  # fmt: skip


def test_a_file_of_the_program_decides_where_folder_names_do_not() -> None:
    paths = [b"x/models/checkpoints/a.safetensors", b"x/models/loras/b.safetensors"]
    assert _roots(b"/ai", paths) == {b"x/models": "comfyui"}
    assert _roots(b"/ai", paths, b"x/fooocus_version.py") == {b"x": "fooocus"}
    plain = [b"y/models/Lora/b.safetensors", b"y/models/VAE/c.pt"]
    assert _roots(b"/ai", plain, b"y/installer.py") == {b"y": "sdnext"}
    assert _roots(b"/ai", plain, b"y/webui-user.sh") == {b"y": "a1111"}
    assert _roots(b"/ai", [b"z/Models/Lora/a.safetensors"], b"z/Packages") == {b"z": "stabilitymatrix"}
    assert _roots(b"/ai", [b"z/Models/Lora/a.safetensors"], b"z/SwarmUI.sln") == {b"z": "swarmui"}
    assert _roots(b"/ai", [b"v/models/vae/a.safetensors"]) == {}
    assert _roots(b"/ai", [b"v/models/vae/a.safetensors"], b"v/folder_paths.py") == {b"v": "comfyui"}


def test_two_telling_folders_make_a_models_folder_of_another_name() -> None:
    assert _roots(b"/mnt", [b"sd/checkpoints/a.ckpt", b"sd/loras/b.safetensors"]) == {b"sd": "comfyui"}
    assert _roots(b"/mnt", [b"sd/checkpoints/a.ckpt", b"sd/other/b.safetensors"]) == {}


def test_a_stray_file_does_not_set_a_managed_store_free() -> None:
    stray = [b"a.gguf", b"models--a--b/snapshots/1/x.safetensors", b"models--c--d/snapshots/1/y.safetensors"]
    assert _roots(b"/hub", stray) == {b"models--a--b": "huggingface", b"models--c--d": "huggingface"}
    ollama = [b"blobs/" + DIGEST, b"mine.gguf"]
    assert _roots(b"/store", ollama, b"manifests") == {b"blobs": "ollama"}
    invoke = [KEY + b"/model.safetensors", b"mine.safetensors"]
    assert _roots(b"/models", invoke) == {}
    assert _roots(b"/models", invoke, b"README.txt") == {b"": "invokeai"}


def test_nothing_is_another_tools_within_a_managed_store() -> None:
    paths = [b"models--a--b/snapshots/1/models/checkpoints/x.safetensors", b"models--a--b/snapshots/1/loras/y.ckpt"]
    assert _roots(b"/hub", paths) == {b"": "huggingface"}
    inside = [b"models/Diffusers/models--a--b/snapshots/1/unet/x.safetensors", b"models/UNET/y.safetensors"]
    assert _roots(b"/automatic", inside) == {b"models": "sdnext", b"models/Diffusers": "huggingface"}


def test_programs_under_stability_matrix_are_their_own() -> None:
    paths = [b"Models/StableDiffusion/a.safetensors", b"Packages/ComfyUI/models/checkpoints/own.safetensors"]
    marks = [b"Packages", b"Packages/ComfyUI/folder_paths.py"]
    assert _roots(b"/Data", paths, *marks) == {b"": "stabilitymatrix", b"Packages/ComfyUI": "comfyui"}


@pytest.mark.parametrize(
    ("layout", "path", "expected"),
    [
        ("comfyui", b"models/checkpoints/sub/foo.safetensors", "checkpoints / sub/foo.safetensors"),
        ("comfyui", b"checkpoints/foo.safetensors", "checkpoints / foo.safetensors"),
        ("comfyui", b"models/unet/foo.gguf", "diffusion_models / foo.gguf"),
        ("comfyui", b"clip/t5.safetensors", "text_encoders / t5.safetensors"),
        ("comfyui", b"models/LLM/qwen/model.gguf", "LLM / qwen/model.gguf"),
        ("comfyui", b"custom_nodes/pack/model.pth", ""),
        ("comfyui", b"models/stray.safetensors", ""),
        ("a1111", b"models/Stable-diffusion/sub/foo.safetensors", "sub/foo.safetensors [6ce0161689]"),
        ("a1111", b"models/Lora/sub/foo.safetensors", "<lora:foo:1>"),
        ("a1111", b"embeddings/sub/bad-hands.pt", "bad-hands"),
        ("a1111", b"models/VAE/x.vae.pt", "x.vae.pt"),
        ("a1111", b"extensions/controlnet/models/x.pth", ""),
        ("sdnext", b"Stable-diffusion/sub/foo.safetensors", "sub/foo [6ce0161689]"),
        ("sdnext", b"models/Lora/foo.safetensors", "<lora:foo:1>"),
        ("sdnext", b"UNET/foo.safetensors", "foo"),
        ("fooocus", b"models/checkpoints/sub/foo.safetensors", "sub/foo.safetensors"),
        ("swarmui", b"Models/Stable-Diffusion/sub/foo.safetensors", "sub/foo.safetensors"),
        ("swarmui", b"Models/Lora/sub/foo.safetensors", "<lora:sub/foo>"),
        ("swarmui", b"Embeddings/foo.pt", "<embed:foo>"),
        ("stabilitymatrix", b"Models/StableDiffusion/foo.safetensors", "StableDiffusion / foo.safetensors"),
        ("invokeai", KEY + b"/foo.safetensors", KEY.decode()),
        ("invokeai", b"sd-1/lora/foo.safetensors", ""),
        ("huggingface", b"models--bert--base/snapshots/1a2b3c4d5e/x/y.bin", "bert/base @ 1a2b3c4 : x/y.bin"),
        ("huggingface", b"hub/models--gpt2/snapshots/1a2b3c4d5e/model.bin", "gpt2 @ 1a2b3c4 : model.bin"),
        ("huggingface", b"models--a--b/snapshots/1a2b3c4d5e", "a/b @ 1a2b3c4"),
        ("lmstudio", b"lmstudio-community/Qwen-GGUF/q4.gguf", "lmstudio-community/Qwen-GGUF/q4.gguf"),
        ("ollama", b"blobs/" + DIGEST, ""),
        ("", b"foo.safetensors", ""),
        ("of-a-newer-release", b"foo.safetensors", ""),
    ],
)  # fmt: skip
def test_each_tool_has_its_own_words_for_a_model(layout: str, path: bytes, expected: str) -> None:
    assert title(layout, path, SHA256, "checkpoint") == expected


def test_digits_are_left_out_while_they_are_not_known() -> None:
    assert title("a1111", b"models/Stable-diffusion/foo.safetensors") == "foo.safetensors"


def test_names_that_are_not_text_have_a_title_too() -> None:
    assert title("comfyui", b"loras/caf\xe9.safetensors") == "loras / caf\\xe9.safetensors"


def test_managed_folders_are_those_whose_tool_keeps_track_of_every_file() -> None:
    assert {layout.name for layout in LAYOUTS if layout.managed} == {"huggingface", "ollama", "invokeai"}
    assert len({layout.name for layout in LAYOUTS}) == len({layout.symbol for layout in LAYOUTS}) == len(LAYOUTS)
    assert (is_managed("ollama"), is_managed("comfyui"), is_managed("")) == (True, False, False)
    assert (label_of("sdnext"), label_of("")) == ("SD.Next", "")


def test_a_library_of_very_many_folders_is_sorted_in_one_pass() -> None:
    paths = [b"models--o--%d/snapshots/1/x.safetensors" % number for number in range(20_000)]
    assert len(roots(b"/hub", [*paths, b"stray.gguf"])) == 200
    assert len(roots(b"/hub", paths)) == 1
