"""Everything that an image model needs in one: a pipeline folder, or a file with the parts under their prefixes."""

from __future__ import annotations

from catalog.recognition.rules import Begins, Configured, Family, KindRule
from catalog.vocabulary import Kind

_OTHERS = ("first_stage_model.", "cond_stage_model.", "conditioner.embedders.", "vae.", "text_encoders.")

FAMILY = Family(
    kinds=(
        KindRule(Kind.CHECKPOINT, (Configured("model_index.json"),)),
        KindRule(Kind.CHECKPOINT, (Begins(("model.diffusion_model.",)), Begins(_OTHERS))),
    ),
)
