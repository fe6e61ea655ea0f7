"""What a comparison takes and what it says.

The words of `Evidence` are codes and numbers; `catalog.matching.wording` makes sentences of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from catalog.vocabulary import Certainty, Direction, Doubt, Mapped, Relation, SameModel, TensorVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.fingerprints.base import Fingerprint, TensorPrint
    from catalog.formats.base import Json

VERSION = "match:v1"
"""Of the rules and thresholds of this room; kept with each relation that they found."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One variant as it is compared. All that is not known is empty: the less is known, the less is said.

    `whole`: digests of the whole by algorithm (`tensors:v1`, `weights:v1`, ...). `components`: by part, EMA copies
    and what belongs to no part included. `settings` as recognition states them; `metadata` the header's and, of a
    folder, each configuration file under its relative name. `files`: digests of the files that hold no weights, by
    relative name, by one algorithm for all variants. `sound`: neither malformed nor suspicious.
    """

    label: str
    content: bytes | None = None
    whole: Mapping[str, bytes] = field(default_factory=dict)
    components: tuple[Fingerprint, ...] = ()
    settings: Mapping[str, Json] = field(default_factory=dict)
    metadata: Mapping[str, Json] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    format: str = ""
    kind: str = ""
    sound: bool = True


class Pair(NamedTuple):
    """Two tensors that are thought to hold the same values, or one of which is part of the other.

    Both are seen as matrices of `rows` x `columns`. `transposed`: the right one is turned before they are compared.
    With ROWS or COLUMNS, the one with fewer values is that part of the larger one which begins at row or column
    `offset`. PERMUTED: the rows of the side with `heads` (left, right; 0 where plain) are in GGUF's order for rotary
    embeddings, heads of so many. SHIFTED: `shift` was added to the right one. ANY_ORDER: only the keys over all
    values say so. `exact`: keys over all values are equal; `score` is the correlation of the samples otherwise.
    """

    left: TensorPrint
    right: TensorPrint
    mapped: Mapped = Mapped.STRAIGHT
    transposed: bool = False
    offset: int = 0
    heads: tuple[int, int] = (0, 0)
    shift: float = 0.0
    exact: bool = False
    score: float = 1.0


class Row(NamedTuple):
    """One line of the evidence: a tensor of the one beside the tensor, or the part of one, of the other.

    A name is "" where the other side has no such tensor. `part` of `parts` says which part of the larger tensor (by
    rows, or by columns) is meant, from 1; 0 of 0 the whole. `compared`: how many values were (all: equal to `of`);
    `outside`: how many lay outside of what rounding allows. `largest` and `typical` (root of the mean square) are
    deviations in units of the last place of the coarser side; None where nothing was measured.
    """

    component: str
    left: str
    right: str
    left_dtype: str
    right_dtype: str
    left_shape: tuple[int, ...]
    right_shape: tuple[int, ...]
    verdict: TensorVerdict
    mapped: Mapped = Mapped.STRAIGHT
    part: int = 0
    parts: int = 0
    compared: int = 0
    of: int = 0
    outside: int = 0
    largest: float | None = None
    typical: float | None = None


class Difference(NamedTuple):
    """A setting that both sides state, and state differently; or that only one has a word for (the other is None).

    `file` is the configuration file in a folder, "" for settings of the whole. `stops`: it changes what the weights
    mean, so nothing joins by itself; else it is only named.
    """

    name: str
    left: Json
    right: Json
    file: str = ""
    stops: bool = True


@dataclass(frozen=True, slots=True)
class ComponentVerdict:
    """What the components `left` and `right` are to one another. `values` counts the core values of each side.

    `share_left`, `share_right`: the share of core values that found their like. `proven`: the share of the smaller
    side's values that digests prove. `by_key`: that of the values whose exact key is equal. `distance`: relative,
    None where it was not measured. `places`: equal tensors sit in corresponding places; False where names do not tell,
    and with REARRANGED where they do not. `full`: comparing all values would settle more.
    """

    left: str
    right: str
    relation: Relation
    certainty: Certainty
    values: tuple[int, int] = (0, 0)
    share_left: float = 0.0
    share_right: float = 0.0
    proven: float = 0.0
    by_key: float = 0.0
    compared: int = 0
    outside: int = 0
    detection_limit: float | None = None
    distance: float | None = None
    direction: Direction = Direction.NONE
    rung: str = ""
    doubt: Doubt | None = None
    rows: tuple[Row, ...] = ()
    places: bool = True
    full: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the left variant is to the right one, how sure that is, and what stands behind it.

    `direction`: which side is made of the other, where that can be told. `detection_limit`: a uniform change larger
    than this share of each tensor's root mean square would have been seen; None where every value was compared or
    nothing was sampled. `places`: True where equal tensors were found at corresponding places, False where names are
    not comparable, so that nothing may join by itself. `proven`, `by_key`: shares of the weights (0 to 1) that tensor
    digests prove, and whose exact keys are equal: what a remembered variant can join by. `full`: a full comparison of
    both files would settle more.
    """

    relation: Relation
    certainty: Certainty
    same_model: SameModel
    direction: Direction = Direction.NONE
    detection_limit: float | None = None
    values_compared: int = 0
    values_outside: int = 0
    settings: tuple[Difference, ...] = ()
    places: bool = True
    proven: float = 0.0
    by_key: float = 0.0
    full: bool = False
    doubt: Doubt | None = None
    components: tuple[ComponentVerdict, ...] = ()
    version: str = VERSION

    @property
    def rows(self) -> Sequence[Row]:
        """The table, component by component."""
        return [row for component in self.components for row in component.rows]
