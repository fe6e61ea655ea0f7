"""Why a walk passed something by: counted, never listed."""

from __future__ import annotations

from catalog.vocabulary.words import Word


class SkipReason(Word):
    """A reason, worded to follow a count: `12 other files`."""

    NOT_A_MODEL = "not_a_model", "other files"
    HIDDEN = "hidden", "hidden files"
    PARTIAL = "partial", "half-copied files"
    TRAINING_STATE = "training_state", "files of a training in progress"
    EXCLUDED = "excluded", "excluded by a pattern"
    NOT_INCLUDED = "not_included", "not among the included patterns"
    PRUNED_FOLDER = "pruned_folder", "folders of programs, caches and outputs"
    VIRTUAL_ENVIRONMENT = "virtual_environment", "Python environments"
    OTHER_LIBRARY = "other_library", "library folders of their own"
    BROKEN_LINK = "broken_link", "links to nothing"
