"""The kinds of files that other programs write about models, strongest first where several tell the same."""

from __future__ import annotations

from catalog.vocabulary.words import Word


class NoteKind(Word):
    """Whose note it is. The order says who is believed when two disagree."""

    CIVITAI_INFO = "civitai-info", "Civitai Helper"
    LORA_MANAGER = "lora-manager", "LoRA Manager"
    STABILITY_MATRIX = "stability-matrix", "StabilityMatrix"
    API_INFO = "api-info", "CivitAI Browser+"
    USER_METADATA = "user-metadata", "A1111's user metadata"
    MODEL_CARD = "model-card", "model card"
    TRIGGERS = "triggers", "trigger words"
    SHA256 = "sha256", "list of digests"
    A1111_CACHE = "a1111-cache", "A1111's cache"
    A1111_DATABASE = "a1111-database", "A1111's cache"
    PICTURE = "picture", "picture"
