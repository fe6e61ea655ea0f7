"""States of locations and jobs, and the stages of work on a location."""

from __future__ import annotations

from catalog.vocabulary.words import Word


class LocationState(Word):
    """Whether the bytes are where they were seen."""

    PRESENT = "present", "present"
    CHANGED = "changed", "changed"
    OFFLINE = "offline", "offline"
    MISSING = "missing", "missing"
    IN_TRASH = "in_trash", "in trash"
    REMOVED = "removed", "removed"


class Stage(Word):
    """The next piece of work that a location waits for."""

    NONE = "", "nothing"
    PROBE = "probe", "header to be read"
    HASH = "hash", "to be hashed"
    VERIFY = "verify", "to be verified"


class JobKind(Word):
    """The verb of a job."""

    SCAN = "scan", "Scan"
    HASH = "hash", "Hash"
    VERIFY = "verify", "Verify"


class JobState(Word):
    """Where a job stands."""

    WAITING = "waiting", "waiting"
    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class ClaimSource(Word):
    """Who lists a digest that we did not compute."""

    HEADER = "header", "in the header"
    CIVITAI = "civitai", "by Civitai"
    SIDECAR = "sidecar", "in a sidecar"
    A1111 = "a1111", "in A1111's cache"
    INVOKEAI = "invokeai", "by InvokeAI"
    HUGGING_FACE = "huggingface", "by Hugging Face"
    OLLAMA = "ollama", "by Ollama"


class Verified(Word):
    """What reading a file again came to."""

    OK = "ok", "as recorded"
    CORRUPT = "corrupt", "bytes have changed"
    CHANGED = "changed", "written to since"
    MISSING = "missing", "not there"
    UNREADABLE = "unreadable", "cannot be read"
    UNHASHED = "unhashed", "not hashed yet"
