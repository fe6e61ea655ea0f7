"""How the values of each tensor of a file are read: the form of its type, and the scales that lie beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import Samples
from catalog.fingerprints.companions import scales_of
from catalog.fingerprints.forms import Form, fits, form_of, integer_form
from catalog.fingerprints.levels import SLACK, Scaled, decoded, uniform
from catalog.fingerprints.positions import is_small

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats
    from catalog.fingerprints.companions import Scale
    from catalog.formats.base import Json, TensorInfo

    Bytes = npt.NDArray[np.uint8]

_LEVELS = {
    "I8": uniform((*range(128), *range(-128, 0)), SLACK, open_below=2),  # cut off at -128, or evenly at -127
    "U8": uniform(range(256), SLACK),
}
_WIDER = 2.0**-9  # of the way to each end: what rounding the scaled value back to the type of the scale may have moved


class Coding(NamedTuple):
    """How one tensor is read: `form` says in which units; `scale` what they are multiplied with, if anything.

    `scale_form`, `zero_form`: how its scales and zero points are read, of which the units are single values.
    """

    form: Form
    dtype: str
    scale: Scale | None = None
    scale_form: Form | None = None
    zero_form: Form | None = None

    @property
    def interval(self) -> bool:
        """Whether it says of a value what it may have been."""
        return self.form.interval

    def decode(self, raw: Bytes, scales: Floats | None = None, zeros: Floats | None = None) -> Samples:
        """Values and intervals of n units, uint8 of shape (n, form.nbytes): flat arrays of n * form.values.

        `scales` and `zeros`, of the same length, are those of each value, where there are any.
        """
        if self.scale is None or scales is None:
            found = self.form.decode(raw)
        elif self.dtype in _LEVELS:
            found = self._integers(raw, scales, zeros)
        else:
            found = _scaled(self.form.decode(raw), (scales * self.scale.factor).reshape(-1, 1))
        return Samples(*(column.reshape(-1) for column in found))

    def _integers(self, raw: Bytes, scales: Floats, zeros: Floats | None) -> Samples:
        scale = (scales * (self.scale.factor if self.scale is not None else 1.0)).reshape(-1, 1)
        offset = None if zeros is None else -scale * zeros.reshape(-1, 1)
        return decoded(_LEVELS[self.dtype], Scaled(raw, scale, offset))


def codings_of(tensors: Sequence[TensorInfo], metadata: Mapping[str, Json]) -> list[Coding | None]:
    """The coding of each tensor; None where its values are not known: packed, or bytes that do not fit its shape."""
    scales = scales_of(tensors, metadata)
    return [
        _of_scale(tensors, tensor, scales[number]) if number in scales else _plain(tensor)
        for number, tensor in enumerate(tensors)
    ]


def _plain(tensor: TensorInfo) -> Coding | None:
    form = form_of(tensor.dtype) or (integer_form(tensor.dtype) if is_small(tensor.shape) else None)
    return Coding(form, tensor.dtype) if form is not None and fits(tensor, form) else None


def _of_scale(tensors: Sequence[TensorInfo], weight: TensorInfo, scale: Scale | None) -> Coding | None:
    if scale is None:
        return None
    form = form_of(weight.dtype) or integer_form(weight.dtype)
    of_scale = form_of("F8_E8M0" if scale.powers else tensors[scale.tensor].dtype)
    of_zero = None if scale.zero is None else integer_form(tensors[scale.zero].dtype)
    if form is None or of_scale is None or not fits(weight, form) or not fits(tensors[scale.tensor], of_scale):
        return None
    if scale.zero is not None and (of_zero is None or not fits(tensors[scale.zero], of_zero)):
        return None
    return Coding(form, weight.dtype, scale, of_scale, of_zero)


@np.errstate(all="ignore")
def _scaled(found: Samples, scale: Floats) -> Samples:
    """Values times their scales; a scale of zero, or that is no number, leaves nothing known."""
    factor = np.where(np.isfinite(scale) & (scale != 0), scale, np.nan)
    values, first, second = found.values * factor, found.low * factor, found.high * factor
    low, high = np.minimum(first, second), np.maximum(first, second)
    middle = np.where(np.isfinite(values), values, 0.0)
    low, high = low - (middle - low) * _WIDER, high + (high - middle) * _WIDER
    unknown = np.isnan(low) | np.isnan(high)
    return Samples(
        np.where(np.isnan(values) | unknown, np.nan, values),
        np.where(unknown, -np.inf, low),
        np.where(unknown, np.inf, high),
    )
