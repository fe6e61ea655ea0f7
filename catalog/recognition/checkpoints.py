"""Everything that an image model needs in one: a pipeline folder, or a file with the parts under their prefixes."""

from __future__ import annotations

from catalog.recognition.markers import Begins, Configured
from catalog.recognition.rules import Family, KindRule
from catalog.vocabulary import Kind

_OTHERS = (
    "first_stage_model.",
    "cond_stage_model.",
    "conditioner.embedders.",
    "vae.",
    "text_encoders.",
    "audio_vae.",
)

FAMILY = Family(
    kinds=(
        KindRule(Kind.CHECKPOINT, (Begins(("model.diffusion_model.",)), Begins(_OTHERS))),
        KindRule(Kind.CHECKPOINT, (Begins(("model.model.",)), Begins(("pretransform.", "conditioner.conditioners.")))),
        KindRule(Kind.CHECKPOINT, (Configured("model_index.json"),)),
        KindRule(Kind.CHECKPOINT, (Configured("modular_model_index.json"),)),
    ),
)
