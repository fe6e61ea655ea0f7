"""The names of the digests, and the order in which people see them."""

from __future__ import annotations

from catalog.vocabulary.words import Word


class Algorithm(Word):
    """Digests with a definition of their own; any algorithm of hashlib is allowed beside them, by its own name."""

    SHA256 = "sha256", "SHA-256"
    BLAKE3 = "blake3", "BLAKE3"
    AUTOV1 = "autov1", "AutoV1"
    AUTOV3 = "autov3", "AutoV3"
    CRC32 = "crc32", "CRC-32"
    GIT_SHA1 = "git-sha1", "Git blob SHA-1"
    IMOHASH = "imohash", "imohash"
    FOLDER = "folder:v1", "Folder digest"
    INVOKE_BLAKE3 = "invoke-dir:blake3", "InvokeAI folder (BLAKE3)"
    INVOKE_SHA256 = "invoke-dir:sha256", "InvokeAI folder (SHA-256)"
    TENSORS = "tensors:v1", "Tensors digest"
    WEIGHTS = "weights:v1", "Weights digest"
    WEIGHTS_F16 = "weights-f16:v1", "Weights digest as fp16"
    WEIGHTS_BF16 = "weights-bf16:v1", "Weights digest as bf16"


AUTOV2_DIGITS = 10
"""AutoV2 is no digest of its own: the first ten digits of SHA-256."""

MODELSPEC = "modelspec.hash_sha256"
"""Listed under its own name: ModelSpec means AutoV3 by it, but kohya's trainer wrote another digest once."""
