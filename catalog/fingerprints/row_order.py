"""In which order a file holds the rows of a tensor, where that is not the order of the other files of its model.

Samples and values are taken in one order, so that they meet: in Hugging Face's for queries and keys (`rope`), and in
diffusers' for the last modulation of a transformer. The files of its makers hold shift and scale, diffusers' converters
write scale and shift (`swap_scale_shift` in diffusers/loaders/single_file_utils.py); those of Mochi's gated layers
change places too (`swap_proj_gate`). Who writes a file in which order is told by the names of its tensors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from catalog.fingerprints.rope import heads_of, stored_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.fingerprints.positions import Places
    from catalog.formats.base import Json, TensorInfo

_FINAL = re.compile(r"(?:.*\.)?final_layer\.adaLN_modulation\.1\.(?:weight|bias)")
_CONTEXT = re.compile(r"(?:.*\.)?joint_blocks\.(\d{1,6})\.context_block\.adaLN_modulation\.1\.(?:weight|bias)")
_MOCHI = re.compile(r"(?:.*\.)?(?:final_layer\.mod|blocks\.\d{1,6}\.mlp_[xy]\.w1)\.(?:weight|bias)")
_AURA = re.compile(r"(?:.*\.)?modF\.1\.(?:weight|bias)")

_OF_FLUX = re.compile(r"(?:^|\.)double_blocks\.0\.")
_OF_SD3 = re.compile(r"(?:^|\.)joint_blocks\.0\.")
_OF_MOCHI = re.compile(r"(?:^|\.)blocks\.0\.mlp_x\.w1\.")
_OF_AURA = re.compile(r"(?:^|\.)double_layers\.0\.")
_MADE_BY = ((_OF_FLUX, _FINAL), (_OF_SD3, _FINAL), (_OF_MOCHI, _MOCHI), (_OF_AURA, _AURA))
"""Where a name of the first kind is, the halves of tensors with names of the second are exchanged. Others that have a
`final_layer` keep its order."""


class RowOrder(NamedTuple):
    """`head`: rows of each head that are stored alternately. `halves`: the second half is stored before the first."""

    head: int = 0
    halves: bool = False

    def __bool__(self) -> bool:
        return bool(self.head) or self.halves

    def stored(self, wanted: Places, rows: int) -> Places:
        """Where the rows with these numbers are stored, of so many."""
        if self.head:
            return stored_rows(wanted, self.head)
        return (wanted + rows // 2) % rows if self.halves else wanted


class RowOrders:
    """Of the tensors of one variant."""

    def __init__(self, tensors: Sequence[TensorInfo], metadata: Mapping[str, Json]) -> None:
        self._heads = heads_of(metadata)
        self._swapped = _swapped([tensor.name for tensor in tensors])

    def of(self, tensor: TensorInfo) -> RowOrder:
        """The order of the rows of one of them."""
        rows = next((length for length in tensor.shape if length > 1), 1)
        return RowOrder(self._heads.rows_of(tensor.name, rows), tensor.name in self._swapped and rows % 2 == 0)


def _swapped(names: Sequence[str]) -> frozenset[str]:
    """Those whose halves are exchanged. Of the blocks of SD 3 the last one's context has no more than two parts."""
    kinds = {sought for mark, sought in _MADE_BY if any(mark.search(name) for name in names)}
    found = {name for name in names if any(kind.fullmatch(name) for kind in kinds)}
    blocks = {name: int(match[1]) for name in names if (match := _CONTEXT.fullmatch(name))}
    last = max(blocks.values(), default=0)
    return frozenset(found | {name for name, block in blocks.items() if block == last})
