"""What is offered to somebody who has not said yet where the models are."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from catalog.errors import Refused
from catalog.services import libraries, offers
from catalog.storage import offering

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

pytestmark = pytest.mark.django_db

KEY = "0b3a8d2c-92c5-4ea3-8a07-7f1f7b1a2c3d"
DIGEST = "sha256-" + "a" * 64


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """A home folder of its own, which is all that may be looked at."""
    place = tmp_path / "home"
    place.mkdir()
    for name in ("HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(place))
    settings.ISOTOPE_FOLDERS = [str(place)]
    return place


def put(top: Path, *names: str, size: int = 10) -> None:
    """Files of a size, without the bytes."""
    for name in names:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.truncate(size)


def _found(home: Path, *, everywhere: bool = False) -> dict[str, tuple[str, int, int]]:
    found = offers.find(everywhere=everywhere, seconds=60)
    return {one.path.removeprefix(f"{home}/"): (one.layout, one.files, one.size) for one in found}


def test_every_tool_is_found_where_people_have_it(home: Path) -> None:
    put(home, "ComfyUI/folder_paths.py", "ComfyUI/models/checkpoints/a.safetensors", "ComfyUI/models/loras/b.pt")
    put(home, "stable-diffusion-webui-forge/webui-user.sh", "stable-diffusion-webui-forge/embeddings/e.pt")
    put(home, "stable-diffusion-webui-forge/models/Stable-diffusion/a.ckpt")
    put(home, "invokeai/invokeai.yaml", f"invokeai/models/{KEY}/m.safetensors")
    put(home, "StabilityMatrix/Data/Models/StableDiffusion/a.safetensors", "StabilityMatrix/Data/Packages/x.txt")
    put(home, "src/SwarmUI/SwarmUI.sln", "src/SwarmUI/Models/Stable-Diffusion/a.safetensors")
    put(home, "Fooocus/fooocus_version.py", "Fooocus/models/checkpoints/a.safetensors")
    put(home, "automatic/installer.py", "automatic/models/UNET/a.safetensors")
    put(home, ".lmstudio/models/publisher/repository/a.gguf")
    put(home, ".ollama/models/manifests/x", f".ollama/models/blobs/{DIGEST}", size=2 << 20)
    put(home, ".ollama/models/blobs/sha256-" + "b" * 64, size=500)
    blob = ".cache/huggingface/hub/models--a--b/blobs/" + "c" * 64
    put(home, blob, size=300)
    link = home / ".cache/huggingface/hub/models--a--b/snapshots/1/model.safetensors"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../blobs/" + "c" * 64)
    assert _found(home) == {
        "ComfyUI": ("comfyui", 2, 20),
        "stable-diffusion-webui-forge": ("a1111", 2, 20),
        "invokeai": ("invokeai", 1, 10),
        "StabilityMatrix/Data": ("stabilitymatrix", 1, 10),
        "src/SwarmUI": ("swarmui", 1, 10),
        "Fooocus": ("fooocus", 1, 10),
        "automatic": ("sdnext", 1, 10),
        ".lmstudio/models": ("lmstudio", 1, 10),
        ".ollama/models": ("ollama", 1, 2 << 20),
        ".cache/huggingface/hub": ("huggingface", 1, 300),
    }
    assert offers.find(seconds=60)[0].path.endswith(".ollama/models"), "the largest comes first"
    assert {one.layout for one in offers.find(seconds=60) if one.managed} == {"invokeai", "ollama", "huggingface"}


def test_tools_are_found_where_the_environment_says(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "elsewhere/hub/models--a--b/snapshots/1/x.gguf", f"ollama/blobs/{DIGEST}", size=2 << 20)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    assert _found(home) == {}, "outside of what the browser may see"
    assert set(_found(home, everywhere=True)) == {str(tmp_path / "elsewhere/hub"), str(tmp_path / "ollama")}


def test_a_drawer_of_downloads_or_a_training_is_not_offered(home: Path) -> None:
    put(home, "Downloads/a.safetensors", "project/checkpoints/epoch1.pt", "pipeline/unet/x.safetensors")
    put(
        home, ".hidden/models/checkpoints/a.ckpt", "a/b/c/ComfyUI/models/checkpoints/a.ckpt", "empty/models/loras/x.txt"
    )
    assert _found(home) == {}


def test_a_models_folder_without_its_program_is_offered_by_itself(home: Path) -> None:
    put(home, "models/checkpoints/a.ckpt", "other/big.gguf")
    assert _found(home) == {"models": ("comfyui", 1, 10)}


def test_the_same_folder_is_never_offered_twice(home: Path) -> None:
    put(home, "disk/ComfyUI/models/checkpoints/a.ckpt", "disk/ComfyUI/folder_paths.py")
    (home / "ComfyUI").symlink_to("disk/ComfyUI")
    os.link(home / "disk/ComfyUI/models/checkpoints/a.ckpt", home / "disk/ComfyUI/models/checkpoints/twin.ckpt")
    assert _found(home) == {"disk/ComfyUI": ("comfyui", 1, 10)}


def test_what_is_a_library_already_is_not_offered(home: Path) -> None:
    put(home, "ComfyUI/models/checkpoints/a.ckpt", "ComfyUI/folder_paths.py", "Fooocus/models/prompt_expansion/a.bin")
    assert set(_found(home)) == {"ComfyUI", "Fooocus/models"}
    assert {one.label for one in offers.current()} == {"ComfyUI", "Fooocus"}
    libraries.add(path=os.fsencode(home / "ComfyUI/models"))
    assert set(_found(home)) == {"Fooocus/models"}
    assert [one.label for one in offers.current()] == ["Fooocus"], "also not from what is kept for a minute"


def test_the_file_of_comfyui_adds_its_folders(home: Path, tmp_path: Path) -> None:
    put(home, "ComfyUI/folder_paths.py", "ComfyUI/models/checkpoints/a.ckpt", "far/away/deep/webui/models/Lora/b.pt")
    put(home, "far/away/deep/webui/models/VAE/c.pt", "loose/d.safetensors")
    put(tmp_path, "secret/loras/e.safetensors")
    text = f"""
a1111:
    base_path: ~/far/away/deep/webui
    loras: models/Lora
    vae: models/VAE
mine:
    loras: |
        {home}/loose
        {tmp_path}/secret/loras
        {home}/not/there
"""
    (home / "ComfyUI/extra_model_paths.yaml").write_text(text)
    found = {one.path: (one.layout, os.path.basename(one.named_by)) for one in offers.find(seconds=60)}
    assert found == {
        f"{home}/ComfyUI": ("comfyui", ""),
        f"{home}/far/away/deep/webui/models": ("a1111", "extra_model_paths.yaml"),
        f"{home}/loose": ("", "extra_model_paths.yaml"),
    }
    assert f"{tmp_path}/secret/loras" in _found(home, everywhere=True)
    assert offers.named_beside(os.fsencode(home / "ComfyUI/models")) == (
        f"{home}/far/away/deep/webui/models",
        f"{home}/loose",
        f"{tmp_path}/secret/loras",
    )
    assert offers.named_beside(os.fsencode(home)) == ()


def test_a_pasted_text_names_the_folder_of_a_tool_once() -> None:
    text = (
        "a:\n base_path: /webui\n checkpoints: models/Stable-diffusion\n loras: models/Lora\n embeddings: embeddings\n"
    )
    assert offers.named_in(text) == ("/webui",)
    assert offers.named_in("b:\n vae: /x/vae\n loras: /x/vae/more\n") == ("/x/vae",)
    with pytest.raises(Refused, match="no YAML"):
        offers.named_in("a: [")


def test_a_file_that_is_no_such_file_adds_nothing(home: Path) -> None:
    put(home, "ComfyUI/folder_paths.py", "ComfyUI/models/checkpoints/a.ckpt")
    (home / "ComfyUI/extra_model_paths.yaml").write_bytes(b"\xff\xfe: [")
    assert set(_found(home)) == {"ComfyUI"}


def test_a_path_that_leads_out_of_what_may_be_seen_is_left_alone(home: Path, tmp_path: Path) -> None:
    put(tmp_path, "other/hub/models--a--b/snapshots/1/x.gguf")
    (home / ".cache/huggingface").mkdir(parents=True)
    (home / ".cache/huggingface/hub").symlink_to(tmp_path / "other/hub")
    assert _found(home) == {}
    assert set(_found(home, everywhere=True)) == {f"{tmp_path}/other/hub"}


def test_an_allowed_folder_may_be_a_link(home: Path, tmp_path: Path, settings: Settings) -> None:
    put(tmp_path, "drive/ComfyUI/models/checkpoints/a.ckpt", "drive/ComfyUI/folder_paths.py")
    (tmp_path / "link").symlink_to("drive")
    settings.ISOTOPE_FOLDERS = [str(tmp_path / "link")]
    assert set(_found(home)) == {f"{tmp_path}/drive/ComfyUI"}


def test_without_time_the_counts_are_the_least_of_what_is_there(home: Path) -> None:
    put(home, "a/b.gguf")
    assert offering.tally(os.fsencode(home), until=0.0) == offering.Tally(0, 0, whole=False)
    assert offering.tally(os.fsencode(home), until=time.monotonic() + 60) == offering.Tally(1, 10)
    assert offers.find(seconds=0.0) == ()


def test_a_link_that_leads_out_is_not_looked_at(home: Path, tmp_path: Path) -> None:
    put(tmp_path, "outside.safetensors")
    put(home, "in.safetensors")
    (home / "out.safetensors").symlink_to(tmp_path / "outside.safetensors")
    (home / "gone.safetensors").symlink_to("nowhere")
    assert offering.tally(os.fsencode(home), until=time.monotonic() + 60) == offering.Tally(1, 10)
