"""What PyTorch's files are, as they are read: names without what programs wrap around the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.formats import probe_file
from catalog.recognition import recognise
from catalog.vocabulary import Base, Kind
from tests.builders import MemorySource
from tests.builders.pickles import ordered, torch_legacy, torch_zip

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.recognition import Recognised
    from tests.builders.pickles import Pickled


def zeros(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    """An array of that shape."""
    return np.zeros(shape, np.float16)


def of(value: Pickled, write: Callable[[Pickled], bytes] = torch_zip) -> Recognised:
    """What the pickled value is."""
    return recognise(probe_file(MemorySource(write(value))))


EMBEDDING = {
    "string_to_token": {"*": 265},
    "string_to_param": {"*": zeros(2, 768)},
    "name": "cat",
    "step": 1000,
    "sd_checkpoint": None,
}
CROSS = "input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"
CHECKPOINT = {
    "epoch": 3,
    "global_step": 470000,
    "state_dict": ordered(
        {
            f"model.diffusion_model.{CROSS}": zeros(4, 768),
            "model.diffusion_model.input_blocks.0.0.weight": zeros(4, 4, 3, 3),
            "first_stage_model.decoder.conv_in.weight": zeros(4, 4, 3, 3),
            "cond_stage_model.transformer.text_model.final_layer_norm.weight": zeros(768),
        }
    ),
}
UPSCALER = {"params_ema": {"conv_first.weight": zeros(64, 3, 3, 3), "body.0.rdb1.conv1.weight": zeros(32, 64, 3, 3)}}
HYPERNETWORK = {
    768: [{"linear.0.weight": zeros(8, 768)}, {"linear.0.weight": zeros(8, 768)}],
    "step": 5,
    "name": "style",
}


@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
@pytest.mark.parametrize(
    ("value", "kind", "base"),
    [
        (EMBEDDING, Kind.EMBEDDING, Base.SD_1),
        ({"<my-cat>": zeros(1024)}, Kind.EMBEDDING, Base.SD_2),
        (CHECKPOINT, Kind.CHECKPOINT, Base.SD_1),
        (UPSCALER, Kind.UPSCALER, Base.UNKNOWN),
        (HYPERNETWORK, Kind.HYPERNETWORK, Base.SD_1),
        ({"a.weight": zeros(4, 4)}, Kind.UNKNOWN, Base.UNKNOWN),
    ],
)
def test_a_pickle_is_known_by_the_weights_in_it(
    value: Pickled, kind: Kind, base: Base, write: Callable[[Pickled], bytes]
) -> None:
    found = of(value, write)
    assert (found.kind, found.base) == (kind, base)
    assert found.parameters
