"""Evidence as a comparison gives it, small enough to be read."""

from __future__ import annotations

from catalog.matching.base import ComponentVerdict, Difference, Evidence, Row
from catalog.vocabulary import Certainty, Direction, Mapped, Relation, SameModel, TensorVerdict

ROWS = (
    Row("unet", "conv_in.weight", "input.0.weight", "F32", "F16", (320, 4, 3, 3), (320, 4, 3, 3),
        TensorVerdict.ROUNDED, compared=11520, of=11520, largest=0.5, typical=0.24),
    Row("unet", "to_q.weight", "in_proj_weight", "F32", "F16", (64, 64), (192, 64),
        TensorVerdict.ROUNDED, Mapped.ROWS, 1, 3, 4096, 4096, 0, 0.5, 0.25),
    Row("unet", "norm.bias", "norm.bias", "F32", "F32", (64,), (64,), TensorVerdict.EQUAL, compared=64, of=64),
    Row("unet", "mid.weight", "mid.weight", "F32", "F16", (64, 64), (64, 64),
        TensorVerdict.DIFFERENT, compared=4096, of=4096, outside=512, largest=4096.0, typical=310.0),
    Row("unet", "ema.decay", "", "F32", "", (), (), TensorVerdict.ONLY_LEFT, of=1),
)  # fmt: skip


def evidence(rows: tuple[Row, ...] = ROWS) -> Evidence:
    """An fp32 file and its fp16 rounding in which one tensor was changed, with another prediction type."""
    unet = ComponentVerdict(
        "unet", "unet", Relation.DERIVED, Certainty.ALL_VALUES, (24_000, 24_000), 0.98, 1.0, rows=rows
    )
    return Evidence(
        relation=Relation.DERIVED,
        certainty=Certainty.ALL_VALUES,
        same_model=SameModel.NO,
        direction=Direction.RIGHT_FROM_LEFT,
        values_compared=19_776,
        values_outside=512,
        settings=(Difference("prediction_type", "epsilon", "v_prediction"),),
        components=(unet,),
    )
