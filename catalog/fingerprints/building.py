"""Makes the fingerprints of a variant while its files are read: a lane for each file, then one print a component."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import Fingerprint, Rung, TensorPrint
from catalog.fingerprints.experts import Part, is_stack, split
from catalog.fingerprints.lane import FileLane, Share
from catalog.fingerprints.shapes import restored
from catalog.fingerprints.sketch import plan
from catalog.hashing.parts import is_optimiser_state, without_copies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Samples
    from catalog.fingerprints.sketch import Wanted
    from catalog.fingerprints.streams import Values
    from catalog.formats.base import Json, TensorInfo

_FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0"})
_F32 = Struct("<f")
_SHORT = 16
_MANY = 255


class Rounded(NamedTuple):
    """td of each tensor rounded to f16, and to bf16: its own where it is that type, or none of floating point.

    None where it has none.
    """

    f16: tuple[bytes | None, ...]
    bf16: tuple[bytes | None, ...]


class Builder:
    """Of one variant: its tensors in the order of the index, the header's metadata, and part -> tensors by number."""

    def __init__(
        self, tensors: Sequence[TensorInfo], metadata: Mapping[str, Json], parts: Mapping[str, tuple[int, ...]]
    ) -> None:
        self._tensors, self._components = tensors, parts
        self._parts = split(restored(tensors, metadata))
        self._plan = plan([part.tensor for part in self._parts], metadata)
        self._stacks = tuple(
            Part(tensor, at) for at, tensor in enumerate(tensors) if tensor.dtype == "F32" and is_stack(tensor)
        )
        self._lanes: list[FileLane] = []

    def lane(self, file: int, size: int) -> FileLane:
        """For the one read of file number `file` of the variant, of `size` bytes."""
        wanted: dict[int, list[tuple[int, Wanted]]] = {}
        for number, one in enumerate(self._plan.wanted):
            wanted.setdefault(one.tensor, []).append((number, one))
        shares = [
            Share(number, part, tuple(wanted.get(number, ())), number not in self._plan.scaled)
            for number, part in enumerate((*self._parts, *self._stacks))
            if part.tensor.file == file
        ]
        lane = FileLane(shares, size)
        self._lanes.append(lane)
        return lane

    def rounded(self, td: Sequence[bytes]) -> Rounded:
        """What the tensors would be in 16 bits, after all files were read; `td` in the order of the tensors."""
        twins, parts = {}, (*self._parts, *self._stacks)
        for number, values in self._values().items():
            part = parts[number]
            if values.td_f16 and not part.expert:
                twins[part.of] = values.td_f16, values.td_bf16
        pairs = [
            _twins(tensor.dtype, digest, twins.get(at))
            for at, (tensor, digest) in enumerate(zip(self._tensors, td, strict=True))
        ]
        return Rounded(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))

    def fingerprints(self, td: Sequence[bytes], *, packable: bool = False) -> tuple[Fingerprint, ...]:
        """One of each part, after all files were read; `td` are the 32-byte digests in the order of the tensors.

        `packable`: samples are left as they are stored where that will do to pack them.
        """
        values = self._values()
        prints: dict[int, list[TensorPrint]] = {}
        pieces: dict[int, npt.NDArray[np.uint8]] = {}
        experts: dict[int, bytes] = {}
        for lane in self._lanes:
            pieces |= lane.pieces
            experts |= lane.experts()
        raw = {at: own for at, own in self._plan.stored(pieces).items() if at in values} if packable else {}
        samples = self._plan.samples(pieces, besides=raw)
        for number, part in enumerate(self._parts):
            digest = experts.get(number, b"") if part.expert else td[part.of]
            made = _print(part.tensor, digest, values.get(number), samples[number], raw.get(number))
            prints.setdefault(part.of, []).append(made)
        return tuple(
            Fingerprint(name, tuple(one for at in self._members(members) for one in prints[at]))
            for name, members in self._components.items()
        )

    def _values(self) -> dict[int, Values]:
        return {number: values for lane in self._lanes for number, values in lane.values.items()}

    def _members(self, members: tuple[int, ...]) -> list[int]:
        """Those of a part without EMA copies and optimiser state, unless there is nothing else; in order of names."""
        own = [at for at in members if not is_optimiser_state(self._tensors[at].name)] or list(members)
        kept = [own[at] for at in without_copies([self._tensors[number].name for number in own])]
        return sorted(kept, key=lambda at: self._tensors[at].name)


def _print(
    tensor: TensorInfo, digest: bytes, values: Values | None, samples: Samples, raw: bytes | None
) -> TensorPrint:
    if values is None:
        rms, mean = _moments(samples)
        td = digest[:_SHORT]
        return TensorPrint(tensor.name, tensor.dtype, tensor.shape, td, rms=rms, mean=mean, samples=samples)
    f16, bf16 = _twins(tensor.dtype, digest, (values.td_f16, values.td_bf16) if values.td_f16 else None)
    return TensorPrint(
        name=tensor.name,
        dtype=tensor.dtype,
        shape=tensor.shape,
        td=digest[:_SHORT],
        td_f16=(f16 or b"")[:_SHORT],
        td_bf16=(bf16 or b"")[:_SHORT],
        lanes=values.lanes,
        m32=values.m32,
        exact_f16=values.exact_f16,
        exact_bf16=values.exact_bf16,
        codes_f16=values.codes[Rung.F16],
        codes_bf16=values.codes[Rung.BF16],
        rms=_single(values.rms),
        mean=_single(values.mean),
        samples=samples,
        codes=tuple([min(_MANY, count) for count in values.codes]),
        extremes=values.extremes,
        raw=raw,
    )


def _twins(dtype: str, digest: bytes, twins: tuple[bytes, bytes] | None) -> tuple[bytes | None, bytes | None]:
    if twins is not None:
        return twins
    if dtype == "F16":
        return digest, None
    if dtype == "BF16":
        return None, digest
    return (None, None) if dtype in _FLOATS else (digest, digest)


def _moments(samples: Samples) -> tuple[float, float]:
    """rms and mean of the samples that are known."""
    known = samples.values[np.isfinite(samples.values)]
    if not known.size:
        return float("nan"), float("nan")
    return _single(float(np.sqrt(np.mean(known * known)))), _single(float(np.mean(known)))


def _single(value: float) -> float:
    """As it is kept: in 32 bits."""
    try:
        return _F32.unpack(_F32.pack(value))[0]  # type: ignore[no-any-return] # a float
    except OverflowError:
        return float("inf")
