"""Evidence seen from the other side."""

from __future__ import annotations

from hypothesis import given

from catalog.matching.base import ComponentVerdict, Difference, Evidence, Row
from catalog.matching.flipping import flipped
from catalog.vocabulary import Certainty, Direction, Relation, SameModel, TensorVerdict
from tests.matching import evidence as some


@given(some.evidence)
def test_flipping_twice_changes_nothing(found: Evidence) -> None:
    assert flipped(flipped(found)) == found


def test_everything_that_has_a_side_changes_it() -> None:
    row = Row("vae", "a", "", "F32", "", (2, 3), (), TensorVerdict.ONLY_LEFT, of=6)
    verdict = ComponentVerdict(
        "vae", "first_stage_model", Relation.CONTAINS, Certainty.KEYS, (6, 4), 0.5, 1.0, rows=(row,),
        direction=Direction.RIGHT_FROM_LEFT,
    )  # fmt: skip
    found = Evidence(
        Relation.CONTAINS, Certainty.KEYS, SameModel.PARTIAL, Direction.RIGHT_FROM_LEFT,
        settings=(Difference("alpha", 8, 16),), components=(verdict,),
    )  # fmt: skip

    seen = flipped(found)

    assert (seen.relation, seen.direction) == (Relation.PART_OF, Direction.LEFT_FROM_RIGHT)
    assert seen.settings == (Difference("alpha", 16, 8),)
    (part,) = seen.components
    assert (part.left, part.right, part.values) == ("first_stage_model", "vae", (4, 6))
    assert (part.share_left, part.share_right) == (1.0, 0.5)
    assert (part.relation, part.direction) == (Relation.PART_OF, Direction.LEFT_FROM_RIGHT)
    assert part.rows == (Row("vae", "", "a", "", "F32", (), (2, 3), TensorVerdict.ONLY_RIGHT, of=6),)
