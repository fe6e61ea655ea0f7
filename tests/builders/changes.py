"""Small damages to a file, for hypothesis to choose from."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

TOKENS = rb'{ } [ ] " , : -0 1e9 NaN null true "a.weight": "__metadata__": "dtype" \ud800 \u0000'.split()
SNIPPETS = st.sampled_from([*TOKENS, b"\0", b"\xff" * 8, struct.pack("<Q", 1 << 62), struct.pack("<I", 9), b" ", b"\n"])
CHANGES = st.lists(
    st.tuples(st.sampled_from(["set", "insert", "delete", "cut"]), st.floats(0, 1), st.binary(max_size=9) | SNIPPETS),
    min_size=1,
    max_size=4,
)


def changed(content: bytes, changes: list[tuple[str, float, bytes]], header: int) -> bytes:
    """The content with each change made somewhere in its first `header` bytes."""
    for what, place, piece in changes:
        at = int(place * min(header, len(content)))
        if what == "set":
            content = content[:at] + piece + content[at + len(piece) :]
        elif what == "insert":
            content = content[:at] + piece + content[at:]
        elif what == "delete":
            content = content[:at] + content[at + len(piece) :]
        else:
            content = content[:at]
    return content
