"""Which tensors of two variants are the same, or exact roundings of one another, by their digests alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from catalog.fingerprints.base import CODES
from catalog.matching.base import Row
from catalog.vocabulary import Direction, Mapped, TensorVerdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from catalog.fingerprints.base import Fingerprint, TensorPrint


class Placed(NamedTuple):
    """A tensor in its part."""

    part: str
    tensor: TensorPrint

    @property
    def name(self) -> str:
        """Its name inside of the folder that its part is."""
        return self.tensor.name.removeprefix(f"{self.part}/")


class Meeting(NamedTuple):
    """A tensor beside its like; one of two is None where it has none."""

    left: Placed | None
    right: Placed | None

    @property
    def direction(self) -> Direction:
        """Which one is rounded from the other; NONE where they are equal, or where both hold the same values."""
        if self.left is None or self.right is None:
            return Direction.NONE
        if _rounds(self.left.tensor, self.right.tensor):
            return Direction.LEFT_FROM_RIGHT
        return Direction.RIGHT_FROM_LEFT if _rounds(self.right.tensor, self.left.tensor) else Direction.NONE


class Meetings(NamedTuple):
    """All tensors of both sides, each in exactly one group of its like."""

    groups: Mapping[bytes, tuple[Sequence[Placed], Sequence[Placed]]]
    family: Mapping[bytes, bytes]

    @property
    def complete(self) -> bool:
        """Whether each tensor of both sides is equal to one of the other, or an exact rounding of it or of it."""
        return bool(self.groups) and all(_all_meet(*group) for group in self.groups.values())

    def equal(self, left: TensorPrint, right: TensorPrint) -> bool:
        """Whether both are of one group."""
        return self.family[left.td] == self.family[right.td]

    def single(self, tensor: TensorPrint) -> bool:
        """Whether its values occur once on each side."""
        lefts, rights = self.groups[self.family[tensor.td]]
        return len(lefts) == len(rights) == 1

    def crossed(self, both: Collection[str]) -> bool:
        """Whether values that occur once on each side lie in another part there, of parts that both sides have."""
        ones = (
            (lefts[0].part, rights[0].part) for lefts, rights in self.groups.values() if len(lefts) == len(rights) == 1
        )
        return any(left != right and left in both and right in both for left, right in ones)

    def names(self) -> tuple[dict[str, dict[str, TensorPrint]], dict[str, dict[str, TensorPrint]]]:
        """The tensors of each side by part and by name, without the folder that the part is."""
        sides: tuple[dict[str, dict[str, TensorPrint]], ...] = (defaultdict(dict), defaultdict(dict))
        for group in self.groups.values():
            for side, members in zip(sides, group, strict=True):
                for placed in members:
                    side[placed.part][placed.name] = placed.tensor
        return sides[0], sides[1]

    def pairs(self) -> list[Meeting]:
        """Each left tensor beside its like, chosen by part and name where several are; what is left over alone."""
        votes = self._votes()
        found: list[Meeting] = []
        for lefts, rights in self.groups.values():
            found += _paired(lefts, rights, votes)
        return found

    def _votes(self) -> Counter[tuple[str, str]]:
        """How many tensors say which part is which: those that occur once on each side."""
        return Counter(
            (lefts[0].part, rights[0].part)
            for lefts, rights in self.groups.values()
            if len(lefts) == 1 and len(rights) == 1
        )


def meet(left: Iterable[Fingerprint], right: Iterable[Fingerprint]) -> Meetings | None:
    """None where that is ambiguous: one rounded tensor may be that of two, or a tensor has no digest.

    Two f32 tensors that agree only when rounded are never in one group.
    """
    sides = (_placed(left), _placed(right))
    family = _families([placed.tensor for side in sides for placed in side])
    if family is None:
        return None
    groups: dict[bytes, tuple[list[Placed], list[Placed]]] = defaultdict(lambda: ([], []))
    for side, members in enumerate(sides):
        for placed in members:
            groups[family[placed.tensor.td]][side].append(placed)
    return Meetings(dict(groups), family)


def row(meeting: Meeting) -> Row:
    """The line of evidence for two tensors that digests compare, or for one alone."""
    left, right = meeting.left, meeting.right
    one = left or right
    if one is None:
        raise ValueError("A meeting of nobody")
    both = left is not None and right is not None
    return Row(
        component=one.part,
        left=left.tensor.name if left else "",
        right=right.tensor.name if right else "",
        left_dtype=left.tensor.dtype if left else "",
        right_dtype=right.tensor.dtype if right else "",
        left_shape=left.tensor.shape if left else (),
        right_shape=right.tensor.shape if right else (),
        verdict=_verdict(left, right),
        mapped=Mapped.RESHAPED if left and right and left.tensor.shape != right.tensor.shape else Mapped.STRAIGHT,
        compared=one.tensor.values if both else 0,
        of=one.tensor.values,
        largest=0.0 if both else None,
        typical=0.0 if both else None,
    )


def turned(meeting: Meeting) -> bool:
    """The same bytes under turned axes are other weights, unless all of them are one constant."""
    if meeting.left is None or meeting.right is None:
        return False
    left, right = meeting.left.tensor, meeting.right.tensor
    constant = left.lanes is not None and max(left.codes_f16, left.codes_bf16) < CODES
    return left.axes != right.axes and sorted(left.axes) == sorted(right.axes) and not constant


def _placed(side: Iterable[Fingerprint]) -> list[Placed]:
    return [Placed(part.name, tensor) for part in side for tensor in part.tensors]


def _families(tensors: Sequence[TensorPrint]) -> dict[bytes, bytes] | None:
    """td -> td of the f32 tensor that it is, or is rounded from; itself where there is none."""
    wide: dict[bytes, set[bytes]] = defaultdict(set)
    for tensor in tensors:
        if not tensor.td:
            return None
        if tensor.dtype == "F32":
            for rounded in filter(None, (tensor.td_f16, tensor.td_bf16)):
                wide[rounded].add(tensor.td)
    family = {tensor.td: min(wide.get(tensor.td, (tensor.td,))) for tensor in tensors}
    return None if any(len(wide.get(td, ())) > 1 for td in family) else family


def _all_meet(lefts: Sequence[Placed], rights: Sequence[Placed]) -> bool:
    left = {placed.tensor.td: placed.tensor for placed in lefts}
    right = {placed.tensor.td: placed.tensor for placed in rights}
    return all(
        any(_like(one, other) for other in others.values())
        for ones, others in ((left, right), (right, left))
        for one in ones.values()
    )


def _like(one: TensorPrint, other: TensorPrint) -> bool:
    return (
        one.td == other.td
        or (one.dtype == "F32" and other.td in {one.td_f16, one.td_bf16})
        or (other.dtype == "F32" and one.td in {other.td_f16, other.td_bf16})
    )


def _paired(
    lefts: Sequence[Placed], rights: Sequence[Placed], votes: Mapping[tuple[str, str], int]
) -> Iterator[Meeting]:
    """Likeliest first: parts that belong together, then equal names; the rest of the side with more stays alone."""
    if len(lefts) == 1 and len(rights) == 1:
        yield Meeting(lefts[0], rights[0])
        return
    by_name: dict[str, list[Placed]] = defaultdict(list)
    for right in rights:
        by_name[right.name].append(right)
    alone: list[Placed] = []
    for left in lefts:
        named = by_name[left.name]
        if named:
            named.sort(key=lambda right, part=left.part: votes.get((part, right.part), 0))  # type: ignore[misc] # a default binds the loop's value
            yield Meeting(left, named.pop())
        else:
            alone.append(left)
    rest = [right for named in by_name.values() for right in named]
    for one, other in zip_longest(alone, rest):
        yield Meeting(one, other)


def _rounds(narrow: TensorPrint, wide: TensorPrint) -> bool:
    """Whether the one is a rounding of the other that lost something."""
    if wide.dtype != "F32" or narrow.td == wide.td:
        return False
    if narrow.td == wide.td_f16:
        return not wide.exact_f16
    return narrow.td == wide.td_bf16 and not wide.exact_bf16


def _verdict(left: Placed | None, right: Placed | None) -> TensorVerdict:
    if left is None:
        return TensorVerdict.ONLY_RIGHT
    if right is None:
        return TensorVerdict.ONLY_LEFT
    return TensorVerdict.EQUAL if left.tensor.td == right.tensor.td else TensorVerdict.ROUNDED
