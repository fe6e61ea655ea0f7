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


class SameModel(Word):
    """Are two variants one model? `PARTIAL`: one is a component of the other, or they share one."""

    YES = "true", "the same model"
    NO = "false", "not the same model"
    PARTIAL = "partial", "the same in part"
    UNKNOWN = "", "cannot tell"


class Direction(Word):
    """Which of two variants was made of the other: rounded, quantised or cut out of it."""

    NONE = "", "cannot tell"
    LEFT_FROM_RIGHT = "left_from_right", "the first is made of the second"
    RIGHT_FROM_LEFT = "right_from_left", "the second is made of the first"


class TensorVerdict(Word):
    """What one tensor is to its like."""

    EQUAL = "equal", "equal"
    ROUNDED = "rounded", "rounded"
    QUANTISED = "quantised", "quantised"
    DIFFERENT = "different", "different"
    ONLY_LEFT = "only_left", "only in the first"
    ONLY_RIGHT = "only_right", "only in the second"
    NOT_COMPARED = "not_compared", "not compared"


class Mapped(Word):
    """How a tensor's values lie beside those of its like."""

    STRAIGHT = "", "as they are"
    RESHAPED = "reshaped", "in another shape"
    TRANSPOSED = "transposed", "transposed"
    PERMUTED = "permuted", "rows permuted"
    ROWS = "rows", "part of the rows"
    COLUMNS = "columns", "part of the columns"
    SHIFTED = "shifted", "one added"
    ANY_ORDER = "any_order", "the same values in another order"


class Doubt(Word):
    """Why nothing, or nothing more, can be told."""

    NO_VALUES = "no_values", "one of them holds no values that can be read"
    NOT_HASHED = "not_hashed", "one of them was not read in full yet"
    TOO_SMALL = "too_small", "there are too few weights to tell"
    TOO_MANY = "too_many", "there are too many tensors to find out which is which"
    NO_INTERVAL = "no_interval", "its quantisation leaves no bounds to compare with"
    DOUBLE_ROUNDING = "double_rounding", "a few values differ by one step: rounded twice, or lightly trained"
    OFF_SAMPLE = "off_sample", "the samples agree, but the keys over all values do not"
    BELOW_NOISE = "below_noise", "a change below the noise of the quantisation could not be seen"
    PLACES = "places", "equal tensors, but their names do not show whether they sit in corresponding places"
    BYTES_GONE = "bytes_gone", "the bytes of one are gone, so not every value can be compared"
    OUT_OF_REACH = "out_of_reach", "no worker reaches both files"


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
    """Why two variants that may be one model were not joined by themselves."""

    TOUCHED = "touched", "both models were edited by people"
    ASKED = "asked", "the site's settings say to ask first"
    KINDS = "kinds", "they are of different types"
    SETTINGS = "settings", "they state a setting differently"
    UNSOUND = "unsound", "one of them is malformed or suspicious"
    REJECTED = "rejected", "they were decided to be not the same"
    AMBIGUOUS = "ambiguous", "it fits two models that are not the same"
    CHAIN = "chain", "two members would both be rounded to a third, and are not the same themselves"
    PLACES = "places", "their names do not show whether equal tensors sit in corresponding places"
    KEYS = "keys", "only keys over all values say so"
    SAMPLES = "samples", "only samples say so"
    SIBLINGS = "siblings", "both are rounded from another one that is not here"
    QUANTISED = "quantised", "one of them is quantised"
    DECLARED = "declared", "they are declared to be one model, which their weights alone do not prove"


class GroupSort(Word):
    """What the members of a group of duplicates are: files with the same bytes, or variants of one model."""

    IDENTICAL = "identical", "identical files"
    MODEL = "model", "one model"
