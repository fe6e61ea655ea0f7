"""A scan writes to each place whose folder it lies in, and mends that when the folders change."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.layouts.kept import Tools
from catalog.models import Library, Location

if TYPE_CHECKING:
    from tests.services.scanning.conftest import Scene

KEY = "0b3a8d2c-92c5-4ea3-8a07-7f1f7b1a2c3d"
COMFY = "ComfyUI/models/checkpoints/a.safetensors"
INVOKE = f"InvokeAI/models/{KEY}/b.safetensors"


def _layouts(scene: Scene) -> dict[str, str]:
    return dict(Location.objects.filter(library=scene.library).values_list("path_text", "layout"))


def _library(scene: Scene) -> Library:
    return Library.objects.get(pk=scene.library.pk)


def test_each_place_of_a_mixed_library_knows_its_tool(scene: Scene) -> None:
    scene.put("ComfyUI/folder_paths.py", COMFY, INVOKE, "drawer/c.safetensors")
    scene.scan()
    assert _layouts(scene) == {COMFY: "comfyui", INVOKE: "invokeai", "drawer/c.safetensors": ""}
    library = _library(scene)
    assert (library.layout, library.managed, library.read_only) == ("", False, True)


def test_a_library_of_one_managed_tool_is_managed_and_read_only(scene: Scene) -> None:
    Library.objects.filter(pk=scene.library.pk).update(read_only=False)
    scene.put(f"models/{KEY}/b.safetensors")
    scene.scan()
    library = _library(scene)
    assert (library.layout, library.managed, library.read_only) == ("invokeai", True, True)


def test_places_are_mended_when_the_tools_change(scene: Scene) -> None:
    scene.put("x/models/checkpoints/a.safetensors", "x/models/loras/b.safetensors")
    scene.scan()
    assert set(_layouts(scene).values()) == {"comfyui"}
    scene.put("x/models/prompt_expansion/fooocus_expansion/pytorch_model.bin")
    scene.scan()
    assert set(_layouts(scene).values()) == {"fooocus"}
    assert _library(scene).layout == "fooocus"


def test_places_of_an_earlier_release_get_their_tool_with_the_next_scan(scene: Scene) -> None:
    scene.put(COMFY)
    scene.scan()
    report = {name: value for name, value in _library(scene).last_report.items() if name != "layouts"}
    Library.objects.filter(pk=scene.library.pk).update(last_report=report, layout="")
    Location.objects.update(layout="")
    assert not scene.scan().changed
    assert _layouts(scene) == {COMFY: "comfyui"}
    assert _library(scene).layout == "comfyui"


def test_a_move_from_one_tool_to_another_is_told(scene: Scene) -> None:
    scene.put(COMFY, "ComfyUI/models/checkpoints/stays.safetensors", "webui/models/Lora/c.safetensors")
    scene.known()
    (scene.folder / COMFY).rename(scene.folder / "webui/models/Lora/a.safetensors")
    assert scene.scan().moved == 1
    assert _layouts(scene)["webui/models/Lora/a.safetensors"] == "a1111"


def test_a_scan_of_a_part_keeps_what_is_known_of_the_whole(scene: Scene) -> None:
    scene.put("x/folder_paths.py", "x/models/checkpoints/a.safetensors", "y/b.safetensors")
    scene.scan()
    scene.put("x/models/checkpoints/new.safetensors")
    scene.scan(b"x/models/checkpoints")
    assert _layouts(scene)["x/models/checkpoints/new.safetensors"] == "comfyui"
    assert Tools.kept(_library(scene).last_report) is not None


def test_an_unchanged_library_costs_no_statement_more(scene: Scene) -> None:
    scene.put(COMFY, INVOKE)
    scene.known().scan()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        scene.scan()
    assert not [one["sql"] for one in asked if "catalog_location" in one["sql"] and one["sql"].startswith("UPDATE")]


def test_what_programs_link_into_the_store_of_stability_matrix_counts_once(scene: Scene) -> None:
    scene.put("Models/StableDiffusion/a.safetensors", "Models/Lora/b.safetensors")
    package = scene.folder / "Packages/ComfyUI/models"
    package.mkdir(parents=True)
    (package / "checkpoints").symlink_to("../../../Models/StableDiffusion")
    (package / "loras").symlink_to("../../../Models/Lora")
    (scene.folder / "Packages/webui").mkdir()
    (scene.folder / "Packages/webui/a.safetensors").symlink_to("../../Models/StableDiffusion/a.safetensors")
    report = scene.scan()
    assert (report.new, report.links) == (2, 3)
    assert set(_layouts(scene).values()) == {"stabilitymatrix"}
    shutil.rmtree(scene.folder / "Packages")
    assert scene.scan().missing == 0


def test_what_lies_outside_the_models_folder_is_the_tools_too(scene: Scene) -> None:
    found = {
        "embeddings/e.pt": "a1111",
        "extensions/sd-webui-controlnet/models/canny.pth": "a1111",
        "models/ControlNet/depth.safetensors": "a1111",
        "models/Stable-diffusion/a.safetensors": "a1111",
        "models/Stable-diffusion/a.vae.pt": "a1111",
        "models/Stable-diffusion/a.vae.safetensors": "a1111",
        "models/adetailer/face.pt": "a1111",
    }
    scene.put(*found, "models/Stable-diffusion/Put Stable Diffusion checkpoints here.txt")
    scene.scan()
    assert _layouts(scene) == found


def test_places_are_mended_in_one_statement_that_locks_in_order(scene: Scene) -> None:
    scene.put("x/models/checkpoints/a.safetensors", "x/models/loras/b.safetensors")
    scene.scan()
    scene.put("x/models/prompt_expansion/c.bin")
    with CaptureQueriesContext(connection) as asked:
        scene.scan()
    mending = [one["sql"] for one in asked if one["sql"].startswith("UPDATE") and '"layout" = CASE' in one["sql"]]
    assert len(mending) == 1
    assert "FOR UPDATE" in mending[0]
    assert "ORDER BY" in mending[0]
