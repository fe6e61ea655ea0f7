"""Square matrices that are nearly symmetric."""

from __future__ import annotations

import numpy as np

from catalog.vocabulary import SameModel
from tests.builders import BRAIN, HALF
from tests.builders.conversions import single
from tests.builders.conversions_precision import chain
from tests.matching import judging


def test_a_matrix_that_is_like_its_transpose_is_paired_once_as_it_lies() -> None:
    noise = np.random.default_rng(6)
    network = {f"layers.{n}.proj.weight": noise.normal(0, 0.05, (256, 256)).astype(np.float32) for n in range(12)}
    network["layers.5.proj.weight"] += 0.7 * network["layers.5.proj.weight"].T
    with (
        judging.held(single(chain(HALF)(network))) as one,
        judging.held(single(chain(BRAIN)(network))) as two,
    ):
        judged = judging.judge(one, two)
    assert judged.final.same_model is SameModel.YES
