"""Each tool's folder as it lies on a disk, walked for real: pointed at the program, and at its models."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from catalog.layouts import guess, roots
from catalog.layouts.kept import Tools
from catalog.storage.root import Root
from catalog.storage.walk import walk
from tests.builders import write_tree

if TYPE_CHECKING:
    from pathlib import Path

KEY = "0b3a8d2c-92c5-4ea3-8a07-7f1f7b1a2c3d"
HEX = "a" * 64
MANIFEST = json.dumps(
    {"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{HEX}", "size": 1}]}
).encode()
TREES = {
    "a1111": (
        "stable-diffusion-webui",
        "models",
        {
            "webui-user.sh": b"",
            "webui.py": b"",
            "embeddings/Place Textual Inversion embeddings here.txt": b"",
            "embeddings/easynegative.pt": b"1",
            "extensions/sd-webui-controlnet/models/canny.pth": b"2",
            "models/Stable-diffusion/Put Stable Diffusion checkpoints here.txt": b"",
            "models/Stable-diffusion/foo.safetensors": b"3",
            "models/Stable-diffusion/foo.vae.pt": b"4",
            "models/Lora/bar.safetensors": b"5",
            "models/VAE-approx/model.pt": b"6",
            "models/adetailer/face_yolov8n.pt": b"7",
        },
    ),
    "sdnext": (
        "sdnext",
        "models",
        {"installer.py": b"", "models/UNET/a.safetensors": b"1", "models/Stable-diffusion/b.safetensors": b"2"},
    ),
    "comfyui": (
        "ComfyUI",
        "models",
        {
            "folder_paths.py": b"",
            "custom_nodes/pack/model.pth": b"0",
            "models/checkpoints/put_checkpoints_here": b"",
            "models/checkpoints/sub/foo.safetensors": b"1",
            "models/configs/v1-inference.yaml": b"",
            "models/vae/bar.safetensors": b"2",
        },
    ),
    "fooocus": (
        "Fooocus",
        "models",
        {
            "fooocus_version.py": b"",
            "models/checkpoints/jugger.safetensors": b"1",
            "models/inpaint/inpaint_v26.fooocus.patch": b"2",
            "models/prompt_expansion/fooocus_expansion/pytorch_model.bin": b"3",
            "models/prompt_expansion/fooocus_expansion/config.json": b"{}",
        },
    ),
    "swarmui": (
        "SwarmUI",
        "Models",
        {"SwarmUI.sln": b"", "Models/Stable-Diffusion/a.safetensors": b"1", "Models/clip_vision/b.safetensors": b"2"},
    ),
    "stabilitymatrix": (
        "StabilityMatrix",
        "Models",
        {"Packages/readme.txt": b"", "Models/StableDiffusion/a.safetensors": b"1", "Models/Lora/b.safetensors": b"2"},
    ),
    "invokeai": (
        "invokeai",
        "models",
        {
            "invokeai.yaml": b"",
            "databases/invokeai.db": b"",
            "models/README.txt": b"managed",
            f"models/{KEY}/foo.safetensors": b"1",
            "models/sd-1/lora/old.safetensors": b"2",
            "models/sd-1/main/pipe/model_index.json": b"{}",
            "models/sd-1/main/pipe/unet/diffusion_pytorch_model.safetensors": b"3",
        },
    ),
    "huggingface": (
        "huggingface",
        "hub",
        {
            "token": b"",
            "hub/version.txt": b"1",
            f"hub/models--org--name/blobs/{HEX}": b"1",
            "hub/models--org--name/refs/main": b"1a2b3c",
            "hub/models--org--name/snapshots/1a2b3c/config.json": b"{}",
        },
    ),
    "ollama": (
        ".ollama",
        "models",
        {
            "id_ed25519": b"",
            f"models/blobs/sha256-{HEX}": b"1",
            "models/blobs/sha256-" + "b" * 64: b"{}",
            "models/manifests/registry.ollama.ai/library/llama3/8b": MANIFEST,
        },
    ),
    "lmstudio": (".lmstudio", "models", {"settings.json": b"", "models/publisher/repository/model-Q4_K_M.gguf": b"1"}),
}
OUTPUT = {"style-000004.safetensors": b"1", "style.safetensors": b"2", "sample/1.png": b"", "log/events": b""}


def _look(folder: Path) -> tuple[str, dict[str, str]]:
    """The layout of the whole, and that of each model."""
    with Root(os.fsencode(folder)) as root:
        walked = walk(root)
    found = roots(os.fsencode(folder), [entry.path for entry in walked.entries], walked.marks)
    layout = guess(found, [entry.path for entry in walked.entries])
    tools = Tools.of(found)
    return layout.name if layout else "", {entry.path.decode(): tools.layout_at(entry.path) for entry in walked.entries}


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, str]:
    """A tool, its folder, and the name of the folder of its models in it."""
    name, models, files = TREES[request.param]
    folder = write_tree(tmp_path / name, files)
    if request.param == "huggingface":
        (folder / "hub/models--org--name/snapshots/1a2b3c/model.safetensors").symlink_to(f"../../blobs/{HEX}")
    return request.param, folder, models


def test_pointing_at_the_program_works(tree: tuple[str, Path, str]) -> None:
    name, folder, _models = tree
    layout, places = _look(folder)
    assert layout == name
    assert places
    assert set(places.values()) == {name}


def test_pointing_at_its_models_works(tree: tuple[str, Path, str]) -> None:
    name, folder, models = tree
    layout, places = _look(folder / models)
    assert layout == name
    assert places
    assert set(places.values()) == {name}


def test_everything_that_is_a_model_is_taken(tmp_path: Path) -> None:
    name, _models, files = TREES["a1111"]
    _layout, places = _look(write_tree(tmp_path / name, files))
    assert set(places) == {path for path in files if path.endswith((".pt", ".pth", ".safetensors"))}
    name, _models, files = TREES["fooocus"]
    _layout, places = _look(write_tree(tmp_path / name, files))
    assert "models/inpaint/inpaint_v26.fooocus.patch" in places


def test_the_output_of_a_training_is_a_plain_folder(tmp_path: Path) -> None:
    assert _look(write_tree(tmp_path / "run", OUTPUT)) == (
        "",
        {"style-000004.safetensors": "", "style.safetensors": ""},
    )


def test_all_of_them_side_by_side_are_told_apart(tmp_path: Path) -> None:
    for name, _models, files in TREES.values():
        write_tree(tmp_path / name, files)
    write_tree(tmp_path / "run", OUTPUT)
    layout, places = _look(tmp_path)
    assert layout == ""
    by_folder = {name: tool for tool, (name, _models, _files) in TREES.items()}
    expected = {path: by_folder.get(path.split("/")[0], "") for path in places}
    wrong = {path: tool for path, tool in places.items() if tool != expected[path]}
    assert wrong == {}
