"""Stability Matrix: one `Models` folder for all the programs that it installs under `Packages`, which hold links to it.

Source: https://github.com/LykosAI/StabilityMatrix, StabilityMatrix.Core/Models/SharedFolderType.cs.
"""

from __future__ import annotations

from catalog.layouts.base import Layout, Rooms, words

ROOMS = Rooms(
    models=b"Models",
    telling=words("StableDiffusion DiffusionModels TextEncoders ClipVision ApproxVAE AfterDetailer"),
    further=words(
        """AudioEncoders BSRGAN BackgroundRemoval Codeformer ControlNet DeepDanbooru Diffusers ESRGAN Embeddings GFPGAN
        GLIGEN Hypernetwork IpAdapter IpAdapters15 IpAdaptersXl Karlo LDSR Lora LyCORIS ModelPatches PromptExpansion
        RealESRGAN SVD Sams ScuNET StyleModels SwinIR T2IAdapter Ultralytics VAE"""
    ),
    marks=words("Packages .sm-portable"),
    beside=words("Packages"),
)


def title(path: bytes, sha256: str | None, kind: str) -> str:
    """`StableDiffusion / sub/foo.safetensors`"""
    folder, rest = ROOMS.split(path)
    return f"{folder} / {rest}" if rest else ""


LAYOUT = Layout("stabilitymatrix", "Stability Matrix", "Sm", ROOMS.claim, title)
