"""Everything that can need attention: a code, a heading, a sentence that says what and where, and the next step.

Templates take named parameters; the office runs them through gettext when they are shown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


class FindingCode(StrEnum):
    """`code, heading, sentence, advice`. The parameters of each sentence are its `%(name)s` places."""

    heading: str
    template: str
    advice: str

    def __new__(cls, value: str, heading: str = "", template: str = "", advice: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.heading, member.template, member.advice = heading, template, advice
        return member

    @classmethod
    def heading_of(cls, code: str) -> str:
        """The heading of a stored code; a code of a newer release is shown as it stands."""
        member = cls._value2member_map_.get(code)
        return member.heading if isinstance(member, cls) else code

    def sentence(self, params: Mapping[str, object]) -> str:
        """What is wrong, where, and what to do, in English; of a set, with the `file` that it is about."""
        place = f"{params['file']}: " if "file" in params else ""
        return f"{place}{self.template % params} {self.advice}"

    EMPTY = "empty", "Empty file", "The file holds no bytes.", "Download it again, then scan."
    TRUNCATED = (
        "truncated",
        "Truncated file",
        "The header promises %(expected)s, the file has %(actual)s.",
        "Download it again, then scan.",
    )
    MALFORMED = (
        "malformed",
        "Malformed file",
        "%(what)s, at %(where)s.",
        "Download it again, or ask whoever made it for a sound copy.",
    )
    NOT_A_MODEL = (
        "not_a_model",
        "Not a model",
        "This is %(what)s, under the name of a model.",
        "Download the model itself, then scan.",
    )
    HEADER_TOO_LARGE = (
        "header_too_large",
        "Header too large",
        "The header claims %(claimed)s; the format allows %(allowed)s.",
        "This is no sound file: download it again from a source you trust.",
    )
    UNSUPPORTED = (
        "unsupported",
        "Format not read yet",
        "Tensors of this format (%(format)s) are not read yet; hashes are computed.",
        "Nothing to do.",
    )
    FOREIGN_OBJECTS = (
        "foreign_objects",
        "Carries foreign objects",
        "Besides tensors, the pickle names %(names)s; nothing of it was executed.",
        "Load it only if you trust whoever made it, or ask for a safetensors copy.",
    )
    UNSAFE = (
        "unsafe",
        "Unsafe file",
        "%(what)s, at %(where)s; nothing of it was executed, and its tensors are withheld.",
        "Do not load it. Delete it, or ask whoever made it for a safetensors copy.",
    )
    REACHES_OUTSIDE = (
        "reaches_outside",
        "Reaches outside its folder",
        "The file asks for data at %(target)s, which is not a plain name beside it; it was not followed.",
        "Do not load it: ask whoever made it for a sound copy.",
    )
    EXTERNAL_DATA_MISSING = (
        "external_data_missing",
        "External data missing",
        "Tensors lie in %(name)s, which is not among the files of this model.",
        "Put that file beside this one, called as it is (model.onnx_data beside model.onnx), then scan.",
    )
    COMPRESSED = (
        "compressed",
        "Compressed inside",
        "%(count)s tensors are compressed inside the file, so they cannot be read in place; hashes are computed.",
        "Nothing to do; saving it again with its own program makes them readable.",
    )
    NOTE_UNREADABLE = (
        "note_unreadable",
        "A note of another program cannot be read",
        "%(path)s: %(reason)s.",
        "Nothing to do unless you miss names or tags: the model itself is not affected.",
    )
    UNREADABLE = (
        "unreadable",
        "Cannot be read",
        "Reading failed: %(reason)s.",
        "Give the account that runs Isotope the right to read it, then scan.",
    )
    NOT_A_FILE = (
        "not_a_file",
        "Not an ordinary file",
        "This is a %(what)s, so it was not opened.",
        "Nothing to do, unless you expected a model here.",
    )
    VANISHED = (
        "vanished",
        "Vanished while it was read",
        "The file was gone when it should have been read.",
        "Scan again when it is back.",
    )
    CHANGING = (
        "changing",
        "Changed while it was read",
        "The file was written to while it was read, so no digest counts.",
        "Nothing to do: the next scan reads it again.",
    )
    MISSING_SHARD = (
        "missing_shard",
        "Missing shard",
        "The index names %(shard)s, which is not there.",
        "Download the missing shard, then scan.",
    )
    READER_FAILED = (
        "reader_failed",
        "Could not be processed",
        "Processing stopped three times in this file: %(reason)s.",
        "Press Retry; if it stops again, report the file's header.",
    )
    COMPARISON_FAILED = (
        "comparison_failed",
        "Could not be compared",
        "Comparing this with other models stopped three times: %(reason)s.",
        "Nothing to do: its hashes are right, and it is compared again when it is next read in full.",
    )
    LINK_LEAVES = (
        "link_leaves",
        "Link out of the library folder",
        "The link points to %(target)s, outside this library folder, so it was not followed.",
        "Add that folder as a library folder of its own if you want its models.",
    )
    FOLDER_UNREADABLE = (
        "folder_unreadable",
        "Folder cannot be listed",
        "Listing %(path)s failed: %(reason)s.",
        "Give the account that runs Isotope the right to read it, then scan.",
    )
    LIBRARY_OFFLINE = (
        "library_offline",
        "Library folder offline",
        "%(path)s cannot be reached; %(count)s models are remembered.",
        "Plug the drive in or mount it; nothing is lost.",
    )
    SEEN_TWICE = (
        "seen_twice",
        "One folder seen twice?",
        "%(path)s shows the same names, sizes and times as %(other)s.",
        "Remove one of the two library folders if they are one folder.",
    )
    CLAIM_DIFFERS = (
        "claim_differs",
        "A listed hash differs",
        "%(algorithm)s is listed as %(listed)s and computed as %(computed)s.",
        "Check where the file came from: it is not the one that was listed.",
    )
    REJECTION_CLOSED = (
        "rejection_closed",
        "“Not the same” closed",
        "Two files that were decided to be different proved to hold the same bytes.",
        "Nothing to do: the decision is kept in the history.",
    )
    MODELS_SHARE_A_FILE = (
        "models_share_a_file",
        "One file in two models",
        "A file of this model was also in “%(other)s”, which has been edited or holds other files.",
        "Merge the two models if they are one.",
    )
    SETTINGS_DIFFER = (
        "settings_differ",
        "Same tensors, other settings",
        "%(other)s has the same tensors but states %(setting)s differently.",
        "Compare the two and decide whether they are one model.",
    )
    CORRUPT = (
        "corrupt",
        "Bytes have changed",
        "Read twice: BLAKE3 was %(expected)s and is now %(found)s, with size and time unchanged.",
        "Restore this file from a good copy; the recorded hash is kept.",
    )
    DISK_READ_ERROR = (
        "disk_read_error",
        "The disk could not be read",
        "Reading failed at %(where)s: %(reason)s.",
        "Check the disk, then press Retry.",
    )
