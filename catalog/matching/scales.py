"""How strongly a LoRA acts: alpha / rank of each module, however the file says it.

kohya's files hold a scalar `alpha` a module (1 where it is missing: alpha = rank), PEFT states `lora_alpha` and `r` in
its configuration, with patterns for single modules, and with `use_rslora` divides by the root of the rank. Sources:
kohya-ss/sd-scripts networks/lora.py, KohakuBlueleaf/LyCORIS lycoris/modules, huggingface/peft tuners/lora/layer.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.fingerprints.base import Fingerprint


def alphas(part: Fingerprint) -> frozenset[str]:
    """The names of the scalars that are alphas of its modules, and not weights of their own."""
    return frozenset()
