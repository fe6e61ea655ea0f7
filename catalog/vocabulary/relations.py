"""What a comparison of two variants says, and how sure it is; what a person or a rule decided."""

from __future__ import annotations

from catalog.vocabulary.words import Word


class Relation(Word):
    """The left variant in terms of the right one."""

    IDENTICAL = "identical", "identical"
    SAME_TENSORS = "same_tensors", "same tensors"
    SAME_WEIGHTS = "same_weights", "same weights"
    OTHER_PRECISION = "other_precision", "same weights, other precision"
    QUANTISED = "quantised", "quantised"
    PART_OF = "part_of", "part of"
    CONTAINS = "contains", "contains"
    REARRANGED = "rearranged", "rearranged"
    DERIVED = "derived", "derived"
    SHARES_PARTS = "shares_parts", "shares parts"
    UNRELATED = "unrelated", "unrelated"
    CANNOT_TELL = "cannot_tell", "cannot tell"


class Certainty(Word):
    """What stands behind a relation, strongest first."""

    PROVEN = "proven", "proven by hash"
    ALL_VALUES = "all_values", "every value compared"
    KEYS = "keys", "by keys over all values"
    SAMPLES = "samples", "by samples"
    SUSPECTED = "suspected", "suspected"


class DecisionKind(Word):
    """What was decided."""

    JOIN = "join", "joined by itself"
    MERGE = "merge", "merged"
    SPLIT = "split", "split"
    NOT_SAME = "not_same", "not the same"
    KEEP = "keep", "kept"
    RECLAIM = "reclaim", "reclaimed"
    UNDO = "undo", "undone"


class Basis(Word):
    """What a "not the same" is bound to, strongest first: it must outlive a header edit or a rename."""

    WEIGHTS = "weights:v1", "the weights digests"
    TENSORS = "tensors:v1", "the tensors digests and settings"
    CONTENT = "content", "the contents"
    VARIANT = "variant", "the variants"


class Obstacle(Word):
    """Why two variants with the same tensors were not joined by themselves."""

    TOUCHED = "touched", "both models were edited by people"
    ASKED = "asked", "the site's settings say to ask first"
    KINDS = "kinds", "they are of different types"
    SETTINGS = "settings", "they state a setting differently"
    UNSOUND = "unsound", "one of them is malformed or suspicious"
    REJECTED = "rejected", "they were decided to be not the same"
    AMBIGUOUS = "ambiguous", "it fits two models that are not the same"
